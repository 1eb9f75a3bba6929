// SPDX-License-Identifier: Apache-2.0
//
// A server that says what the test tells it to, and checks what it hears: one listener on loopback, one
// connection at a time, used from the test's own thread. Every function has a deadline; a test goes on after
// false and fails by its own expectation.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FAKE_HEARD_BYTES = 1 << 20, FAKE_URL_BYTES = 64, FAKE_WORD_BYTES = 128 };

struct fake_server {
    int listener;
    int conn; // -1: none
    char url[FAKE_URL_BYTES];
    size_t heard_bytes;
    char heard[FAKE_HEARD_BYTES]; // since the last fake_hears
};

void fake_open(struct fake_server *fake);
void fake_close(struct fake_server *fake);

/* Waits for a client, which replaces the former one. */
bool fake_accept(struct fake_server *fake);
/* Accepts, says INFO, hears CONNECT and PING, says PONG. */
bool fake_greet(struct fake_server *fake);
/* Says INFO with more fields than the usual: `more` begins with a comma, or is "". */
bool fake_say_info(struct fake_server *fake, const char *more);

bool fake_say(struct fake_server *fake, const char *text);
bool fake_say_bytes(struct fake_server *fake, const void *bytes, size_t count);
/* Reads until the text has come; what came up to its end is forgotten. */
bool fake_hears(struct fake_server *fake, const char *text);
/* Hears the text, and takes the word behind it: the reply subject of a request, when the text is "PUB a.b ". */
bool fake_hears_word(struct fake_server *fake, const char *text, char ret_word[FAKE_WORD_BYTES]);
/* Says a message to subscription 1, that of the client's inbox: `headers` is a whole block, or "". */
bool fake_answers(struct fake_server *fake, const char *subject, const char *headers, const char *payload);
/* Waits until the client has closed the connection. */
bool fake_is_left(struct fake_server *fake);
/* Closes the connection. */
void fake_hang_up(struct fake_server *fake);
