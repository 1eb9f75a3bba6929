// SPDX-License-Identifier: Apache-2.0
//
// A stream with limits, from which messages are deleted, erased and purged, on a disk that loses power: random lives.
//
//      L1  Nobody is ever told of more messages or bytes than the limits allow.
//      L2  A sequence is acknowledged for one message only, in all lives; the last sequence never falls below it.
//      L3  An id has one sequence for ever, whatever has become of its message; and a message with an id is there once.
//      L4  What was acknowledged is there with its content, unless a limit, a delete or a purge has taken it; and a limit
//          takes no more than it has to.
//      L5  What was erased is gone, from the files too.
#include "seed.h"
#include "sim_core.h"
#include "sim_disk.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SEEDS = 300,
    SEEDS_LONG = 10000,
    STEPS = 240,
    CRASHES_MAX = 5,
    MESSAGES = 200,
    SEQUENCES = 400,
    REQUESTS = 2000,
    SEGMENTS_MAX = 100
};

struct life {
    uint64_t seed;
    struct rill_random random;
    struct rill_disk *disk;
    struct sim_core sim;
    struct sim_client *client;
    uint32_t crashes;

    // the stream
    uint32_t kind;
    uint64_t first_seq, last_seq, messages; // as INFO told last

    // what was promised
    uint32_t content[SEQUENCES]; // number of the message plus 1; 0: nobody was told
    uint32_t sent[MESSAGES];     // how often
    uint64_t sequence[MESSAGES]; // that somebody was told; 0: nobody was
    bool seen[MESSAGES];         // at the end
    bool touched[SEQUENCES];     // somebody wanted it deleted
    bool erased[SEQUENCES];      // and was told that its bytes are gone
    uint64_t purged_below;       // what somebody wanted purged
    uint64_t highest;
    uint32_t published; // so many messages were sent at least once

    // requests
    struct request {
        enum { PUBLISH, ERASE, INFO, GET } what;
        uint64_t argument;
        bool answered;
    } requests[REQUESTS];
    uint32_t request_count;
    bool is_ready; // the stream answers
    char failure[256];
};

static const struct kind {
    const char *fields;
    uint64_t max_msgs, max_bytes; // 0: none
} kinds[] = {
    {",\"max_msgs\":7", 7, 0},
    {",\"max_bytes\":2500", 0, 2500},
    {",\"max_msgs\":9,\"discard\":\"new\"", 9, 0},
    {",\"max_msgs\":20,\"compression\":\"s2\"", 20, 0},
    {",\"max_msgs\":12,\"max_bytes\":2500", 12, 2500},
    {"", 0, 0},
};

static uint32_t below(struct life *life, uint32_t limit)
{
    return (uint32_t)rill_random_below(&life->random, limit);
}

static void fail(struct life *life, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void fail(struct life *life, const char *format, ...)
{
    if (life->failure[0])
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(life->failure, sizeof life->failure, format, args);
    va_end(args);
}

// ---- requests ----

static void request(struct life *life, const char *subject, const char *headers, const char *body, int what,
                    uint64_t argument)
{
    char reply[32];
    cr_assert(life->request_count < REQUESTS);
    (void)snprintf(reply, sizeof reply, "R.%u", life->request_count);
    life->requests[life->request_count++] = (struct request){.what = what, .argument = argument};
    sim_client_publish(life->client, subject, reply, headers, rill_bytes_from_cstr(body));
}

static void write_payload(uint32_t number, char to[160])
{
    const int len = snprintf(to, 160, "secret:%u;", number);
    memset(to + len, 'x', number * 13 % 100);
    to[len + (int)(number * 13 % 100)] = 0;
}

/* The next message, or one that was sent before. */
static void publish(struct life *life)
{
    char headers[64];
    char payload[160];
    const bool again = life->published && below(life, 3) == 0;
    if (!again && life->published == MESSAGES)
        return;
    const uint32_t number = again ? below(life, life->published) : life->published++;
    (void)snprintf(headers, sizeof headers, "NATS/1.0\r\nNats-Msg-Id: id-%u\r\n\r\n", number);
    write_payload(number, payload);
    life->sent[number]++;
    request(life, "a", headers, payload, PUBLISH, number);
}

static void delete_one(struct life *life)
{
    char body[64];
    const uint64_t sequence = life->highest ? 1 + below(life, (uint32_t)life->highest) : 1;
    const bool erases = below(life, 3) > 0;
    (void)snprintf(body, sizeof body, "{\"seq\":%" PRIu64 ",\"no_erase\":%s}", sequence,
                   erases ? "false" : "true");
    life->touched[sequence] = true;
    request(life, "$JS.API.STREAM.MSG.DELETE.S", NULL, body, ERASE, erases ? sequence : 0);
}

static void purge(struct life *life)
{
    char body[64];
    const uint64_t sequence = life->highest ? 1 + below(life, (uint32_t)life->highest) : 1;
    (void)snprintf(body, sizeof body, "{\"seq\":%" PRIu64 "}", sequence);
    if (sequence > life->purged_below)
        life->purged_below = sequence;
    request(life, "$JS.API.STREAM.PURGE.S", NULL, body, INFO, 0);
}

static void look(struct life *life)
{
    request(life, "$JS.API.STREAM.INFO.S", NULL, "", INFO, 0);
}

// ---- answers ----

static uint64_t number_behind(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static void on_acknowledged(struct life *life, uint64_t number, const char *text)
{
    const uint64_t sequence = number_behind(text, "\"seq\":");
    if (strstr(text, "\"error\"") || !sequence)
        return;
    if (sequence >= SEQUENCES || (life->content[sequence] && life->content[sequence] != number + 1))
        fail(life, "L2: sequence %" PRIu64 " is of messages %u and %" PRIu64, sequence,
             life->content[sequence % SEQUENCES] - 1, number);
    if (life->sequence[number] && life->sequence[number] != sequence)
        fail(life, "L3: message %" PRIu64 " has the sequences %" PRIu64 " and %" PRIu64, number,
             life->sequence[number], sequence);
    if (life->failure[0])
        return;
    life->sequence[number] = sequence;
    life->content[sequence] = (uint32_t)number + 1;
    life->highest = sequence > life->highest ? sequence : life->highest;
}

static void on_info(struct life *life, const char *text)
{
    const struct kind *kind = &kinds[life->kind];
    life->messages = number_behind(text, "\"messages\":");
    life->first_seq = number_behind(text, "\"first_seq\":");
    life->last_seq = number_behind(text, "\"last_seq\":");
    if (kind->max_msgs && life->messages > kind->max_msgs)
        fail(life, "L1: %" PRIu64 " messages", life->messages);
    if (kind->max_bytes && number_behind(text, "\"bytes\":") > kind->max_bytes)
        fail(life, "L1: %" PRIu64 " bytes", number_behind(text, "\"bytes\":"));
    if (life->last_seq < life->highest)
        fail(life, "L2: the last sequence is %" PRIu64 ", but %" PRIu64 " was promised", life->last_seq,
             life->highest);
    life->is_ready = true;
}

static bool is_there(const struct life *life, uint64_t sequence)
{
    return life->content[sequence] && sequence >= life->first_seq && sequence <= life->last_seq &&
           !life->touched[sequence];
}

static void on_message(struct life *life, uint64_t sequence, const char *text)
{
    const bool absent = strstr(text, "10037") != NULL;
    char payload[160];
    char data[256];
    if (absent && is_there(life, sequence))
        fail(life, "L4: sequence %" PRIu64 " was acknowledged and is gone", sequence);
    if (!absent && life->erased[sequence])
        fail(life, "L5: sequence %" PRIu64 " was erased and is there", sequence);
    if (absent || !life->content[sequence])
        return;
    const uint32_t number = life->content[sequence] - 1;
    if (life->seen[number])
        fail(life, "L3: message %u is there twice, last as %" PRIu64, number, sequence);
    life->seen[number] = true;
    // The first bytes are enough: base64 of three at a time.
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    write_payload(number, payload);
    size_t len = (size_t)snprintf(data, sizeof data, "\"data\":\"");
    for (size_t i = 0; i + 3 <= strlen(payload); i += 3) {
        const uint32_t three = (uint32_t)(uint8_t)payload[i] << 16 | (uint32_t)(uint8_t)payload[i + 1] << 8 |
                               (uint8_t)payload[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6)
            data[len++] = digits[three >> shift & 63];
    }
    data[len] = 0;
    if (!strstr(text, data))
        fail(life, "L4: sequence %" PRIu64 " has another content: %s", sequence, text);
}

static void on_command(void *context, struct sim_client *client, const struct rill_command *command)
{
    struct life *life = context;
    if ((command->op != RILL_OP_MSG && command->op != RILL_OP_HMSG) || sim_disk_is_off(life->disk))
        return;
    char subject[32], text[4096];
    (void)snprintf(subject, sizeof subject, RILL_PRI, RILL_ARG(command->subject));
    (void)snprintf(text, sizeof text, RILL_PRI, RILL_ARG(command->payload));
    struct request *of = &life->requests[number_behind(subject, "R.")];
    if (of->answered)
        fail(life, "two answers: %s", text);
    of->answered = true;
    if (of->what == PUBLISH)
        on_acknowledged(life, of->argument, text);
    else if (of->what == ERASE && of->argument && strstr(text, "\"success\":true"))
        life->erased[of->argument] = true;
    else if (of->what == INFO && strstr(text, "stream_info_response\",\"total"))
        on_info(life, text);
    else if (of->what == GET)
        on_message(life, of->argument, text);
}

// ---- a life ----

static void create(struct life *life)
{
    char body[256];
    (void)snprintf(body, sizeof body, "{\"name\":\"S\",\"subjects\":[\"a\"]%s}", kinds[life->kind].fields);
    request(life, "$JS.API.STREAM.CREATE.S", NULL, body, INFO, 0);
}

static void begin(struct life *life)
{
    sim_core_start_again(&life->sim, life->disk, rill_random_next(&life->random));
    life->client = sim_client_open(&life->sim, on_command, life);
    sim_client_sendf(life->client, "CONNECT {\"headers\":true,\"no_responders\":true}\r\nSUB R.* 1\r\n");
    create(life);
    life->is_ready = false;
}

static void step(struct life *life)
{
    const uint32_t what = below(life, 100);
    if (what < 60)
        publish(life);
    else if (what < 70)
        delete_one(life);
    else if (what < 72)
        purge(life);
    else if (what < 90)
        look(life);
    else
        sim_core_advance(&life->sim, (int64_t)below(life, 100) * RILL_NS_PER_MS);
    for (uint32_t i = below(life, 6); i > 0; i--)
        (void)sim_core_turn(&life->sim);
}

static void crash(struct life *life)
{
    if (!sim_disk_is_off(life->disk))
        sim_disk_crash(life->disk);
    sim_core_crash(&life->sim);
    if (below(life, 3) == 0)
        sim_disk_restart_killed(life->disk);
    else
        sim_disk_restart(life->disk);
    life->crashes++;
    begin(life);
}

static bool is_in_files(const struct life *life, uint32_t number)
{
    char secret[32];
    const int secret_len = snprintf(secret, sizeof secret, "secret:%u;", number);
    for (int segment = 1; segment < SEGMENTS_MAX; segment++) {
        char path[64];
        size_t len;
        (void)snprintf(path, sizeof path, "store/$G/S/%016x.seg", segment);
        const uint8_t *bytes = sim_disk_bytes(life->disk, path, &len);
        if (bytes && memmem(bytes, len, secret, (size_t)secret_len))
            return true;
    }
    return false;
}

/* L4: a limit takes the oldest, and only what it has to. */
static void check_count(struct life *life)
{
    const struct kind *kind = &kinds[life->kind];
    uint64_t touched = 0;
    const uint64_t purged = life->purged_below ? life->purged_below - 1 : 0;
    for (uint64_t sequence = 1; sequence <= life->last_seq && sequence < SEQUENCES; sequence++)
        touched += life->touched[sequence];
    const uint64_t could = life->last_seq > purged ? life->last_seq - purged : 0;
    const uint64_t wanted = kind->max_msgs && kind->max_msgs < could ? kind->max_msgs : could;
    if (!kind->max_bytes && life->messages + touched < wanted)
        fail(life, "L4: %" PRIu64 " messages, %" PRIu64 " touched, of %" PRIu64, life->messages, touched,
             wanted);
}

static void check_the_end(struct life *life)
{
    for (int i = 0; i < 100 && !life->is_ready; i++) {
        create(life); // unless it is there
        look(life);
        sim_core_advance(&life->sim, RILL_NS_PER_S);
    }
    look(life);
    sim_core_advance(&life->sim, 5 * RILL_NS_PER_S);
    cr_assert(life->is_ready, "seed %" PRIu64, life->seed);
    check_count(life);
    for (uint64_t sequence = 1; sequence <= life->highest; sequence++) {
        char body[64];
        (void)snprintf(body, sizeof body, "{\"seq\":%" PRIu64 "}", sequence);
        request(life, "$JS.API.STREAM.MSG.GET.S", NULL, body, GET, sequence);
        sim_core_settle(&life->sim);
        // One that was sent twice may be there a second time.
        const uint32_t number = life->content[sequence] - 1;
        if (life->erased[sequence] && life->content[sequence] && life->sent[number] == 1 &&
            is_in_files(life, number))
            fail(life, "L5: sequence %" PRIu64 " was erased and stands in a file", sequence);
    }
    sim_core_advance(&life->sim, RILL_NS_PER_S);
}

/* Soon, or when the index has been written to. */
static void crash_later(struct life *life)
{
    const uint32_t calls = below(life, 2) ? 150 : 1500;
    sim_disk_crash_at(life->disk, life->crashes < CRASHES_MAX ? 1 + below(life, calls) : 0);
}

static void live(struct life *life)
{
    begin(life);
    crash_later(life);
    for (uint32_t i = 0; i < STEPS && !life->failure[0]; i++) {
        step(life);
        if (!sim_disk_is_off(life->disk))
            continue;
        crash(life);
        crash_later(life);
    }
    sim_disk_crash_at(life->disk, 0);
    sim_core_settle(&life->sim);
    if (sim_disk_is_off(life->disk))
        crash(life);
    check_the_end(life);
}

// Whatever limits, deletes, erases, purges and crashes do together, the promises above are kept.
Test(durable_limits, what_is_promised_of_a_limited_stream_is_kept)
{
    const struct seed_range seeds = seed_range_long(SEEDS, SEEDS_LONG);
    uint64_t crashes = 0, erased = 0, acknowledged = 0;
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        static struct life life;
        life = (struct life){.seed = seed, .random.state = seed, .disk = sim_disk_create(seed)};
        life.kind = below(&life, sizeof kinds / sizeof kinds[0]);
        live(&life);
        cr_assert(eq(str, life.failure, ""), "RILL_SEED=%" PRIu64 " (kind %u)", seed, life.kind);
        crashes += life.crashes;
        acknowledged += life.highest;
        for (size_t i = 0; i < SEQUENCES; i++)
            erased += life.erased[i];
        sim_core_stop(&life.sim);
        sim_disk_destroy(life.disk);
    }
    cr_log_info("%" PRIu64 " sequences, %" PRIu64 " erased, %" PRIu64 " crashes", acknowledged, erased,
                crashes);
    // The lives do what they are made for.
    const uint64_t count = seeds.last - seeds.first + 1;
    cr_expect(count < SEEDS || crashes > count);
    cr_expect(count < SEEDS || erased > count);
    cr_expect(count < SEEDS || acknowledged > 10 * count);
}
