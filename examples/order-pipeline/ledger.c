// SPDX-License-Identifier: Apache-2.0
//
// ledger: proves that every order came out exactly once, and prints it as a table; exits with 1 when it is not so.
//
//     ledger URL ORDERS.csv RECEIPTS.csv LEDGER.csv
#include "proof.h"
#include "shop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NUMBER_MAX = 32, REASON_BYTES = 64 };

// ---- what is on the broker's disk ----

struct letters {
    struct audit *audit;
    char reasons[REASON_BYTES]; // of the first dead letter
};

typedef void read_message(struct letters *letters, const struct rill_msg *msg, uint64_t sequence);

static void read_event(struct letters *letters, const struct rill_msg *msg, uint64_t sequence)
{
    Shop__Event *event = event_unpack(rill_msg_data(msg), rill_msg_data_bytes(msg));
    audit_event(letters->audit, event, sequence);
    if (event)
        shop__event__free_unpacked(event, NULL);
}

static void read_letter(struct letters *letters, const struct rill_msg *msg, uint64_t sequence)
{
    struct rill_text reason;
    Shop__Event *event = event_unpack(rill_msg_data(msg), rill_msg_data_bytes(msg));
    (void)sequence;
    audit_dead(letters->audit, event);
    if (!letters->reasons[0] &&
        (rill_msg_header(msg, "Rill-Term-Reason", &reason) || rill_msg_header(msg, "Rill-Reason", &reason)))
        snprintf(letters->reasons, sizeof letters->reasons, "%.*s", (int)reason.bytes, reason.text);
    if (event)
        shop__event__free_unpacked(event, NULL);
}

/* From the first message to the last that is there. */
static bool read_stream(struct rill_js *js, const char *stream, read_message *read, struct letters *letters)
{
    struct rill_ordered *ordered;
    struct rill_error error;
    if (rill_ordered_open(js, stream, NULL, &ordered, &error)) {
        fprintf(stderr, "ledger: %s: %s\n", stream, error.text);
        return false;
    }
    enum rill_err err = RILL_OK;
    for (uint64_t left = rill_ordered_pending(ordered); left && !err; left--) {
        struct rill_msg *msg;
        struct rill_msg_meta meta;
        if ((err = rill_ordered_next(ordered, RILL_TIMEOUT_DEFAULT, &msg)))
            break;
        if (!(err = rill_msg_meta(msg, &meta)))
            read(letters, msg, meta.stream_seq);
        rill_msg_unref(msg);
    }
    if (err)
        fprintf(stderr, "ledger: %s: %s\n", stream, rill_error_string(err));
    rill_ordered_close(ordered);
    return !err;
}

static bool read_consumer(struct rill_js *js, const struct shop_consumer *consumer, struct letters *letters)
{
    Rill__ConsumerInfo *info;
    struct rill_error error;
    if (rill_consumer_info(js, SHOP_STREAM, consumer->name, &info, &error)) {
        fprintf(stderr, "ledger: %s: %s\n", consumer->name, error.text);
        return false;
    }
    audit_deliveries(letters->audit, consumer->kinds, consumer->kind_count, info->delivered->consumer_seq);
    rill_model_free(&info->base);
    return true;
}

static bool read_streams(const char *url, struct letters *letters)
{
    struct rill_conn *conn = NULL;
    struct rill_js *js = NULL;
    const bool read = shop_connect(&conn, &js, url, "ledger") &&
                      read_stream(js, SHOP_STREAM, read_event, letters) &&
                      read_stream(js, SHOP_DEAD_STREAM, read_letter, letters) &&
                      read_consumer(js, &shop_inventory, letters) &&
                      read_consumer(js, &shop_payment, letters) && read_consumer(js, &shop_notifier, letters);
    shop_disconnect(conn, js);
    return read;
}

// ---- the table ----

/* "1234567" becomes "1,234,567". */
static const char *grouped(size_t value, char text[NUMBER_MAX])
{
    char digits[NUMBER_MAX];
    const int len = snprintf(digits, sizeof digits, "%zu", value);
    char *write = text;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            *write++ = ',';
        *write++ = digits[i];
    }
    *write = '\0';
    return text;
}

static void print_row(const char *label, size_t value, const char *remark)
{
    char text[NUMBER_MAX];
    printf("  %-34s %9s   %s\n", label, grouped(value, text), remark);
}

/* A row that has to show a certain number; on a terminal it is green when it does, else red. */
static void print_verdict_row(const char *label, size_t value, size_t wanted)
{
    const bool coloured = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    const char *const colour = value == wanted ? "\033[32m" : "\033[31m";
    char text[NUMBER_MAX];
    printf("  %-34s %s%9s%s   %s\n", label, coloured ? colour : "", grouped(value, text),
           coloured ? "\033[0m" : "", value == wanted ? "" : "<- wrong");
}

static void print_time(const struct proof *proof)
{
    const double seconds = (double)(proof->last_ms - proof->first_ms) / 1000;
    printf("  %-34s %7.2f s   from the first acknowledgement to the last customer told\n", "time", seconds);
    if (seconds > 0)
        print_row("messages per second", (size_t)((double)proof->events / seconds),
                  "each on disk before it was acknowledged");
}

static void print_proof(const struct proof *proof, const char *reason)
{
    char remark[REASON_BYTES + 32];
    snprintf(remark, sizeof remark, "made no sense; the first: %s", reason);
    puts("  -------------------------------------------------------------------------------");
    print_row("orders in", proof->orders, "");
    print_verdict_row("acknowledged by the broker", proof->acknowledged, proof->orders);
    print_row("  sent again and recognised", proof->acknowledged_again, "by their Nats-Msg-Id");
    print_row("events", proof->events, "placed, reserved, paid, shipped, rejected");
    print_verdict_row("orders out", proof->shipped + proof->rejected + proof->dead, proof->orders);
    print_row("  shipped", proof->shipped, "");
    print_row("  rejected", proof->rejected, "out of stock, or card declined");
    print_row("  dead letters", proof->dead, proof->dead ? remark : "");
    print_row("redelivered", proof->redelivered, "a delivery before fell to a kill");
    print_row("  and recognised by the ledger", proof->recognised, "customer told before, no second effect");
    print_verdict_row("lost", proof->lost, 0);
    print_verdict_row("twice", proof->twice, 0);
    print_verdict_row("with a wrong end or sum", proof->wrong, 0);
    print_verdict_row("not where it was acknowledged", proof->misplaced, 0);
    print_verdict_row("overtaken, of one customer", proof->overtaken, 0);
    print_verdict_row("lines that make no sense", proof->odd, 0);
    print_time(proof);
    puts("  -------------------------------------------------------------------------------");
}

static int prove(const struct order_book *book, char **argv)
{
    struct letters letters = {.audit = audit_create(book)};
    if (!letters.audit)
        return 2;
    // In this order: an event is held against the receipt of its order.
    const bool read = audit_receipts(letters.audit, argv[3]) && read_streams(argv[1], &letters) &&
                      audit_ledger(letters.audit, argv[4]);
    const struct proof proof = audit_close(letters.audit);
    if (!read)
        return 2;
    print_proof(&proof, letters.reasons);
    const bool holds = proof_holds(&proof);
    puts(holds ? "  proved: nothing lost, nothing twice, nobody overtaken"
               : "  NOT proved: see the rows marked wrong");
    return holds ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct order_book book;
    if (argc != 5) {
        fprintf(stderr, "usage: ledger URL ORDERS.csv RECEIPTS.csv LEDGER.csv\n");
        return 2;
    }
    if (!order_book_load(&book, argv[2]))
        return 2;
    const int status = prove(&book, argv);
    order_book_fini(&book);
    return status;
}
