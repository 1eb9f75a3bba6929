// SPDX-License-Identifier: Apache-2.0
#include "station.h"

#include "wall_clock.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 32, FETCH_WAIT_MS = 250, RETRY_MS = 50 };

/* An event in hand. */
struct piece {
    struct rill_msg *msg;
    Shop__Event *event; // NULL: these bytes are none
    Shop__Event next;
    enum station_verdict verdict;
    struct shop_sent sent;
};

static volatile sig_atomic_t stop_wanted;

static void on_sigterm(int signal_number)
{
    (void)signal_number;
    stop_wanted = 1;
}

// ---- one event ----

static void piece_work(struct piece *piece, const struct station *station, struct rill_js *js)
{
    struct rill_msg_meta meta = {.delivered = 0};
    piece->event = event_unpack(rill_msg_data(piece->msg), rill_msg_data_bytes(piece->msg));
    shop__event__init(&piece->next);
    if (!piece->event || rill_msg_meta(piece->msg, &meta)) {
        piece->verdict = STATION_SENSELESS;
        piece->next.reason = "not an event";
        return;
    }
    piece->next.order = piece->event->order;
    piece->next.total_cents = piece->event->total_cents;
    piece->next.by = (char *)station->name;
    piece->next.at_ms = wall_clock_ms();
    piece->verdict = station->work(station->context, piece->event, &meta, &piece->next);
    if (piece->verdict == STATION_FOLLOWS)
        shop_publish(js, &piece->next, &piece->sent);
}

/* An acknowledgement that does not arrive is no error: the event comes again. */
static void piece_end(struct piece *piece, struct rill_conn *conn)
{
    enum rill_err err;
    if (piece->verdict == STATION_SENSELESS)
        err = rill_term(conn, piece->msg, piece->next.reason);
    else if (piece->verdict == STATION_AGAIN || (piece->verdict == STATION_FOLLOWS && piece->sent.err))
        err = rill_nak(conn, piece->msg, RETRY_MS);
    else
        err = rill_ack(conn, piece->msg);
    if (err)
        fprintf(stderr, "%s: %s\n", rill_msg_subject(piece->msg), rill_error_string(err));
    if (piece->event)
        shop__event__free_unpacked(piece->event, NULL);
    rill_msg_unref(piece->msg);
}

// ---- the loop ----

/* Waits for one event, and takes the others that are there by then. False when the broker is away, or just coming back. */
static bool fetch_batch(const struct station *station, struct rill_js *js, struct rill_msg *ret_msgs[BATCH],
                        size_t *ret_count)
{
    const struct rill_fetch one = {.msgs_max = 1, .expires_ms = FETCH_WAIT_MS};
    const struct rill_fetch others = {.msgs_max = BATCH - 1};
    size_t count = 0;
    if (rill_fetch(js, SHOP_STREAM, station->consumer->name, &one, ret_msgs, ret_count, NULL))
        return false;
    if (*ret_count &&
        !rill_fetch(js, SHOP_STREAM, station->consumer->name, &others, ret_msgs + 1, &count, NULL))
        *ret_count += count;
    return true;
}

static bool work_on_batch(const struct station *station, struct rill_conn *conn, struct rill_js *js)
{
    struct rill_msg *msgs[BATCH];
    struct piece pieces[BATCH];
    size_t count = 0;
    if (!fetch_batch(station, js, msgs, &count))
        return false;
    for (size_t i = 0; i < count; i++) {
        pieces[i] = (struct piece){.msg = msgs[i]};
        piece_work(&pieces[i], station, js);
    }
    shop_wait(js);
    for (size_t i = 0; i < count; i++)
        piece_end(&pieces[i], conn);
    return true;
}

int station_run(const struct station *station, const char *url)
{
    struct rill_conn *conn = NULL;
    struct rill_js *js = NULL;
    signal(SIGTERM, on_sigterm);
    const bool open = shop_connect(&conn, &js, url, station->name) && shop_open_streams(js) &&
                      shop_open_consumer(js, station->consumer);
    while (open && !stop_wanted)
        if (!work_on_batch(station, conn, js))
            shop_rest();
    // What was acknowledged last shall arrive.
    const bool flushed = open && !rill_flush(conn, RILL_TIMEOUT_DEFAULT);
    shop_disconnect(conn, js);
    return flushed ? 0 : 1;
}
