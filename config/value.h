// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "config/schema.h"
#include "config/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A scalar as the file has it: may hold any octet, is not NUL-terminated.
struct text {
	const char *ptr;
	size_t len;
};

// Check a scalar and append its normal form to *out: text that libcyaml reads as the C type of the
// schema without a way to misread it, because numbers are plain decimals, strings are quoted and
// structs are mappings of those.
//
// Returns 0, or -EINVAL with what was found and what is allowed appended to *why; *out is then as
// before.
int value_normalize(
	const struct schema_type *type, struct text in, struct strbuf *out, struct strbuf *why);

// Append "..." with what a terminal must not see escaped, and long text cut.
void value_quote(struct text in, struct strbuf *out);

// Append a double-quoted YAML scalar.
void value_emit_string(struct text in, struct strbuf *out);

bool text_eq(struct text a, const char *b);

// Whether it is a name as SCHEMA_NAME asks.
bool value_is_name(struct text in);

// Of the words that `next` yields until NULL, the one that `in` was most likely meant to be; NULL
// if none is near.
const char *value_suggest(struct text in, const char *(*next)(void *cursor), void *cursor);

// A whole number without sign, leading zero or other base, at most `max`.
// Returns 0, -EINVAL or -ERANGE.
int value_parse_uint(struct text in, uint64_t max, uint64_t *value);

// The kinds of value_normalize() that stand in files of their own.
int value_normalize_addr(
	const struct schema_type *type, struct text in, struct strbuf *out, struct strbuf *why);
int value_normalize_prefix(
	const struct schema_type *type, struct text in, struct strbuf *out, struct strbuf *why);
int value_normalize_socket(
	const struct schema_type *type, struct text in, struct strbuf *out, struct strbuf *why);
int value_normalize_number(
	const struct schema_type *type, struct text in, struct strbuf *out, struct strbuf *why);
int value_normalize_list(
	const struct schema_type *type, struct text in, struct strbuf *out, struct strbuf *why);

#endif
