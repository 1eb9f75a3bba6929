// SPDX-License-Identifier: Apache-2.0
//
// The seam between the store and whatever keeps its bytes. Four implementations: the real one and one in
// memory (this folder), and for tests a simulated disk that forgets what was not synced and a faulty one that
// fails or shortens the n-th call.
//
// An implementation embeds struct rill_disk as its first member. Every operation may be called from any
// thread, and on one file from two threads at once (a worker writes the tail while another reads in front of
// it). Paths are those of the process. errno stops here: operations return enum rill_err and say nothing
// more; the caller adds the words. No operation retries, and none reports a success that it has not had.
#pragma once

#include "base/bytes.h"
#include "base/err.h"

#include <sys/uio.h>

struct rill_disk;

/* An open file or a held lock. Each implementation begins its own struct with this one. */
struct rill_disk_file {
    struct rill_disk *disk;
};

enum rill_disk_open {
    RILL_DISK_READ,   // must exist; NOT_FOUND otherwise
    RILL_DISK_WRITE,  // must exist; for reading and writing
    RILL_DISK_CREATE, // must not exist; EXISTS otherwise; for reading and writing
    RILL_DISK_FILL, // created when absent; for writing past the caches what nobody will read soon, see below
};

/* What is written to a file opened with RILL_DISK_FILL has such addresses, lengths and offsets. */
#define RILL_DISK_FILL_ALIGN 4096

/* `name` has no slash and lives only during the call. Returning anything but OK ends the listing with that
   code. */
typedef enum rill_err rill_disk_visit_fn(void *context, const char *name, bool is_folder);

struct rill_disk_ops {
    enum rill_err (*open)(struct rill_disk *disk, const char *path, enum rill_disk_open how,
                          struct rill_disk_file **ret_file);
    /* Closes and frees. Never fails: what matters was synced before. */
    void (*close)(struct rill_disk_file *file);
    /* Takes the lock that the file at `path` stands for, creating it when it is absent; LOCKED when another
       open file holds it, in this process or another. Let go by close(), or by the end of the process. */
    enum rill_err (*lock)(struct rill_disk *disk, const char *path, struct rill_disk_file **ret_lock);

    /* May write less than was asked, but at least one byte, with *ret_written saying how much. NO_SPACE and
       IO leave an unknown part written. */
    enum rill_err (*pwritev)(struct rill_disk_file *file, const struct iovec *parts, int part_count,
                             uint64_t offset, size_t *ret_written);
    /* May read less than was asked; *ret_read is 0 at and behind the end of the file. */
    enum rill_err (*pread)(struct rill_disk_file *file, void *data, size_t len, uint64_t offset,
                           size_t *ret_read);
    /* When it returns OK, the bytes and the size of the file survive a loss of power. After any error nothing
       is known about what was written since the last OK, and a later OK does not say that it is there. */
    enum rill_err (*fdatasync)(struct rill_disk_file *file);
    /* Makes the file at least `size` bytes long with room reserved, new bytes read as zero. NO_SPACE leaves
       the file as it was; UNSUPPORTED where the file system cannot. */
    enum rill_err (*fallocate)(struct rill_disk_file *file, uint64_t size);
    enum rill_err (*truncate)(struct rill_disk_file *file, uint64_t size);
    enum rill_err (*size)(struct rill_disk_file *file, uint64_t *ret_size);

    /* Replaces `to` in one step; survives a loss of power once the folder was synced. */
    enum rill_err (*rename)(struct rill_disk *disk, const char *from, const char *to);
    enum rill_err (*unlink)(struct rill_disk *disk, const char *path);
    enum rill_err (*mkdir)(struct rill_disk *disk, const char *path);
    enum rill_err (*rmdir)(struct rill_disk *disk, const char *path);
    /* In no particular order, without "." and "..". */
    enum rill_err (*list)(struct rill_disk *disk, const char *path, rill_disk_visit_fn *visit, void *context);
    /* When it returns OK, the names in the folder survive a loss of power. */
    enum rill_err (*sync_folder)(struct rill_disk *disk, const char *path);
};

struct rill_disk {
    const struct rill_disk_ops *ops;
};

/* The disk of this machine. Static, has no state, never NULL. */
struct rill_disk *rill_disk_real(void);

/* A disk in memory, empty at first: what memory streams lie on. Its paths are its own; a leading "/" means
   nothing. Its files take at most `bytes_max` together (0: no limit), in chunks of 16 KiB that are there only
   where something was written; beyond that, and when the machine has no memory, it answers NO_SPACE. fallocate()
   looks whether there is room now and holds none. Free it when nothing on it is open. */
struct rill_disk *rill_disk_memory_create(uint64_t bytes_max);
void rill_disk_memory_destroy(struct rill_disk *disk);
/* Bytes that its files take. */
uint64_t rill_disk_memory_used(struct rill_disk *disk);
