// SPDX-License-Identifier: Apache-2.0
#include "random_id.h"

void random_id_write(struct rill_random *random, char *to, size_t length)
{
    static const char characters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    for (size_t i = 0; i < length; i++)
        to[i] = characters[rill_random_below(random, sizeof characters - 1)];
    to[length] = 0;
}
