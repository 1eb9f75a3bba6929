// SPDX-License-Identifier: Apache-2.0
#include "csv.h"
#include "order.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    COLUMN_ID,
    COLUMN_PLACED_AT,
    COLUMN_CUSTOMER,
    COLUMN_SKU,
    COLUMN_PRODUCT,
    COLUMN_QUANTITY,
    COLUMN_UNIT_PRICE_CENTS,
    COLUMN_CURRENCY,
    COLUMN_COUNTRY,
    COLUMN_NOTE,
    COLUMNS
};

static char *stream_read(FILE *file, size_t *ret_len)
{
    size_t len = 0;
    size_t capacity = 1 << 16;
    char *text = malloc(capacity);
    while (text) {
        len += fread(text + len, 1, capacity - len - 1, file);
        if (len < capacity - 1)
            break;
        char *larger = realloc(text, capacity *= 2);
        if (!larger)
            free(text);
        text = larger;
    }
    if (!text || ferror(file)) {
        free(text);
        return NULL;
    }
    text[len] = '\0';
    *ret_len = len;
    return text;
}

char *file_read(const char *path, size_t *ret_len)
{
    FILE *file = fopen(path, "re");
    char *text = file ? stream_read(file, ret_len) : NULL;
    if (!text)
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    if (file)
        fclose(file);
    return text;
}

static bool number_parse(const char *text, int64_t *ret)
{
    char *end = NULL;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end)
        return false;
    *ret = value;
    return true;
}

static bool order_from_fields(char **fields, size_t count, struct order *ret_order)
{
    if (count != COLUMNS)
        return false;
    *ret_order = (struct order){
        .id = fields[COLUMN_ID],
        .placed_at = fields[COLUMN_PLACED_AT],
        .customer = fields[COLUMN_CUSTOMER],
        .sku = fields[COLUMN_SKU],
        .product = fields[COLUMN_PRODUCT],
        .currency = fields[COLUMN_CURRENCY],
        .country = fields[COLUMN_COUNTRY],
        .note = fields[COLUMN_NOTE],
    };
    return number_parse(fields[COLUMN_QUANTITY], &ret_order->quantity) &&
           number_parse(fields[COLUMN_UNIT_PRICE_CENTS], &ret_order->unit_price_cents);
}

/* The hash table points at the orders, so they are entered when the array has stopped moving. */
static bool book_index(struct order_book *book)
{
    for (size_t i = 0; i < book->count; i++) {
        struct order *order = &book->orders[i];
        if (order_book_find(book, order->id)) {
            fprintf(stderr, "order %s stands in the file twice\n", order->id);
            return false;
        }
        HASH_ADD_KEYPTR(hh, book->by_id, order->id, strlen(order->id), order);
    }
    return true;
}

static bool book_append(struct order_book *book, const struct order *order)
{
    if ((book->count & (book->count - 1)) == 0) { // at every power of two
        const size_t capacity = book->count ? book->count * 2 : 1;
        struct order *orders = realloc(book->orders, capacity * sizeof *orders);
        if (!orders)
            return false;
        book->orders = orders;
    }
    book->orders[book->count++] = *order;
    return true;
}

static bool book_read(struct order_book *book, struct csv_reader *reader)
{
    char *fields[COLUMNS];
    size_t count = 0;
    enum csv_result result = csv_next(reader, fields, COLUMNS, &count);
    if (result != CSV_RECORD || count != COLUMNS || strcmp(fields[COLUMN_ID], "order_id") != 0)
        return false;
    while ((result = csv_next(reader, fields, COLUMNS, &count)) == CSV_RECORD) {
        struct order order;
        if (!order_from_fields(fields, count, &order) || !book_append(book, &order))
            return false;
    }
    return result == CSV_END;
}

bool order_book_load(struct order_book *book, const char *path)
{
    *book = (struct order_book){0};
    size_t len = 0;
    book->text = file_read(path, &len);
    if (!book->text)
        return false;
    struct csv_reader reader;
    csv_reader_init(&reader, book->text, len);
    if (!book_read(book, &reader))
        fprintf(stderr, "%s:%zu: this is not a line of orders\n", path, reader.line);
    else if (book_index(book))
        return true;
    order_book_fini(book);
    return false;
}

void order_book_fini(struct order_book *book)
{
    HASH_CLEAR(hh, book->by_id);
    free(book->orders);
    free(book->text);
    *book = (struct order_book){0};
}

struct order *order_book_find(const struct order_book *book, const char *id)
{
    struct order *order = NULL;
    HASH_FIND(hh, book->by_id, id, strlen(id), order);
    return order;
}
