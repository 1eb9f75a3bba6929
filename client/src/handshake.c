// SPDX-License-Identifier: Apache-2.0
#include "conn.h"

#include "base/alloc.h"
#include "proto/connect.h"

static char *text_or_null(const char *first, const char *second)
{
    const char *text = first && first[0] ? first : second;
    return text && text[0] ? rill_alloc_cstr(rill_bytes_from_cstr(text)) : NULL;
}

/* What the URL says goes before the options. */
static void set_credentials(Rill__ConnectOptions *connect, const struct rill_options *options,
                            const struct url *url)
{
    connect->user = text_or_null(url->user, options->user);
    connect->pass = text_or_null(url->password, options->password);
    connect->auth_token = text_or_null(url->token, options->token);
}

enum rill_err handshake_append(const struct rill_options *options, const struct server *server,
                               const Rill__ServerInfo *info, struct rill_buf *buf,
                               struct rill_error_text *why)
{
    if (info->tls_required) {
        rill_error_text_set(why, "the server insists on TLS, which librill does not speak yet");
        return RILL_ERR_UNSUPPORTED;
    }
    Rill__ConnectOptions *connect = rill_connect_default();
    set_credentials(connect, options, &server->url);
    connect->name = text_or_null(options->name, NULL);
    connect->lang = text_or_null("C", NULL);
    connect->version = text_or_null(RILL_VERSION, NULL);
    connect->protocol = 1; // we understand an INFO at any time
    connect->echo = !options->no_echo;
    connect->headers = connect->no_responders = info->headers && !options->no_headers;
    enum rill_err err = rill_connect_append(connect, buf);
    if (!err)
        err = rill_buf_append(buf, RILL_BYTES("PING\r\n"));
    if (err)
        rill_error_text_set(why, "greet the server: %s", rill_err_text(err));
    rill_connect_free(connect);
    return err;
}
