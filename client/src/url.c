// SPDX-License-Identifier: Apache-2.0
#include "url.h"

#include <stdio.h>

enum scheme_kind { SCHEME_TCP, SCHEME_WS, SCHEME_PATH };

static const struct scheme {
    struct rill_bytes name;
    const char *dial; // what nng calls it
    enum scheme_kind kind;
} schemes[] = {
    {RILL_BYTES("nats://"), "tcp://", SCHEME_TCP},  {RILL_BYTES("tcp://"), "tcp://", SCHEME_TCP},
    {RILL_BYTES("ws://"), "ws://", SCHEME_WS},      {RILL_BYTES("ipc://"), "ipc://", SCHEME_PATH},
    {RILL_BYTES("unix://"), "ipc://", SCHEME_PATH}, {RILL_BYTES("abstract://"), "abstract://", SCHEME_PATH},
};

static const struct scheme *scheme_find(struct rill_bytes text)
{
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (rill_bytes_has_prefix(text, schemes[i].name))
            return &schemes[i];
    return NULL;
}

static size_t find(struct rill_bytes text, char wanted)
{
    const uint8_t *at = text.len ? memchr(text.data, wanted, text.len) : NULL;
    return at ? (size_t)(at - text.data) : text.len;
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Copies with %XX undone. False when it does not fit or has a NUL. */
static bool copy_decoded(struct rill_bytes text, char ret[URL_SECRET_BYTES])
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        int c = text.data[i];
        if (c == '%' && text.len - i > 2 && hex_value(text.data[i + 1]) >= 0 &&
            hex_value(text.data[i + 2]) >= 0) {
            c = hex_value(text.data[i + 1]) * 16 + hex_value(text.data[i + 2]);
            i += 2;
        }
        if (c == 0 || len + 1 >= URL_SECRET_BYTES)
            return false;
        ret[len++] = (char)c;
    }
    ret[len] = '\0';
    return true;
}

/* Takes "user:password@" or "token@" off the front of *rest. The last @ counts, as passwords may have one. */
static bool take_secrets(struct rill_bytes *rest, struct url *url)
{
    const size_t authority = find(*rest, '/');
    const uint8_t *at = authority ? memrchr(rest->data, '@', authority) : NULL;
    if (!at)
        return true;
    const struct rill_bytes secrets = rill_bytes_of(rest->data, (size_t)(at - rest->data));
    *rest = rill_bytes_from(*rest, secrets.len + 1);
    const size_t colon = find(secrets, ':');
    if (colon == secrets.len)
        return copy_decoded(secrets, url->token);
    return copy_decoded(rill_bytes_of(secrets.data, colon), url->user) &&
           copy_decoded(rill_bytes_from(secrets, colon + 1), url->password);
}

/* Where the port's colon is in "host:port" or "[v6]:port"; the length when there is none. */
static size_t port_colon(struct rill_bytes host)
{
    const size_t from = host.len && host.data[0] == '[' ? find(host, ']') : 0;
    return from + find(rill_bytes_from(host, from), ':');
}

static bool printable(struct rill_bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] <= ' ' || text.data[i] == 0x7f)
            return false;
    return true;
}

static enum rill_err write_dial(struct url *url, const struct scheme *scheme, struct rill_bytes host,
                                uint64_t port, struct rill_bytes path)
{
    if (host.len + path.len > URL_DIAL_BYTES / 2)
        return RILL_ERR_LIMIT;
    if (scheme->kind == SCHEME_PATH)
        (void)snprintf(url->dial, sizeof url->dial, "%s" RILL_PRI, scheme->dial, RILL_ARG(host));
    else
        (void)snprintf(url->dial, sizeof url->dial, "%s" RILL_PRI ":%u" RILL_PRI, scheme->dial,
                       RILL_ARG(host), (unsigned)port, RILL_ARG(path));
    return RILL_OK;
}

static enum rill_err parse_network(struct rill_bytes rest, const struct scheme *scheme, struct url *url,
                                   struct rill_error_text *why)
{
    const struct rill_bytes all = rill_bytes_of(rest.data, find(rest, '/'));
    struct rill_bytes path = rill_bytes_from(rest, all.len);
    const size_t colon = port_colon(all);
    const struct rill_bytes host = rill_bytes_of(all.data, colon);
    uint64_t port = scheme->kind == SCHEME_WS ? 80 : URL_PORT_DEFAULT;
    if (host.len == 0) {
        rill_error_text_set(why, "an URL without a host");
        return RILL_ERR_INVALID;
    }
    if (colon < all.len &&
        (!rill_bytes_to_u64(rill_bytes_from(all, colon + 1), UINT16_MAX, &port) || port == 0)) {
        rill_error_text_set(why, "'" RILL_PRI "' is no port", RILL_ARG(rill_bytes_from(all, colon + 1)));
        return RILL_ERR_INVALID;
    }
    if (scheme->kind == SCHEME_TCP)
        path.len = 0;
    else if (path.len == 0)
        path = RILL_BYTES("/");
    return write_dial(url, scheme, host, port, path);
}

static struct rill_bytes trim(struct rill_bytes text)
{
    while (text.len && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = rill_bytes_from(text, 1);
    while (text.len && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        text.len--;
    return text;
}

enum rill_err url_parse(struct rill_bytes text, struct url *ret, struct rill_error_text *why)
{
    struct url url = {.dial = ""};
    struct rill_bytes rest = trim(text);
    const struct scheme *scheme = scheme_find(rest);
    if (scheme) {
        rest = rill_bytes_from(rest, scheme->name.len);
    } else if (memmem(rest.data, rest.len, "://", 3)) {
        rill_error_text_set(why, "librill knows nats://, tcp://, ws://, ipc:// and abstract:// URLs only");
        return RILL_ERR_INVALID;
    } else {
        scheme = &schemes[0];
    }
    if (rest.len == 0 || !printable(rest) || !take_secrets(&rest, &url)) {
        rill_error_text_set(why, "an URL that is empty, has blanks in it or is too long");
        return RILL_ERR_INVALID;
    }
    const enum rill_err err = scheme->kind == SCHEME_PATH ? write_dial(&url, scheme, rest, 0, RILL_BYTES(""))
                                                          : parse_network(rest, scheme, &url, why);
    if (err == RILL_ERR_LIMIT)
        rill_error_text_set(why, "an URL that is too long");
    if (!err)
        *ret = url;
    return err;
}
