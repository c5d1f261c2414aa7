// SPDX-License-Identifier: BSD-3-Clause
#ifndef PARSER_STRV_H
#define PARSER_STRV_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

// A view of octets that somebody else owns. Not NUL-terminated; ptr may be NULL when len is 0.
struct strv {
	const char *ptr;
	size_t len;
};

#define STRV(literal) ((struct strv){(literal), sizeof(literal) - 1})

static inline struct strv strv_from(const char *cstr)
{
	return (struct strv){cstr, strlen(cstr)};
}

static inline bool strv_eq(struct strv a, struct strv b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline unsigned char strv_lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

// Equal but for ASCII case (RFC 3261 section 7.3.1). Locale plays no part.
static inline bool strv_ieq(struct strv a, struct strv b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (strv_lower(a.ptr[i]) != strv_lower(b.ptr[i]))
			return false;
	return true;
}

#endif
