// SPDX-License-Identifier: Apache-2.0
#include "command.h"

#include "families.h"

const struct family *const tool_families[] = {
    &pubsub_family,  &request_family, &stream_family, &consumer_family, &kv_family,
    &object_family,  &backup_family,  &server_family, &top_family,      &bench_family,
    &context_family, &shell_family,   NULL,
};

const struct parameter tool_common_options[] = {
    {"server", 's', VALUE_TEXT, .metavar = "URL",
     .help = "The server, or several with commas between: nats://host:4222. Without it RILL_URL, or else "
             "NATS_URL, or else "
             "the selected context counts."},
    {"context", 0, VALUE_CONTEXT, .help = "Use this context, see `rill context`."},
    {"user", 0, VALUE_TEXT, .metavar = "NAME", .help = "Who we are; RILL_USER says it too."},
    {"password", 0, VALUE_TEXT,
     .help = "The password; RILL_PASSWORD says it too, and other users cannot see that."},
    {"token", 0, VALUE_TEXT, .help = "A token instead of user and password; RILL_TOKEN says it too."},
    {"domain", 0, VALUE_NAME, .help = "The domain of the server's streams; RILL_DOMAIN says it too."},
    {"timeout", 0, VALUE_DURATION, .help = "How long to wait for an answer, 5s without it."},
    {"json", 'j', VALUE_FLAG, .help = "Print results as JSON."},
    {"color", 0, VALUE_CHOICE, .choices = "auto always never",
     .help = "Whether to use colours; auto is on a terminal where NO_COLOR is not set."},
    {"help", 'h', VALUE_FLAG, .help = "Print this."},
    {0},
};

/* How many words of `name` the words begin with, if with all; else 0. */
static int words_taken(const char *name, int argc, char *const argv[])
{
    for (int taken = 0; taken < argc; taken++) {
        const size_t len = strcspn(name, " ");
        if (strlen(argv[taken]) != len || memcmp(argv[taken], name, len) != 0)
            return 0;
        if (!name[len])
            return taken + 1;
        name += len + 1;
    }
    return 0;
}

const struct command *command_find(int argc, char *const argv[], int *ret_words)
{
    const struct command *found = NULL;
    *ret_words = 0;
    for (size_t i = 0; tool_families[i]; i++) {
        for (const struct command *row = tool_families[i]->commands; row->name; row++) {
            const int taken = words_taken(row->name, argc, argv);
            if (taken > *ret_words) {
                *ret_words = taken;
                found = row;
            }
        }
    }
    return found;
}

const struct family *family_find(const char *word)
{
    for (size_t i = 0; tool_families[i]; i++) {
        if (tool_families[i]->summary && strcmp(tool_families[i]->name, word) == 0)
            return tool_families[i];
    }
    return NULL;
}

bool command_is_below(const char *name, const char *prefix)
{
    const size_t len = strlen(prefix);
    return len == 0 || (strncmp(name, prefix, len) == 0 && name[len] == ' ');
}

// ---- prefixes ----

enum { NAME_BYTES = 64 };

/* The number-th command of all; NULL behind the last. */
static const struct command *command_at(size_t number)
{
    for (size_t i = 0; tool_families[i]; i++) {
        for (const struct command *row = tool_families[i]->commands; row->name; row++) {
            if (number-- == 0)
                return row;
        }
    }
    return NULL;
}

/* Has a command before this one the same words at its beginning? */
static bool was_before(size_t number, const char *words)
{
    for (size_t i = 0; i < number; i++) {
        const char *name = command_at(i)->name;
        if (strcmp(name, words) == 0 || command_is_below(name, words))
            return true;
    }
    return false;
}

void prefix_each(FILE *out, prefix_visitor *visit)
{
    const struct command *row;
    visit(out, "");
    for (size_t i = 0; (row = command_at(i)); i++) {
        for (const char *blank = strchr(row->name, ' '); blank; blank = strchr(blank + 1, ' ')) {
            char prefix[NAME_BYTES];
            (void)snprintf(prefix, sizeof prefix, "%.*s", (int)(blank - row->name), row->name);
            if (!was_before(i, prefix))
                visit(out, prefix);
        }
    }
}

void prefix_each_word(FILE *out, const char *prefix, word_visitor *visit)
{
    const struct command *row;
    const size_t skip = *prefix ? strlen(prefix) + 1 : 0;
    for (size_t i = 0; (row = command_at(i)); i++) {
        char words[NAME_BYTES];
        if (!command_is_below(row->name, prefix))
            continue;
        const size_t word = strcspn(row->name + skip, " ");
        (void)snprintf(words, sizeof words, "%.*s", (int)(skip + word), row->name);
        const struct family *family = skip ? NULL : family_find(words);
        const char *deeper = family ? family->summary : "";
        if (!was_before(i, words))
            visit(out, words + skip, row->name[skip + word] ? deeper : row->summary);
    }
}
