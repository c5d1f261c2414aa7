// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "parser/strv.h"

// What people and terminals are shown. Octets from the network, from files and from the daemon are
// printed only through here, because a terminal acts on some of them.

// A character that takes up room on a terminal and changes nothing else there: no controls, no
// direction marks, no invisible ones.
bool text_is_printable(uint32_t character);

// Write `in` with everything that is not printable as \r, \n, \t, \\ or \xNN.
void text_escape(FILE *out, struct strv in);

// The same for ASCII only, one octet after the other: every octet above 0x7e is \xNN.
void text_escape_octets(FILE *out, struct strv in);

// printf() a line, escaped as by text_escape().
void text_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

// As text_escape(), to the heap. NULL when out of memory.
char *text_escape_dup(struct strv in);

// Columns that printable text takes up on a terminal; NUL-terminated UTF-8.
unsigned int text_width(const char *text);

// A JSON string. Octets that are not UTF-8 become U+FFFD and set *lossy, which may be NULL.
json_t *text_json(struct strv in, bool *lossy);

// "500ms", "5s", "20m", "2h", "7d" -> milliseconds. Returns 0, -EINVAL or -ERANGE (over 365 days).
int text_duration_parse(const char *text, uint64_t *ms);

#define TEXT_DURATION_MAX 16
#define TEXT_TIME_MAX 32

// "4s", "1m05s", "11h03m", "6d02h".
void text_duration_format(uint64_t seconds, char out[TEXT_DURATION_MAX]);

// "2026-11-21T09:14:02.118Z" (ISO 8601, UTC).
void text_time_format(uint64_t unix_ms, char out[TEXT_TIME_MAX]);

// The word of NULL-terminated `words` that was most likely meant by `typed`, or NULL.
const char *text_suggest(const char *typed, const char *const *words);

// Edits (insert, delete, replace, swap of neighbours) between two words; words over 63 octets are
// never near.
unsigned int text_distance(const char *a, const char *b);

#endif
