// SPDX-License-Identifier: Apache-2.0
#include "config/options.h"

#include "arena.h"
#include "table.h"

#include <stdio.h>

/* The accessors hand out writable fields; the functions here only read through them. */
static struct rill_options *unconst(const struct rill_options *options)
{
    return (struct rill_options *)(uintptr_t)options;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_texts(const struct rill_option_texts *a, const struct rill_option_texts *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = same_text(a->items[i], b->items[i]);
    return same;
}

static bool same_row(const struct option_row *row, struct rill_options *a, struct rill_options *b)
{
    if (option_is_number(row->type))
        return *option_number(a, row) == *option_number(b, row);
    if (row->type == OPTION_bool)
        return *option_bool(a, row) == *option_bool(b, row);
    if (row->type == OPTION_text)
        return same_text(*option_text(a, row), *option_text(b, row));
    return same_texts(option_texts(a, row), option_texts(b, row));
}

static bool same_permission_list(const struct rill_permission *a, size_t a_count,
                                 const struct rill_permission *b, size_t b_count)
{
    bool same = a_count == b_count;
    for (size_t i = 0; same && i < a_count; i++)
        same = same_text(a[i].subject, b[i].subject) && same_text(a[i].queue, b[i].queue);
    return same;
}

static bool same_lists(const struct rill_permission_lists *a, const struct rill_permission_lists *b)
{
    return a->allow_given == b->allow_given &&
           same_permission_list(a->allow, a->allow_count, b->allow, b->allow_count) &&
           same_permission_list(a->deny, a->deny_count, b->deny, b->deny_count);
}

static bool same_permissions(const struct rill_permissions *a, const struct rill_permissions *b)
{
    if (!a || !b)
        return a == b;
    return same_lists(&a->publish, &b->publish) && same_lists(&a->subscribe, &b->subscribe) &&
           a->responses.given == b->responses.given &&
           a->responses.messages_max == b->responses.messages_max &&
           a->responses.expires_ns == b->responses.expires_ns;
}

static bool same_users(const struct rill_auth_config *a, const struct rill_auth_config *b)
{
    bool same = a->user_count == b->user_count;
    for (size_t i = 0; same && i < a->user_count; i++) {
        const struct rill_auth_user *left = &a->users[i];
        const struct rill_auth_user *right = &b->users[i];
        same = same_text(left->name, right->name) && same_text(left->password, right->password) &&
               same_text(left->account, right->account) &&
               left->connection_types == right->connection_types &&
               same_permissions(left->permissions, right->permissions);
    }
    return same;
}

static void visit_row(const struct option_row *row, const struct rill_options *in_force,
                      const struct rill_options *loaded, const struct rill_options_visitor *visitor)
{
    char old_value[OPTION_SHOWN_MAX];
    char new_value[OPTION_SHOWN_MAX];
    char key[OPTION_SHOWN_MAX];
    option_show(in_force, row, old_value);
    option_show(loaded, row, new_value);
    (void)snprintf(key, sizeof key, RILL_PRI, RILL_ARG(option_row_key(row)));
    visitor->changed(visitor->context, key, old_value, new_value, row->reloadable);
}

static void visit_users(const struct rill_auth_config *in_force, const struct rill_auth_config *loaded,
                        const struct rill_options_visitor *visitor)
{
    char old_value[OPTION_SHOWN_MAX];
    char new_value[OPTION_SHOWN_MAX];
    (void)snprintf(old_value, sizeof old_value, "%zu users", in_force->user_count);
    (void)snprintf(new_value, sizeof new_value, "%zu users", loaded->user_count);
    visitor->changed(visitor->context, "authorization.users", old_value, new_value, true);
}

size_t rill_options_diff(const struct rill_options *in_force, const struct rill_options *loaded,
                         const struct rill_options_visitor *visitor)
{
    size_t row_count = 0;
    size_t changes = 0;
    const struct option_row *rows = option_rows(&row_count);
    for (size_t i = 0; i < row_count; i++) {
        if (same_row(&rows[i], unconst(in_force), unconst(loaded)))
            continue;
        visit_row(&rows[i], in_force, loaded, visitor);
        changes++;
    }
    if (!same_users(&in_force->auth, &loaded->auth)) {
        visit_users(&in_force->auth, &loaded->auth, visitor);
        changes++;
    }
    return changes;
}

static struct rill_option_texts texts_duplicate(struct config_arena *arena,
                                                const struct rill_option_texts *texts)
{
    const char **items = config_arena_zero(arena, texts->count, sizeof *items);
    for (size_t i = 0; i < texts->count; i++)
        items[i] = config_arena_cstr(arena, texts->items[i]);
    return (struct rill_option_texts){items, texts->count};
}

void rill_options_keep_fixed(struct rill_options *loaded, const struct rill_options *in_force)
{
    size_t row_count = 0;
    const struct option_row *rows = option_rows(&row_count);
    struct rill_options *from = unconst(in_force);
    for (size_t i = 0; i < row_count; i++) {
        const struct option_row *row = &rows[i];
        if (row->reloadable)
            continue;
        if (option_is_number(row->type))
            *option_number(loaded, row) = *option_number(from, row);
        else if (row->type == OPTION_bool)
            *option_bool(loaded, row) = *option_bool(from, row);
        else if (row->type == OPTION_text)
            *option_text(loaded, row) = config_arena_cstr(loaded->arena, *option_text(from, row));
        else
            *option_texts(loaded, row) = texts_duplicate(loaded->arena, option_texts(from, row));
    }
}
