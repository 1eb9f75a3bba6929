// SPDX-License-Identifier: Apache-2.0
//
// Who may connect, and what they may do, as plain data: filled by the shell's configuration, read by the
// core. No behaviour. Every pointer belongs to whoever filled the struct (the options, see config/options.h)
// and lives as long as that; the core keeps copies of nothing that it does not need and is handed a new
// struct on reload.
//
// How to read it: when neither token nor users are given, anybody may connect. `token` and `users` never come
// together. A user of `authorization { user, pass }` or of `--user` and `--pass` is the one element of
// `users`.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One pattern of an allow or deny list. A queue is given for entries such as "orders.* workers", which are
   about subscriptions with that queue only: allowing "foo q" does not allow a plain subscription to foo, and
   denying it leaves a plain one allowed (as nats-server does). */
struct rill_permission {
    const char *subject; // a valid pattern, never NULL
    const char *queue;   // a valid pattern for the queue's name; NULL: the entry is not about queues
};

/* The allow and deny lists of one direction. Without an allow list (allow_given false) everything is allowed
   that is not denied; an allow list that is given but empty allows nothing (a user with allow_responses and
   no publish list). */
struct rill_permission_lists {
    const struct rill_permission *allow;
    size_t allow_count;
    bool allow_given;
    const struct rill_permission *deny;
    size_t deny_count;
};

/* Permission to publish to the reply subject of a message that this user received. */
struct rill_response_permission {
    bool given;
    int32_t messages_max; // how many replies to one message; -1: any number
    int64_t expires_ns;   // for how long after the message; -1: for ever
};

struct rill_permissions {
    struct rill_permission_lists publish;
    struct rill_permission_lists subscribe;
    struct rill_response_permission responses;
};

/* How a user may connect; all bits set when the configuration does not say. */
enum rill_connection_type {
    RILL_CONNECTION_STANDARD = 1,
    RILL_CONNECTION_WEBSOCKET = 2,
    RILL_CONNECTION_ANY = RILL_CONNECTION_STANDARD | RILL_CONNECTION_WEBSOCKET,
};

/* A secret is plain text, or a bcrypt hash when rill_auth_secret_is_bcrypt says so ("$2a$", "$2b$", "$2y$").
 */
struct rill_auth_user {
    const char *name;     // unique, never NULL
    const char *password; // never NULL, may be empty
    const char *account;  // "$G" or "$SYS", never NULL
    const struct rill_permissions
        *permissions;          // default_permissions are already filled in; NULL: may do everything
    unsigned connection_types; // bits of enum rill_connection_type
};

struct rill_auth_config {
    const char *token; // NULL: none
    const struct rill_auth_user *users;
    size_t user_count;
    const char
        *no_auth_user;  // the name of one of `users`, for connections that bring no credentials; NULL: none
    int64_t timeout_ns; // from accepting a connection until its CONNECT was accepted; > 0
};

/* Must a client prove who it is? What INFO's auth_required says. */
static inline bool rill_auth_is_required(const struct rill_auth_config *auth)
{
    return auth->token || (auth->user_count && !auth->no_auth_user);
}

static inline bool rill_auth_secret_is_bcrypt(const char *secret)
{
    return secret[0] == '$' && secret[1] == '2' &&
           (secret[2] == 'a' || secret[2] == 'b' || secret[2] == 'y') && secret[3] == '$';
}
