// SPDX-License-Identifier: Apache-2.0
//
// An order, what the shop makes of it, and the book of all orders that a CSV file holds. The rules look at nothing but the
// order, so whoever has the file can say how each one has to end.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

/* The texts belong to whatever the order was read from: a book, or an event. */
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

/* Checks what can be checked of an order and sums it up. On failure `ret_why` says which field makes no sense. */
bool order_total_cents(const struct order *order, int64_t *ret_cents, const char **ret_why);
/* Are there so many on the shelf? */
bool order_is_in_stock(const struct order *order);
/* Does the customer's card cover it? */
bool order_is_covered(int64_t total_cents);

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
