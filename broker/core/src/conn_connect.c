// SPDX-License-Identifier: Apache-2.0
#include "conn_connect.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "core_state.h"
#include "permissions.h"
#include "proto/connect.h"

#include <crypt.h>
#include <stdlib.h>
#include <utlist.h>

// ---- the answer ----

static void refuse(struct conn *conn)
{
    struct rill_core *core = conn->core;
    rill_log(&core->log, RILL_LOG_ERROR, "%s - authentication error", conn_label(conn));
    core->auth_errors++;
    conn_close(conn, "Authentication Failure", RILL_BYTES("-ERR 'Authorization Violation'\r\n"));
}

/* Who it is has been settled; what is left are the options that need each other. */
static void accept(struct conn *conn, const struct rill_auth_user *user)
{
    struct rill_core *core = conn->core;
    conn_admit(conn, user ? core_account(core, user->account) : &core->accounts[ACCOUNT_GLOBAL], user);
    if (conn->protocol > 1) {
        conn_close(conn, "Protocol Violation", RILL_BYTES("-ERR 'invalid client protocol'\r\n"));
        return;
    }
    if (conn->no_responders && !conn->headers) {
        rill_log(&core->log, RILL_LOG_ERROR, "%s - no responders requires headers support", conn_label(conn));
        conn_close(conn, "No Responders Requires Headers",
                   RILL_BYTES("-ERR 'no responders requires headers support'\r\n"));
        return;
    }
    conn_send_ok(conn);
}

// ---- hashed secrets ----

/* Hashing takes tens of milliseconds on purpose, so a job does it, and few at a time: nobody has proved anything
   yet. The others wait in line as long as their connection lives; that of a job may be gone when it comes back. */
enum { VERIFY_JOBS_MAX = 4 };

struct verify_job {
    struct rill_job job;
    struct verify_job *next, *prev; // in line
    uint64_t conn_id;
    const struct rill_auth_config *auth; // whose `user` it was; a reload makes the job void
    const struct rill_auth_user *user;   // NULL: the token
    char *hash;
    char *secret;
    bool matches;
};

static void verify_run(struct rill_job *job)
{
    struct verify_job *verify = (struct verify_job *)job;
    struct crypt_data *scratch = rill_alloc_zero(1, sizeof *scratch);
    // libcrypt knows the revisions a, b and y; NULL for anything else.
    const char *hashed = crypt_rn(verify->secret, verify->hash, scratch, (int)sizeof *scratch);
    verify->matches =
        hashed && hashed[0] == '$' &&
        rill_bytes_equal_secret(rill_bytes_from_cstr(hashed), rill_bytes_from_cstr(verify->hash));
    explicit_bzero(scratch, sizeof *scratch);
    free(scratch);
}

static struct conn *find_conn(const struct rill_core *core, uint64_t id)
{
    for (struct conn *conn = core->conns; conn; conn = conn->next) {
        if (conn->id == id)
            return conn;
    }
    return NULL;
}

static void verify_free(struct verify_job *verify)
{
    explicit_bzero(verify->secret, strlen(verify->secret));
    free(verify->secret);
    free(verify->hash);
    free(verify);
}

static void verify_submit_next(struct rill_core *core)
{
    struct verify_job *verify = core->verify_line;
    if (!verify || core->verify_jobs_out == VERIFY_JOBS_MAX)
        return;
    DL_DELETE(core->verify_line, verify);
    find_conn(core, verify->conn_id)->verify_in_line = NULL;
    core->verify_jobs_out++;
    core_submit(core, &verify->job);
}

void conn_leave_verify_line(struct conn *conn)
{
    if (!conn->verify_in_line)
        return;
    DL_DELETE(conn->core->verify_line, conn->verify_in_line);
    verify_free(conn->verify_in_line);
    conn->verify_in_line = NULL;
}

static void verify_finish(struct rill_core *core, struct rill_job *job)
{
    struct verify_job *verify = (struct verify_job *)job;
    struct conn *conn = find_conn(core, verify->conn_id);
    if (conn && conn->state == CONN_VERIFYING) {
        if (verify->matches && verify->auth == core->auth)
            accept(conn, verify->user);
        else
            refuse(conn);
        conn_resume_later(conn);
    }
    verify_free(verify);
    core->verify_jobs_out--;
    verify_submit_next(core);
}

static void verify_later(struct conn *conn, const struct rill_auth_user *user, const char *hash,
                         const char *secret)
{
    struct verify_job *verify = rill_alloc_zero(1, sizeof *verify);
    verify->job = (struct rill_job){.run = verify_run, .finish = verify_finish, .lane = RILL_LANE_LONG};
    verify->conn_id = conn->id;
    verify->auth = conn->core->auth;
    verify->user = user;
    verify->hash = rill_alloc_cstr(rill_bytes_from_cstr(hash));
    verify->secret = rill_alloc_cstr(rill_bytes_from_cstr(secret));
    // A second CONNECT has as much time as a first one, which has been given its own at the beginning.
    if (conn->state == CONN_ACTIVE)
        rill_deadline_set(&conn->core->deadlines, &conn->ping_due,
                          conn->core->now.mono_ns + conn->core->auth->timeout_ns);
    conn->state = CONN_VERIFYING;
    conn_touch(conn);
    conn->verify_in_line = verify;
    DL_APPEND(conn->core->verify_line, verify);
    verify_submit_next(conn->core);
}

// ---- who is it? ----

static void check_secret(struct conn *conn, const struct rill_auth_user *user, const char *expected,
                         const char *given)
{
    if (rill_auth_secret_is_bcrypt(expected))
        verify_later(conn, user, expected, given ? given : "");
    else if (given && rill_bytes_equal_secret(rill_bytes_from_cstr(given), rill_bytes_from_cstr(expected)))
        accept(conn, user);
    else
        refuse(conn);
}

const struct rill_auth_user *conn_find_user(const struct rill_auth_config *auth, const char *name)
{
    for (size_t i = 0; name && i < auth->user_count; i++) {
        if (strcmp(auth->users[i].name, name) == 0)
            return &auth->users[i];
    }
    return NULL;
}

static bool user_may_use(const struct rill_auth_user *user, enum rill_conn_kind kind)
{
    const unsigned type = kind == RILL_CONN_WEBSOCKET ? RILL_CONNECTION_WEBSOCKET : RILL_CONNECTION_STANDARD;
    return user->connection_types & type;
}

static bool text_given(const char *text)
{
    return text && text[0];
}

static void authenticate(struct conn *conn, const Rill__ConnectOptions *options)
{
    const struct rill_auth_config *auth = conn->core->auth;
    if (auth->token) {
        check_secret(conn, NULL, auth->token, options->auth_token);
        return;
    }
    if (!auth->user_count) {
        accept(conn, NULL);
        return;
    }
    const bool anonymous = !text_given(options->user) && !text_given(options->auth_token);
    const char *name = anonymous ? auth->no_auth_user : options->user;
    const struct rill_auth_user *user = conn_find_user(auth, name);
    if (!user || !user_may_use(user, conn->kind))
        refuse(conn);
    else if (anonymous)
        accept(conn, user);
    else
        check_secret(conn, user, user->password, options->pass);
}

// ---- CONNECT ----

static void replace_text(char **text, const char *given)
{
    if (!given)
        return;
    free(*text);
    *text = given[0] ? rill_alloc_cstr(rill_bytes_from_cstr(given)) : NULL;
}

/* What a CONNECT does not mention stays as it was. */
static void take_options(struct conn *conn, const Rill__ConnectOptions *options)
{
    if (options->has_verbose)
        conn->verbose = options->verbose;
    if (options->has_pedantic)
        conn->pedantic = options->pedantic;
    if (options->has_echo)
        conn->echo = options->echo;
    if (options->has_headers)
        conn->headers = options->headers && !conn->core->headers_disabled;
    if (options->has_no_responders)
        conn->no_responders = options->no_responders;
    if (options->has_protocol)
        conn->protocol =
            options->protocol == 0 || options->protocol == 1 ? (uint8_t)options->protocol : UINT8_MAX;
    replace_text(&conn->name, options->name);
    replace_text(&conn->lang, options->lang);
    replace_text(&conn->version, options->version);
}

void conn_connect(struct conn *conn, struct rill_bytes json)
{
    struct rill_core *core = conn->core;
    Rill__ConnectOptions *options = NULL;
    struct rill_error_text why;
    if (rill_connect_parse(json, &options, &why)) {
        rill_log(&core->log, RILL_LOG_ERROR, "%s - CONNECT: %s", conn_label(conn), why.text);
        core->protocol_errors++;
        conn_close(conn, "Protocol Violation", RILL_BYTES(""));
        return;
    }
    take_options(conn, options);
    const bool again = conn->connect_received;
    conn->connect_received = true;
    const bool brings_credentials = text_given(options->user) || text_given(options->auth_token);
    if (text_given(options->account))
        refuse(conn);
    else if (again && !brings_credentials)
        accept(conn, conn->user);
    else
        authenticate(conn, options);
    rill_connect_free(options);
}

// ---- reload ----

static bool same_secret(const char *a, const char *b)
{
    return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

void conn_reauthorize(struct conn *conn, const struct rill_auth_config *old_auth)
{
    const struct rill_auth_config *auth = conn->core->auth;
    if (conn->state == CONN_CLOSING || conn->state == CONN_WAITING)
        return;
    const struct rill_auth_user *user = NULL;
    bool stays = same_secret(auth->token, old_auth->token);
    if (conn->user) {
        user = conn_find_user(auth, conn->user->name);
        stays = user && same_secret(user->password, conn->user->password);
    } else if (auth->user_count && !old_auth->user_count) {
        stays = auth->no_auth_user != NULL;
        user = conn_find_user(auth, auth->no_auth_user);
    }
    if (conn->state == CONN_VERIFYING || !stays)
        refuse(conn);
    else
        conn_admit(conn,
                   user ? core_account(conn->core, user->account) : &conn->core->accounts[ACCOUNT_GLOBAL],
                   user);
}
