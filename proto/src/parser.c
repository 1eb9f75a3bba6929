// SPDX-License-Identifier: Apache-2.0
#include "proto/parser.h"

#include "base/assert.h"

/* How a control line is cut: up to ARGS_MAX words between blanks, ended by LF, with an optional CR before it.

      PUB   orders.new   _INBOX.7   5 CR LF  hello CR LF
      op    words[0]     words[1]   words[2]
                                    ^ size_at       ^ payload behind the line
*/
enum {
    ARGS_MAX = 5,
    WORD_DIGITS_MAX = 9,          // as nats-server: a longer number is none
    IGNORED_LINE_MAX = 64 * 1024, // of PING, PONG and +OK, whose rest nobody reads
    BLANKS_MAX =
        64 * 1024, // of one line beyond its limit; nats-server, which keeps no blanks, takes any number
};

struct line {
    struct rill_bytes words[ARGS_MAX];
    size_t count;        // words found; ARGS_MAX + 1 when there were more
    const uint8_t *next; // behind the LF
    const uint8_t *end;  // behind the last character that is neither blank nor line end
};

static const uint8_t blank_class[256] = {[' '] = 1, ['\t'] = 1, ['\r'] = 2, ['\n'] = 3};

enum { CLASS_WORD, CLASS_BLANK, CLASS_CR, CLASS_LF };

/* The first blank or line end at or behind `at`; `end` when there is none. Eight bytes at a time: the
   subtraction borrows into the top bit of the first byte below '!', which every one that ends a word is. */
static inline const uint8_t *word_end(const uint8_t *at, const uint8_t *end)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t tops = ones << 7;
    while (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && end - at >= 8) {
        uint64_t eight;
        memcpy(&eight, at, sizeof eight);
        const uint64_t below = (eight - ones * '!') & ~eight & tops;
        if (below) {
            // Other control characters are a part of the word: then the bytes are looked at one by one.
            const uint8_t *candidate = at + (__builtin_ctzll(below) >> 3);
            if (__builtin_expect(blank_class[*candidate] != CLASS_WORD, 1))
                return candidate;
            break;
        }
        at += 8;
    }
    while (at < end && blank_class[*at] == CLASS_WORD)
        at++;
    return at;
}

/* Cuts the words of the line that begins at `at`. False when the line is not whole yet. */
static inline bool line_cut(const uint8_t *at, const uint8_t *end, struct line *line)
{
    size_t count = 0;
    line->end = at;
    for (;;) {
        while (at < end && (blank_class[*at] == CLASS_BLANK || blank_class[*at] == CLASS_CR))
            at++;
        if (at == end)
            return false;
        if (*at == '\n')
            break;
        const uint8_t *word = at;
        at = word_end(at, end);
        if (at == end)
            return false;
        if (count < ARGS_MAX)
            line->words[count] = rill_bytes_of(word, (size_t)(at - word));
        count += count <= ARGS_MAX;
        line->end = at;
    }
    line->count = count;
    line->next = at + 1;
    return true;
}

/* A size or count: one to nine digits and nothing else. */
static inline bool word_to_size(struct rill_bytes word, size_t *ret)
{
    if (word.len == 0 || word.len > WORD_DIGITS_MAX)
        return false;
    size_t value = 0;
    for (size_t i = 0; i < word.len; i++) {
        const unsigned digit = (unsigned)word.data[i] - '0';
        if (digit > 9)
            return false;
        value = value * 10 + digit;
    }
    *ret = value;
    return true;
}

/* The limit counts what stands between the blanks behind the operation and the end of the line. */
static size_t args_bytes(const uint8_t *args, const uint8_t *line_end)
{
    while (args < line_end && blank_class[*args] == CLASS_BLANK)
        args++;
    while (line_end > args && blank_class[line_end[-1]] >= CLASS_CR)
        line_end--;
    return (size_t)(line_end - args);
}

static inline bool args_too_long(size_t args_bytes_max, const uint8_t *args, const uint8_t *line_end)
{
    const size_t bytes = (size_t)(line_end - args);
    return bytes > args_bytes_max &&
           (bytes - args_bytes_max > BLANKS_MAX || args_bytes(args, line_end) > args_bytes_max);
}

/* The line is not whole: what may be missing is one byte, unless it is too long already. */
static enum rill_parse_status line_more(size_t args_bytes_max, struct rill_bytes input, size_t op_len,
                                        struct rill_command *ret)
{
    if (args_too_long(args_bytes_max, input.data + op_len, input.data + input.len))
        return RILL_PARSE_CONTROL_LINE_LONG;
    ret->bytes_needed = input.len + 1;
    return RILL_PARSE_MORE;
}

/* Cuts the arguments behind the operation and holds them against the limit. */
static inline enum rill_parse_status cut_args(const struct rill_parse_limits *limits, struct rill_bytes input,
                                              size_t op_len, struct line *line, struct rill_command *ret)
{
    const uint8_t *args = input.data + op_len;
    if (!line_cut(args, input.data + input.len, line))
        return line_more(limits->control_line_bytes_max, input, op_len, ret);
    if (args_too_long(limits->control_line_bytes_max, args, line->next))
        return RILL_PARSE_CONTROL_LINE_LONG;
    return RILL_PARSE_DONE;
}

/* The sizes are known and the line ends at line->next: takes headers and payload, or asks for the missing
 * bytes. */
static inline enum rill_parse_status take_payload(const struct rill_parse_limits *limits,
                                                  struct rill_bytes input, const struct line *line,
                                                  size_t header_bytes, size_t total_bytes,
                                                  struct rill_command *ret)
{
    if (total_bytes > limits->payload_bytes_max)
        return RILL_PARSE_PAYLOAD_LARGE;
    if (header_bytes > total_bytes)
        return RILL_PARSE_BAD_HEADER_SIZE;
    const size_t line_bytes = (size_t)(line->next - input.data);
    const size_t bytes = line_bytes + total_bytes + 2;
    if (input.len < bytes) {
        const size_t payload_end = bytes - 2;
        if (input.len > payload_end && input.data[payload_end] != '\r')
            return RILL_PARSE_BAD_PAYLOAD_END;
        ret->bytes_needed = bytes;
        return RILL_PARSE_MORE;
    }
    if (input.data[bytes - 2] != '\r' || input.data[bytes - 1] != '\n')
        return RILL_PARSE_BAD_PAYLOAD_END;
    ret->bytes = bytes;
    ret->headers = rill_bytes_of(line->next, header_bytes);
    ret->payload = rill_bytes_of(line->next + header_bytes, total_bytes - header_bytes);
    return RILL_PARSE_DONE;
}

/* The tail may be copied as it stands when the sizes are written as a broker would: no leading zeros, one
   space between two of them, CR LF right behind. */
static inline struct rill_bytes message_tail(const struct line *line, size_t first_size,
                                             size_t command_end_offset, const uint8_t *input)
{
    const struct rill_bytes *sizes = &line->words[first_size];
    const size_t size_count = line->count - first_size;
    for (size_t i = 0; i < size_count; i++) {
        if (sizes[i].data[0] == '0' && sizes[i].len > 1)
            return rill_bytes_of(NULL, 0);
    }
    if (size_count == 2 && sizes[1].data != sizes[0].data + sizes[0].len + 1)
        return rill_bytes_of(NULL, 0);
    if (line->next != line->end + 2)
        return rill_bytes_of(NULL, 0);
    const uint8_t *start = sizes[0].data;
    return rill_bytes_of(start, (size_t)(input + command_end_offset - start));
}

/* A command with a payload: subject, a sid if the op has one, an optional reply, then one or two sizes. Inlined, so that
   each op gets code of its own without the questions. */
static inline __attribute__((always_inline)) enum rill_parse_status
parse_with_payload(const struct rill_parse_limits *limits, struct rill_bytes input, size_t op_len,
                   bool has_sid, size_t size_count, struct rill_command *ret)
{
    struct line line;
    const enum rill_parse_status cut = cut_args(limits, input, op_len, &line, ret);
    if (cut != RILL_PARSE_DONE)
        return cut;
    const size_t named = has_sid ? 2 : 1;
    if (line.count < named + size_count || line.count > named + 1 + size_count)
        return RILL_PARSE_BAD_ARGS;
    const size_t first_size = line.count - size_count;
    size_t header_bytes = 0;
    size_t total_bytes;
    if (size_count == 2 && !word_to_size(line.words[first_size], &header_bytes))
        return RILL_PARSE_BAD_ARGS;
    if (!word_to_size(line.words[line.count - 1], &total_bytes))
        return RILL_PARSE_BAD_ARGS;
    ret->subject = line.words[0];
    ret->sid = has_sid ? line.words[1] : rill_bytes_of(NULL, 0);
    ret->reply = first_size > named ? line.words[named] : rill_bytes_of(NULL, 0);
    const enum rill_parse_status status = take_payload(limits, input, &line, header_bytes, total_bytes, ret);
    if (status == RILL_PARSE_DONE && !has_sid)
        ret->tail = message_tail(&line, first_size, ret->bytes, input.data);
    return status;
}

/* PUB subject [reply] size */
static enum rill_parse_status parse_pub(const struct rill_parse_limits *limits, struct rill_bytes input,
                                        struct rill_command *ret)
{
    return parse_with_payload(limits, input, sizeof "PUB" - 1, false, 1, ret);
}

/* MSG subject sid [reply] size */
static enum rill_parse_status parse_msg(const struct rill_parse_limits *limits, struct rill_bytes input,
                                        struct rill_command *ret)
{
    return parse_with_payload(limits, input, sizeof "MSG" - 1, true, 1, ret);
}

static enum rill_parse_status parse_words(const struct rill_parse_limits *limits, struct rill_bytes input,
                                          size_t op_len, struct rill_command *ret)
{
    struct line line;
    const enum rill_parse_status cut = cut_args(limits, input, op_len, &line, ret);
    if (cut != RILL_PARSE_DONE)
        return cut;
    ret->bytes = (size_t)(line.next - input.data);
    const bool sub = ret->op == RILL_OP_SUB;
    if (line.count < (sub ? 2u : 1u) || line.count > (sub ? 3u : 2u))
        return RILL_PARSE_BAD_ARGS;
    ret->sid = line.words[sub ? line.count - 1 : 0];
    ret->subject = sub ? line.words[0] : rill_bytes_of(NULL, 0);
    ret->queue = sub && line.count == 3 ? line.words[1] : rill_bytes_of(NULL, 0);
    ret->max = 0;
    if (!sub && line.count == 2) {
        size_t max;
        // A count that is no number ends the subscription at once, as at nats-server.
        ret->max = word_to_size(line.words[1], &max) ? max : 0;
    }
    return RILL_PARSE_DONE;
}

/* CONNECT {json}, INFO {json}, -ERR 'text', +OK, PING, PONG: the rest of the line is one argument. */
static enum rill_parse_status parse_line(size_t args_bytes_max, struct rill_bytes input, size_t op_len,
                                         struct rill_command *ret)
{
    const uint8_t *args = input.data + op_len;
    const uint8_t *newline = memchr(args, '\n', input.len - op_len);
    if (!newline)
        return line_more(args_bytes_max, input, op_len, ret);
    const uint8_t *end = newline;
    if (args_too_long(args_bytes_max, args, newline + 1))
        return RILL_PARSE_CONTROL_LINE_LONG;
    while (args < end && blank_class[*args])
        args++;
    while (end > args && blank_class[end[-1]])
        end--;
    ret->args = rill_bytes_of(args, (size_t)(end - args));
    ret->bytes = (size_t)(newline + 1 - input.data);
    return RILL_PARSE_DONE;
}

struct op_name {
    char name[8];
    uint8_t len;
    uint8_t needs_blank; // arguments follow, so a blank must stand behind the name
    uint8_t sides;       // bit per enum rill_side
    enum rill_op op;
};

enum { BROKER_READS = 1 << RILL_SIDE_BROKER, CLIENT_READS = 1 << RILL_SIDE_CLIENT };

static const struct op_name op_names[] = {
    {"pub", 3, 1, BROKER_READS, RILL_OP_PUB},
    {"hpub", 4, 1, BROKER_READS, RILL_OP_HPUB},
    {"sub", 3, 1, BROKER_READS, RILL_OP_SUB},
    {"unsub", 5, 1, BROKER_READS, RILL_OP_UNSUB},
    {"msg", 3, 1, CLIENT_READS, RILL_OP_MSG},
    {"hmsg", 4, 1, CLIENT_READS, RILL_OP_HMSG},
    {"ping", 4, 0, BROKER_READS | CLIENT_READS, RILL_OP_PING},
    {"pong", 4, 0, BROKER_READS | CLIENT_READS, RILL_OP_PONG},
    {"connect", 7, 0, BROKER_READS, RILL_OP_CONNECT},
    {"info", 4, 0, BROKER_READS | CLIENT_READS, RILL_OP_INFO},
    {"+ok", 3, 0, BROKER_READS | CLIENT_READS, RILL_OP_OK},
    {"-err", 4, 0, BROKER_READS | CLIENT_READS, RILL_OP_ERR},
};

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* How many characters of `input` agree with the name, without regard to case. */
static size_t op_agreement(const struct op_name *name, struct rill_bytes input)
{
    size_t i = 0;
    while (i < name->len && i < input.len && lower(input.data[i]) == (uint8_t)name->name[i])
        i++;
    return i;
}

/* Finds the operation. MORE when the input is a proper prefix of one. */
static enum rill_parse_status op_find(enum rill_side side, struct rill_bytes input,
                                      const struct op_name **ret)
{
    bool prefix = false;
    for (size_t i = 0; i < sizeof op_names / sizeof op_names[0]; i++) {
        const struct op_name *name = &op_names[i];
        if (!(name->sides & (1 << side)))
            continue;
        const size_t agreed = op_agreement(name, input);
        if (agreed == name->len &&
            (!name->needs_blank || input.len == agreed || blank_class[input.data[agreed]] == CLASS_BLANK)) {
            *ret = name;
            return name->needs_blank && input.len == agreed ? RILL_PARSE_MORE : RILL_PARSE_DONE;
        }
        prefix |= agreed == input.len;
    }
    return prefix ? RILL_PARSE_MORE : RILL_PARSE_UNKNOWN_OP;
}

static enum rill_parse_status parse_rare(const struct rill_parse_limits *limits, struct rill_bytes input,
                                         struct rill_command *ret)
{
    const struct op_name *name = NULL;
    const enum rill_parse_status status = op_find(limits->side, input, &name);
    if (status == RILL_PARSE_MORE)
        ret->bytes_needed = input.len + 1;
    if (status != RILL_PARSE_DONE)
        return status;
    ret->op = name->op;
    switch (name->op) {
    case RILL_OP_PUB:
        return parse_pub(limits, input, ret);
    case RILL_OP_HPUB:
        return parse_with_payload(limits, input, name->len, false, 2, ret);
    case RILL_OP_MSG:
        return parse_msg(limits, input, ret);
    case RILL_OP_HMSG:
        return parse_with_payload(limits, input, name->len, true, 2, ret);
    case RILL_OP_SUB:
    case RILL_OP_UNSUB:
        return parse_words(limits, input, name->len, ret);
    case RILL_OP_PING:
    case RILL_OP_PONG:
    case RILL_OP_OK:
        return parse_line(IGNORED_LINE_MAX, input, name->len, ret);
    case RILL_OP_CONNECT:
    case RILL_OP_INFO:
    case RILL_OP_ERR:
        return parse_line(limits->control_line_bytes_max, input, name->len, ret);
    default:
        RILL_UNREACHABLE();
    }
}

enum rill_parse_status rill_parse(const struct rill_parse_limits *limits, struct rill_bytes input,
                                  struct rill_command *ret)
{
    // The two commands that make up nearly all traffic are recognised by one comparison.
    static const uint8_t pub[4] = "PUB ";
    static const uint8_t msg[4] = "MSG ";
    if (input.len > sizeof pub) {
        if (limits->side == RILL_SIDE_BROKER && memcmp(input.data, pub, sizeof pub) == 0) {
            ret->op = RILL_OP_PUB;
            return parse_pub(limits, input, ret);
        }
        if (limits->side == RILL_SIDE_CLIENT && memcmp(input.data, msg, sizeof msg) == 0) {
            ret->op = RILL_OP_MSG;
            return parse_msg(limits, input, ret);
        }
    }
    if (input.len == 0) {
        ret->bytes_needed = 1;
        return RILL_PARSE_MORE;
    }
    return parse_rare(limits, input, ret);
}
