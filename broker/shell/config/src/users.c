// SPDX-License-Identifier: Apache-2.0
#include "load.h"

#include <strings.h>

static enum rill_err load_connection_types(struct load *load, const struct config_value *value,
                                           unsigned *ret_types)
{
    struct text_list texts = {0};
    const enum rill_err err = load_texts(load, value, &texts);
    if (err)
        return err;
    unsigned types = 0;
    for (size_t i = 0; i < texts.count; i++) {
        if (strcasecmp(texts.items[i], "STANDARD") == 0)
            types |= RILL_CONNECTION_STANDARD;
        else if (strcasecmp(texts.items[i], "WEBSOCKET") == 0)
            types |= RILL_CONNECTION_WEBSOCKET;
        else
            return config_fail(value, load->why, RILL_ERR_INVALID,
                               "\"%.40s\" is not a type of connection, only STANDARD and WEBSOCKET are",
                               texts.items[i]);
    }
    *ret_types = types;
    return RILL_OK;
}

static enum rill_err load_user_entry(struct load *load, const struct config_value *value,
                                     struct rill_auth_user *user)
{
    static const struct {
        const char *key;
        enum { NAME, PASSWORD, PERMISSIONS, TYPES, LATER } what;
    } keys[] = {{"user", NAME},
                {"username", NAME},
                {"pass", PASSWORD},
                {"password", PASSWORD},
                {"permission", PERMISSIONS},
                {"permissions", PERMISSIONS},
                {"authorization", PERMISSIONS},
                {"allowed_connection_types", TYPES},
                {"connection_types", TYPES},
                {"clients", TYPES},
                {"nkey", LATER},
                {"account", LATER},
                {"proxy_required", LATER}};
    size_t i = 0;
    while (i < sizeof keys / sizeof keys[0] && strcasecmp(keys[i].key, value->key) != 0)
        i++;
    if (i == sizeof keys / sizeof keys[0])
        return value->used ? RILL_OK : config_fail(value, load->why, RILL_ERR_INVALID, "unknown key");
    switch (keys[i].what) {
    case NAME:
        return load_text(load, value, &user->name);
    case PASSWORD:
        return load_text(load, value, &user->password);
    case PERMISSIONS:
        return load_permissions(load, value, &user->permissions);
    case TYPES:
        return load_connection_types(load, value, &user->connection_types);
    default:
        return config_fail(value, load->why, RILL_ERR_UNSUPPORTED, "not supported yet by rilld");
    }
}

static bool user_exists(const struct user_list *users, const char *name)
{
    for (size_t i = 0; i < users->count; i++) {
        if (strcmp(users->items[i].name, name) == 0)
            return true;
    }
    return false;
}

static void user_list_add(struct load *load, struct rill_auth_user user)
{
    struct user_list *list = &load->users;
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity ? list->capacity * 2 : 8;
        struct rill_auth_user *items = config_arena_zero(load->arena, capacity, sizeof *items);
        if (list->count)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = user;
}

static enum rill_err load_user(struct load *load, const struct config_value *value, const char *account)
{
    struct rill_auth_user user = {
        .password = "", .account = account, .connection_types = RILL_CONNECTION_ANY};
    if (value->kind != CONFIG_MAP)
        return config_fail_kind(value, load->why, "a user { user, password }");
    for
        CONFIG_EACH(child, value)
        {
            const enum rill_err err = load_user_entry(load, child, &user);
            if (err)
                return err;
        }
    if (!user.name || !*user.name)
        return config_fail(value, load->why, RILL_ERR_INVALID, "a user needs a name: user");
    if (user_exists(&load->users, user.name))
        return config_fail(value, load->why, RILL_ERR_INVALID, "the user \"%.60s\" is there twice",
                           user.name);
    user_list_add(load, user);
    return RILL_OK;
}

enum { USERS_MAX = 10000 };

enum rill_err load_users(struct load *load, const struct config_value *list, const char *account)
{
    if (list->kind != CONFIG_LIST)
        return config_fail_kind(list, load->why, "a list of users [ ]");
    if (list->count > USERS_MAX)
        return config_fail(list, load->why, RILL_ERR_LIMIT, "more than %d users", USERS_MAX);
    for
        CONFIG_EACH(child, list)
        {
            const enum rill_err err = load_user(load, child, account);
            if (err)
                return err;
        }
    return RILL_OK;
}

enum rill_err load_default_permissions(struct load *load, const struct config_value *value,
                                       const char *account)
{
    const struct rill_permissions *permissions = NULL;
    const enum rill_err err = load_permissions(load, value, &permissions);
    if (err)
        return err;
    for (size_t i = 0; i < load->users.count; i++) {
        struct rill_auth_user *user = &load->users.items[i];
        if (!user->permissions && strcmp(user->account, account) == 0)
            user->permissions = permissions;
    }
    return RILL_OK;
}

/* The block of one account: users first, then what is the default for them. */
static enum rill_err load_account(struct load *load, const struct config_value *account)
{
    const struct config_value *defaults = NULL;
    for
        CONFIG_EACH(child, account)
        {
            enum rill_err err = RILL_OK;
            if (strcasecmp(child->key, "users") == 0) {
                load->users_value = child;
                err = load_users(load, child, "$SYS");
            } else if (strcasecmp(child->key, "default_permissions") == 0) {
                defaults = child;
            } else if (!child->used) {
                err = config_fail(child, load->why, RILL_ERR_UNSUPPORTED,
                                  "not supported yet by rilld, only users and default_permissions are");
            }
            if (err)
                return err;
        }
    return defaults ? load_default_permissions(load, defaults, "$SYS") : RILL_OK;
}

enum rill_err load_accounts(struct load *load, const struct config_value *value)
{
    if (value->kind != CONFIG_MAP)
        return config_fail_kind(value, load->why, "a block { } of accounts");
    for
        CONFIG_EACH(account, value)
        {
            if (strcmp(account->key, "$G") == 0)
                return config_fail(account, load->why, RILL_ERR_INVALID,
                                   "a reserved account: its users stand under authorization");
            if (strcmp(account->key, "$SYS") != 0)
                return config_fail(account, load->why, RILL_ERR_UNSUPPORTED,
                                   "accounts other than $SYS are not supported yet by rilld");
            if (account->kind != CONFIG_MAP)
                return config_fail_kind(account, load->why, "a block { }");
            const enum rill_err err = load_account(load, account);
            if (err)
                return err;
        }
    return RILL_OK;
}
