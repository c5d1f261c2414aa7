// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_UTF8_H
#define CONTROL_UTF8_H

#include <stdint.h>

#include "parser/strv.h"

#define UTF8_REPLACEMENT "\xef\xbf\xbd" // U+FFFD, for what is not UTF-8

// Decode one character of strict UTF-8 (RFC 3629). Returns its length, 0 when in is empty or does
// not start with one.
unsigned int utf8_decode(struct strv in, uint32_t *character);

#endif
