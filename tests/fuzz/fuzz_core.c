// SPDX-License-Identifier: Apache-2.0
//
// A whole broker core that is fed with whatever comes, cut into reads, on two connections with a third that
// listens to everything. Nothing may crash, leak or be left open.
#include "base/assert.h"
#include "core/core.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CONNS = 3 };

static void drain(struct rill_core *core, struct rill_conn *conns[CONNS])
{
    while (rill_core_take_touched(core))
        continue;
    for (int i = 0; i < CONNS; i++) {
        struct iovec parts[4];
        const size_t count = conns[i] ? rill_conn_output(conns[i], parts, 4) : 0;
        for (size_t part = 0; part < count; part++)
            rill_core_conn_written(core, conns[i], parts[part].iov_len);
        if (conns[i] && rill_conn_is_closing(conns[i])) {
            rill_core_conn_closed(core, conns[i], "closed");
            conns[i] = NULL;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct rill_auth_config auth = {.timeout_ns = RILL_NS_PER_S};
    const struct rill_core_config config = {
        .server_id = "fuzz",
        .server_name = "fuzz",
        .host = "fuzz",
        .limits = {4096, 256, 16384, CONNS, 20, 8, RILL_NS_PER_S, 2, RILL_NS_PER_S},
        .auth = &auth,
        .seed = size,
    };
    struct rill_now now = {.mono_ns = 1};
    struct rill_core *core = rill_core_create(&config, now);
    struct rill_conn *conns[CONNS];
    for (int i = 0; i < CONNS; i++)
        conns[i] = rill_core_conn_open(core, &(struct rill_conn_origin){.address = "fuzz"});
    rill_core_conn_bytes(core, conns[2],
                         RILL_BYTES("CONNECT {\"verbose\":false}\r\nSUB > 1\r\nSUB * q 2\r\n"));
    size_t at = 0;
    while (at < size) {
        const size_t wanted = 1 + data[at] % 64;
        const size_t len = wanted < size - at ? wanted : size - at;
        const int who = data[at] >> 7;
        now.mono_ns += RILL_NS_PER_MS;
        rill_core_begin_turn(core, now);
        if (conns[who] && rill_conn_wants_input(conns[who]))
            rill_core_conn_bytes(core, conns[who], rill_bytes_of(data + at, len));
        rill_core_end_turn(core);
        drain(core, conns);
        at += len;
    }
    for (int i = 0; i < CONNS; i++) {
        if (conns[i])
            rill_core_conn_closed(core, conns[i], "end");
    }
    RILL_ASSERT(rill_core_is_idle(core));
    rill_core_destroy(core);
    return 0;
}
