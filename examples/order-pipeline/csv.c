// SPDX-License-Identifier: Apache-2.0
#include "csv.h"

#include <stdbool.h>
#include <string.h>

void csv_reader_init(struct csv_reader *reader, char *text, size_t len)
{
    *reader = (struct csv_reader){.at = text, .end = text + len, .next_line = 1};
}

/* What stands behind a field. */
enum field_end { FIELD_COMMA, FIELD_LINE_END, FIELD_BROKEN };

/* Takes the separator at the reader's place and puts the NUL of the field at `terminator`, which is not
 * behind it. */
static enum field_end field_finish(struct csv_reader *reader, char *terminator)
{
    char *at = reader->at;
    const bool at_end = at == reader->end;
    if (!at_end && *at == '\r' && at + 1 < reader->end && at[1] == '\n')
        at++;
    const char separator = *at;
    if (!at_end && separator != ',' && separator != '\n')
        return FIELD_BROKEN;
    reader->at = at_end ? at : at + 1;
    *terminator = '\0';
    if (separator == ',' && !at_end)
        return FIELD_COMMA;
    reader->next_line++;
    return FIELD_LINE_END;
}

static enum field_end field_plain(struct csv_reader *reader, char **ret_field)
{
    *ret_field = reader->at;
    while (reader->at < reader->end && !strchr(",\"\r\n", *reader->at))
        reader->at++;
    return field_finish(reader, reader->at);
}

/* The content moves left over the quotes that are taken out of it. */
static enum field_end field_quoted(struct csv_reader *reader, char **ret_field)
{
    char *write = reader->at++;
    *ret_field = write;
    while (reader->at < reader->end) {
        const char c = *reader->at++;
        if (c == '"' && *reader->at != '"')
            return field_finish(reader, write);
        if (c == '"')
            reader->at++;
        if (c == '\0')
            return FIELD_BROKEN;
        reader->next_line += c == '\n';
        *write++ = c;
    }
    return FIELD_BROKEN;
}

static void skip_empty_lines(struct csv_reader *reader)
{
    while (reader->at < reader->end) {
        const size_t len = *reader->at == '\r' && reader->at[1] == '\n' ? 2 : 1;
        if (len == 1 && *reader->at != '\n')
            return;
        reader->at += len;
        reader->next_line++;
    }
}

enum csv_result csv_next(struct csv_reader *reader, char **ret_fields, size_t fields_max, size_t *ret_count)
{
    skip_empty_lines(reader);
    if (reader->at == reader->end)
        return CSV_END;
    reader->line = reader->next_line;
    enum field_end behind = FIELD_COMMA;
    size_t count = 0;
    while (behind == FIELD_COMMA) {
        if (count == fields_max)
            return CSV_BROKEN;
        char **field = &ret_fields[count++];
        behind = *reader->at == '"' ? field_quoted(reader, field) : field_plain(reader, field);
    }
    if (behind == FIELD_BROKEN)
        return CSV_BROKEN;
    *ret_count = count;
    return CSV_RECORD;
}
