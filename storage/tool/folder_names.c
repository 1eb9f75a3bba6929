// SPDX-License-Identifier: Apache-2.0
#include "folder_names.h"

#include <stdio.h>

struct names {
    const struct catalog *catalog;
    const struct walk_visitor *visitor;
};

static bool catalog_has(const struct catalog *catalog, uint64_t number)
{
    for (size_t i = 0; i < catalog->count; i++) {
        if (catalog->entries[i].header.number == number)
            return true;
    }
    return false;
}

/* With SQLite's own files beside it, and one that another is to have the ids of. */
static bool is_index(const char *name)
{
    static const char *const names[] = {"index.db",     "index.db-wal",     "index.db-shm",
                                        "index.db-old", "index.db-old-wal", "index.db-old-shm"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

static enum rill_err names_visit(void *context, const char *name, bool is_folder)
{
    const struct names *names = context;
    const uint64_t number = is_folder ? 0 : segment_number_of(name, ".seg");
    if (!names->visitor->finding || strcmp(name, "lock") == 0 || is_index(name) ||
        (number && catalog_has(names->catalog, number)))
        return RILL_OK;
    struct finding finding = {.kind = FINDING_OTHER};
    if (number)
        finding.kind = FINDING_FOREIGN;
    else if (!is_folder && segment_number_of(name, ".new"))
        finding.kind = FINDING_LEFTOVER;
    (void)snprintf(finding.detail, sizeof finding.detail, "%s", name);
    return names->visitor->finding(names->visitor->context, &finding);
}

enum rill_err folder_names_tell(const struct walk_options *options, const struct catalog *catalog,
                                const struct walk_visitor *visitor)
{
    struct names names = {catalog, visitor};
    return options->disk->ops->list(options->disk, options->folder, names_visit, &names);
}
