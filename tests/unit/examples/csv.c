// SPDX-License-Identifier: Apache-2.0
#include "csv.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(csv);

enum { FIELDS_MAX = 4 };

/* Everything in `text`, written as [field|field]; ! where it is broken. The text is copied to memory of its
   exact size, so a sanitizer sees a read behind its NUL. */
static void read_all(const char *text, size_t len, char *ret, size_t ret_size)
{
    char *copy = malloc(len + 1);
    memcpy(copy, text, len + 1);
    struct csv_reader reader;
    csv_reader_init(&reader, copy, len);
    char *fields[FIELDS_MAX];
    size_t count = 0;
    enum csv_result result;
    *ret = '\0';
    while ((result = csv_next(&reader, fields, FIELDS_MAX, &count)) == CSV_RECORD)
        for (size_t i = 0; i < count; i++)
            snprintf(ret + strlen(ret), ret_size - strlen(ret), "%s%s%s", i ? "|" : "[", fields[i],
                     i + 1 == count ? "]" : "");
    if (result == CSV_BROKEN)
        strcat(ret, "!");
    free(copy);
}

#define TEXT(literal) (literal), sizeof(literal) - 1

static const struct {
    const char *text;
    size_t len;
    const char *read;
    const char *why;
} texts[] = {
    {TEXT(""), "", "nothing"},
    {TEXT("\n\r\n\n"), "", "empty lines only"},
    {TEXT("a,b\nc,d\n"), "[a|b][c|d]", "two plain records"},
    {TEXT("a,b\r\nc,d\r\n"), "[a|b][c|d]", "CRLF"},
    {TEXT("a,b"), "[a|b]", "no line end at the end"},
    {TEXT("a,\n,b\n,"), "[a|][|b][|]", "empty fields, one at the very end"},
    {TEXT("\"\"\n\"\",\"\""), "[][|]", "empty fields in quotes"},
    {TEXT("\"a,b\",c\n"), "[a,b|c]", "a comma in quotes"},
    {TEXT("\"a \"\"b\"\" c\",d"), "[a \"b\" c|d]", "doubled quotes"},
    {TEXT("\"\"\"\""), "[\"]", "only a quote"},
    {TEXT("\"a\nb\r\nc\",d\n"), "[a\nb\r\nc|d]", "line breaks in quotes are kept as they are"},
    {TEXT(" a , b \n"), "[ a | b ]", "blanks belong to the field"},
    {TEXT("M\xc3\xbcller,\"Pi\xc3\xb1"
          "a\"\n"),
     "[M\xc3\xbcller|Pi\xc3\xb1"
     "a]",
     "UTF-8"},
    {TEXT("a\n\nb\n"), "[a][b]", "an empty line between"},
    {TEXT("1,2,3,4\n"), "[1|2|3|4]", "as many fields as there is room for"},
    {TEXT("1,2,3,4,5\n"), "!", "one more"},
    {TEXT("a\nb\"c\n"), "[a]!", "a quote inside a plain field"},
    {TEXT("\"a\"b\n"), "!", "text behind a closing quote"},
    {TEXT("\"a\"\"\n"), "!", "quotes that never close"},
    {TEXT("\""), "!", "an opening quote at the end"},
    {TEXT("a\rb\n"), "!", "a CR alone"},
    {TEXT("\"a\"\r"), "!", "a CR at the end"},
    {TEXT("a\0b\n"), "!", "a NUL"},
    {TEXT("\"a\0b\"\n"), "!", "a NUL in quotes"},
};

// A text is read into exactly these records, or refused at the record that is not CSV.
Test(csv, records_are_read_as_rfc_4180_describes)
{
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char read[128];
        read_all(texts[i].text, texts[i].len, read, sizeof read);
        cr_expect(eq(str, read, (char *)texts[i].read), "%s", texts[i].why);
    }
}

// The line that is named is the one on which the record begins, whatever line breaks came before in quotes.
Test(csv, a_record_knows_its_line)
{
    char text[] = "\n\"a\nb\"\nc\r\n\"d\n";
    struct csv_reader reader;
    csv_reader_init(&reader, text, sizeof text - 1);
    char *fields[FIELDS_MAX];
    size_t count;
    cr_expect(csv_next(&reader, fields, FIELDS_MAX, &count) == CSV_RECORD);
    cr_expect(eq(sz, reader.line, 2));
    cr_expect(csv_next(&reader, fields, FIELDS_MAX, &count) == CSV_RECORD);
    cr_expect(eq(sz, reader.line, 4));
    cr_expect(csv_next(&reader, fields, FIELDS_MAX, &count) == CSV_BROKEN);
    cr_expect(eq(sz, reader.line, 5));
}
