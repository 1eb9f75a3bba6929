// SPDX-License-Identifier: Apache-2.0
//
// What a process needs that keeps a store with many messages and many subjects.
#include "large.h"
#include "resident.h"
#include "store_drive.h"

enum { ASKED = 1000 };

/* The appender's own table of subjects is no part of it. */
static void live_and_measure(struct storage_bench *bench, const struct storage_row *row, double *ret_number)
{
    struct writer writer = {0};
    const double before_mb = resident_mb();
    writer_open(&writer, bench->store, row);
    const double table_mb = resident_mb() - before_mb;
    writer_append(&writer, row, bench->messages);
    const double appended_mb = resident_mb();
    writer_settle(&writer);
    const double settled_mb = resident_mb();
    *ret_number = (appended_mb > settled_mb ? appended_mb : settled_mb) - table_mb;
}

/* Opened, and asked for subjects all over the index. */
static void open_and_measure(struct storage_bench *bench, const struct storage_row *row, double *ret_number)
{
    const struct rill_store_options options = writer_options(bench->store, row);
    struct rill_store *store;
    struct rill_error_text why;
    bench_check("open", rill_store_open(&options, NULL, &store, NULL, &why));
    bench_check("background", drive_background(store));
    for (uint32_t i = 0; i < ASKED; i++) {
        struct rill_store_subject found;
        char text[SUBJECTS_TEXT_MAX];
        subjects_text((uint32_t)((uint64_t)i * row->subjects / ASKED), text);
        enum rill_err err;
        while ((err = rill_store_subject(store, rill_bytes_from_cstr(text), &found)) == RILL_ERR_AGAIN)
            (void)!drive_work(store);
        bench_check("subject", err == RILL_ERR_NOT_FOUND ? RILL_OK : err);
    }
    *ret_number = resident_mb();
}

void memory_run(struct storage_bench *bench, const struct storage_row *row, struct storage_figure *ret)
{
    struct rill_error_text why;
    double written_mb = 0, opened_mb = 0;
    killed_after(live_and_measure, bench, row, &written_mb);
    killed_after(open_and_measure, bench, row, &opened_mb);
    bench_check("delete", rill_store_delete(rill_disk_real(), bench->store, &why));
    *ret = (struct storage_figure){.value = written_mb > opened_mb ? written_mb : opened_mb};
}
