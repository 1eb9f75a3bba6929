// SPDX-License-Identifier: Apache-2.0
#include "ws_frame.h"

#include "base/assert.h"

enum {
    HEAD_FINAL = 0x80,
    HEAD_RESERVED = 0x70,
    HEAD_OPCODE = 0x0f,
    HEAD_MASKED = 0x80,
    HEAD_LENGTH = 0x7f,
    LENGTH_16 = 126,
    LENGTH_64 = 127,
};

/* How long the head is, as far as its first two bytes tell. An unmasked one ends early, to be refused. */
static size_t head_bytes(const struct ws_decoder *decoder)
{
    if (decoder->head_len < 2 || !(decoder->head[1] & HEAD_MASKED))
        return 2;
    const uint8_t length = decoder->head[1] & HEAD_LENGTH;
    return 2u + (length == LENGTH_16 ? 2u : length == LENGTH_64 ? 8u : 0u) + 4u;
}

static uint64_t be_number(const uint8_t *at, size_t bytes)
{
    uint64_t number = 0;
    for (size_t i = 0; i < bytes; i++)
        number = number << 8 | at[i];
    return number;
}

static bool opcode_is_control(uint8_t opcode)
{
    return opcode & 8;
}

static bool opcode_fits(const struct ws_decoder *decoder, uint8_t opcode)
{
    switch (opcode) {
    case WS_CONTINUATION:
        return decoder->in_message;
    case WS_TEXT:
    case WS_BINARY:
        return !decoder->in_message;
    case WS_CLOSE:
    case WS_PING:
    case WS_PONG:
        return true;
    default:
        return false;
    }
}

/* The rules that a head from a client keeps: masked, no extension, a known opcode, control frames whole and
 * small. */
static bool head_is_valid(const struct ws_decoder *decoder)
{
    const uint8_t *head = decoder->head;
    const uint8_t opcode = head[0] & HEAD_OPCODE;
    if ((head[0] & HEAD_RESERVED) || !(head[1] & HEAD_MASKED) || !opcode_fits(decoder, opcode))
        return false;
    if ((head[1] & HEAD_LENGTH) == LENGTH_64 && (head[2] & 0x80))
        return false;
    return !opcode_is_control(opcode) ||
           ((head[0] & HEAD_FINAL) && (head[1] & HEAD_LENGTH) <= WS_CONTROL_BYTES_MAX);
}

static void begin_payload(struct ws_decoder *decoder)
{
    const uint8_t *head = decoder->head;
    const uint8_t length = head[1] & HEAD_LENGTH;
    const size_t extended = length == LENGTH_16 ? 2 : length == LENGTH_64 ? 8 : 0;
    decoder->opcode = head[0] & HEAD_OPCODE;
    decoder->payload_left = extended ? be_number(head + 2, extended) : length;
    memcpy(decoder->mask, head + 2 + extended, sizeof decoder->mask);
    decoder->mask_phase = 0;
    decoder->control_len = 0;
    decoder->in_payload = true;
    if (!opcode_is_control(decoder->opcode))
        decoder->in_message = !(head[0] & HEAD_FINAL);
}

/* Collects the head; true when it is complete. */
static bool take_head(struct ws_decoder *decoder, const uint8_t *input, size_t input_bytes, size_t *ret_used)
{
    size_t used = 0;
    while (used < input_bytes && decoder->head_len < head_bytes(decoder))
        decoder->head[decoder->head_len++] = input[used++];
    *ret_used = used;
    return decoder->head_len >= 2 && decoder->head_len == head_bytes(decoder);
}

static void unmask(struct ws_decoder *decoder, uint8_t *bytes, size_t len)
{
    uint8_t mask[8];
    for (size_t i = 0; i < sizeof mask; i++)
        mask[i] = decoder->mask[(decoder->mask_phase + i) % 4];
    uint64_t wide;
    memcpy(&wide, mask, sizeof wide);
    size_t at = 0;
    for (; len - at >= sizeof wide; at += sizeof wide) {
        uint64_t word;
        memcpy(&word, bytes + at, sizeof word);
        word ^= wide;
        memcpy(bytes + at, &word, sizeof word);
    }
    for (size_t i = 0; at < len; at++, i++)
        bytes[at] ^= mask[i];
    decoder->mask_phase = (uint8_t)((decoder->mask_phase + len) % 4);
}

static void end_frame(struct ws_decoder *decoder)
{
    decoder->in_payload = false;
    decoder->head_len = 0;
}

static size_t take_payload(struct ws_decoder *decoder, uint8_t *input, size_t input_bytes)
{
    const size_t take = input_bytes < decoder->payload_left ? input_bytes : (size_t)decoder->payload_left;
    unmask(decoder, input, take);
    decoder->payload_left -= take;
    return take;
}

static enum ws_event payload_event(struct ws_decoder *decoder, const uint8_t *payload, size_t payload_bytes,
                                   struct rill_bytes *ret_payload)
{
    const bool ended = decoder->payload_left == 0;
    if (ended)
        end_frame(decoder);
    if (!opcode_is_control(decoder->opcode)) {
        *ret_payload = rill_bytes_of(payload, payload_bytes);
        return payload_bytes || ended ? WS_EVENT_DATA : WS_EVENT_MORE;
    }
    RILL_ASSERT(decoder->control_len + payload_bytes <= WS_CONTROL_BYTES_MAX);
    memcpy(decoder->control + decoder->control_len, payload, payload_bytes);
    decoder->control_len = (uint8_t)(decoder->control_len + payload_bytes);
    *ret_payload = rill_bytes_of(decoder->control, decoder->control_len);
    return ended ? WS_EVENT_CONTROL : WS_EVENT_MORE;
}

enum ws_event ws_decode(struct ws_decoder *decoder, uint8_t *input, size_t input_bytes, size_t *ret_used,
                        struct rill_bytes *ret_payload)
{
    size_t used = 0;
    if (!decoder->in_payload) {
        if (!take_head(decoder, input, input_bytes, &used)) {
            *ret_used = used;
            return WS_EVENT_MORE;
        }
        if (!head_is_valid(decoder))
            return WS_EVENT_BAD;
        begin_payload(decoder);
    }
    const size_t payload_bytes = take_payload(decoder, input + used, input_bytes - used);
    *ret_used = used + payload_bytes;
    return payload_event(decoder, input + used, payload_bytes, ret_payload);
}

size_t ws_encode_head(uint8_t out[WS_HEAD_BYTES_MAX], enum ws_opcode opcode, uint64_t payload_bytes)
{
    const size_t extended = payload_bytes < LENGTH_16 ? 0 : payload_bytes <= UINT16_MAX ? 2 : 8;
    out[0] = (uint8_t)(HEAD_FINAL | (unsigned)opcode);
    out[1] = extended == 0 ? (uint8_t)payload_bytes : extended == 2 ? LENGTH_16 : LENGTH_64;
    for (size_t i = 0; i < extended; i++)
        out[2 + i] = (uint8_t)(payload_bytes >> (8 * (extended - 1 - i)));
    return 2 + extended;
}
