// SPDX-License-Identifier: Apache-2.0
//
// CONNECT: what a client says about itself, and whether it is who it says. Loop thread only.
#pragma once

#include "conn.h"

/* The user of this name; NULL when there is none, or the name is NULL. */
const struct rill_auth_user *conn_find_user(const struct rill_auth_config *auth, const char *name);

/* Carries out CONNECT. A bcrypt hash is compared by a job, and the connection is VERIFYING until it is back.
 */
void conn_connect(struct conn *conn, struct rill_bytes json);

/* A reload brought other users: stays if its user is still there with the same secret, else is closed. */
void conn_reauthorize(struct conn *conn, const struct rill_auth_config *old_auth);

/* Its password need not be hashed any more. */
void conn_leave_verify_line(struct conn *conn);
