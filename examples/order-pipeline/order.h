// SPDX-License-Identifier: Apache-2.0
//
// An order, its JSON form in a message, and the book of all orders that a CSV file holds.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

/* The texts belong to whatever the order was read from: a book, or a JSON value. */
struct order {
    const char *id;        // "SO-2024-000001"; the key of everything
    const char *placed_at; // RFC 3339, UTC
    const char *customer;
    const char *sku;
    const char *product;
    int64_t quantity;
    int64_t unit_price_cents;
    const char *currency; // ISO 4217
    const char *country;  // ISO 3166, two letters
    const char *note;
    UT_hash_handle hh; // in the book's by_id
};

/* A JSON object as text, the caller's to free(); NULL when a text is not UTF-8 or memory is out. */
char *order_to_json(const struct order *order);
/* The order that a message holds. Its texts live as long as *ret_owner, which the caller gives to
 * json_decref(). */
bool order_from_json(const char *data, size_t len, struct order *ret_order, json_t **ret_owner);

/* Checks what can be checked of an order and sums it up. False when a field makes no sense. */
bool order_total_cents(const struct order *order, int64_t *ret_cents);

struct order_book {
    char *text; // the file, cut into fields
    struct order *orders;
    size_t count;
    struct order *by_id;
};

/* Reads a CSV file with a heading. On failure the reason goes to standard error. */
bool order_book_load(struct order_book *book, const char *path);
void order_book_fini(struct order_book *book);
/* NULL when the book has no such order. */
struct order *order_book_find(const struct order_book *book, const char *id);

/* A whole file with a NUL behind it, the caller's to free(); NULL, and the reason on standard error. */
char *file_read(const char *path, size_t *ret_len);
