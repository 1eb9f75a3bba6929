// SPDX-License-Identifier: Apache-2.0
//
// A restore is given a backup that the input describes: blocks of any kind and content, with checksums that are right unless
// the input says otherwise, in pieces of any size. Whatever it is, it is taken or refused, and what was taken opens or does
// not.
#include "backup_format.h"
#include "base/assert.h"
#include "storage/backup.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char folder[] = "store/$G/ORDERS";

static void append(struct rill_buf *row, const uint8_t *bytes, size_t len)
{
    const enum rill_err err = rill_buf_append(row, rill_bytes_of(bytes, len));
    RILL_ASSERT(err == RILL_OK);
}

/* Block: kind, whether its checksum is right, its length (2 bytes), so many bytes. */
static void make_row(struct rill_buf *row, const uint8_t *data, size_t size)
{
    uint8_t header[BACKUP_HEADER_BYTES];
    backup_header_put(header, &(struct backup_header){.version = data[0] == 255 ? 2 : BACKUP_VERSION});
    append(row, header, data[0] == 254 ? 9 : sizeof header);
    uint64_t number = 0;
    for (data++, size--; size > 4;) {
        uint8_t head[BACKUP_HEAD_BYTES];
        const size_t wanted = data[2] | (size_t)data[3] << 8;
        const size_t len = wanted < size - 4 ? wanted : size - 4;
        backup_head_put(head, ++number, (enum backup_kind)(data[0] % 5), rill_bytes_of(data + 4, len));
        head[8] ^= data[1] == 255;
        append(row, head, sizeof head);
        append(row, data + 4, len);
        data += 4 + len;
        size -= 4 + len;
    }
}

static enum rill_err restore_row(struct rill_disk *disk, struct rill_bytes row, size_t piece)
{
    struct rill_restore *restore;
    struct rill_error_text why;
    enum rill_err err = rill_restore_open(disk, folder, &restore, &why);
    RILL_ASSERT(err == RILL_OK);
    for (; !err && row.len; row = rill_bytes_from(row, piece < row.len ? piece : row.len))
        err = rill_restore_write(restore, rill_bytes_of(row.data, piece < row.len ? piece : row.len), &why);
    if (!err)
        err = rill_restore_finish(restore, &why);
    rill_restore_close(restore);
    return err ? err : rill_restore_place(disk, folder, &why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct rill_disk *disk = rill_disk_memory_create(0);
    struct rill_store *store = NULL;
    struct rill_error_text why;
    struct rill_buf row;
    rill_buf_init(&row, 4 << 20);
    make_row(&row, data + 1, size - 1);
    if (!restore_row(disk, rill_buf_bytes(&row), 1 + data[0]) &&
        !rill_store_open(&(struct rill_store_options){.disk = disk, .folder = folder}, NULL, &store, NULL,
                         &why))
        rill_store_close(store);
    RILL_ASSERT(rill_restore_discard(disk, folder) == RILL_OK);
    rill_buf_fini(&row);
    rill_disk_memory_destroy(disk);
    return 0;
}
