// SPDX-License-Identifier: Apache-2.0
#include "ports_file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ADDRESSES_MAX = 64, PORTS_BYTES_MAX = 64 * 1024 };

// ---- the text ----

static enum rill_err format_url(struct rill_buf *out, bool first, const char *scheme, const char *host,
                                uint16_t port)
{
    const char *comma = first ? "" : ",";
    return strchr(host, ':')
               ? rill_buf_appendf(out, "%s\"%s://[%s]:%u\"", comma, scheme, host, (unsigned)port)
               : rill_buf_appendf(out, "%s\"%s://%s:%u\"", comma, scheme, host, (unsigned)port);
}

static enum rill_err format_urls(struct rill_buf *out, const char *scheme, const struct ports_entry *entry,
                                 const char *const *addresses, size_t address_count)
{
    if (entry->host)
        return format_url(out, true, scheme, entry->host, entry->port);
    enum rill_err err = RILL_OK;
    for (size_t i = 0; i < address_count && !err; i++)
        err = format_url(out, i == 0, scheme, addresses[i], entry->port);
    return err;
}

enum rill_err ports_format(const struct ports *ports, const char *const *addresses, size_t address_count,
                           struct rill_buf *out)
{
    const struct {
        const char *name;
        const char *scheme;
        const struct ports_entry *entry;
    } rows[] = {
        {"nats", "nats", &ports->nats},
        {"monitoring", "http", &ports->monitoring},
        {"websocket", "ws", &ports->websocket},
    };
    enum rill_err err = rill_buf_append(out, RILL_BYTES("{"));
    const char *comma = "";
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && !err; i++) {
        if (!rows[i].entry->port)
            continue;
        err = rill_buf_appendf(out, "%s\"%s\":[", comma, rows[i].name);
        if (!err)
            err = format_urls(out, rows[i].scheme, rows[i].entry, addresses, address_count);
        if (!err)
            err = rill_buf_append(out, RILL_BYTES("]"));
        comma = ",";
    }
    return err ? err : rill_buf_append(out, RILL_BYTES("}"));
}

// ---- the addresses of the machine ----

/* IPv4 first; link-local IPv6 addresses are of no use without the name of an interface. */
static bool format_address(const struct sockaddr *address, int family, char out[INET6_ADDRSTRLEN])
{
    if (!address || address->sa_family != family)
        return false;
    if (family == AF_INET)
        return inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, out, INET6_ADDRSTRLEN);
    const struct in6_addr *in6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
    return !IN6_IS_ADDR_LINKLOCAL(in6) && inet_ntop(AF_INET6, in6, out, INET6_ADDRSTRLEN);
}

static size_t list_addresses(char texts[ADDRESSES_MAX][INET6_ADDRSTRLEN],
                             const char *ret_addresses[ADDRESSES_MAX])
{
    struct ifaddrs *all = NULL;
    size_t count = 0;
    if (getifaddrs(&all) != 0)
        return 0;
    const int families[] = {AF_INET, AF_INET6};
    for (size_t i = 0; i < 2; i++) {
        for (const struct ifaddrs *at = all; at && count < ADDRESSES_MAX; at = at->ifa_next) {
            if (format_address(at->ifa_addr, families[i], texts[count])) {
                ret_addresses[count] = texts[count];
                count++;
            }
        }
    }
    freeifaddrs(all);
    return count;
}

// ---- the file ----

static enum rill_err write_file(const char *path, struct rill_bytes text)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return rill_err_from_errno(errno);
    const ssize_t written = write(fd, text.data, text.len);
    const int code = written < 0 ? errno : EIO;
    (void)close(fd);
    return written == (ssize_t)text.len ? RILL_OK : rill_err_from_errno(code);
}

static enum rill_err write_and_rename(struct ports_file *file, const char *folder, struct rill_bytes text)
{
    char path[sizeof file->path];
    char temporary[sizeof file->path + 8];
    const int len = snprintf(path, sizeof path, "%s/rilld_%d.ports", folder, (int)getpid());
    if (len < 0 || (size_t)len >= sizeof path)
        return RILL_ERR_LIMIT;
    (void)snprintf(temporary, sizeof temporary, "%s.tmp", path);
    const enum rill_err err = write_file(temporary, text);
    if (err || rename(temporary, path) != 0) {
        const enum rill_err why = err ? err : rill_err_from_errno(errno);
        (void)unlink(temporary);
        return why;
    }
    memcpy(file->path, path, sizeof path);
    return RILL_OK;
}

enum rill_err ports_file_write(struct ports_file *file, const char *folder, const struct ports *ports,
                               struct rill_error_text *why)
{
    char texts[ADDRESSES_MAX][INET6_ADDRSTRLEN];
    const char *addresses[ADDRESSES_MAX];
    const size_t count = list_addresses(texts, addresses);
    struct rill_buf text;
    rill_buf_init(&text, PORTS_BYTES_MAX);
    enum rill_err err = ports_format(ports, addresses, count, &text);
    if (!err)
        err = write_and_rename(file, folder, rill_buf_bytes(&text));
    rill_buf_fini(&text);
    if (err)
        rill_error_text_set(why, "ports file in %s: %s", folder, rill_err_text(err));
    return err;
}

void ports_file_remove(struct ports_file *file)
{
    if (file->path[0])
        (void)unlink(file->path);
    file->path[0] = '\0';
}
