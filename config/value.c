// SPDX-License-Identifier: BSD-3-Clause
#include "config/value.h"

#include "config/config.h"

#include <errno.h>
#include <string.h>

#define QUOTE_MAX 48 // octets of a wrong value that a message repeats
#define WORD_MAX 64 // longer words are not compared for suggestions

bool text_eq(struct text a, const char *b)
{
	return a.len == strlen(b) && memcmp(a.ptr, b, a.len) == 0;
}

void value_quote(struct text in, struct strbuf *out)
{
	size_t len = in.len < QUOTE_MAX ? in.len : QUOTE_MAX;

	strbuf_puts(out, "\"");
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)in.ptr[i];

		if (c < 0x20 || c >= 0x7f)
			strbuf_printf(out, "\\x%02x", c);
		else
			strbuf_add(out, in.ptr + i, 1);
	}
	strbuf_puts(out, in.len > len ? "...\"" : "\"");
}

void value_emit_string(struct text in, struct strbuf *out)
{
	strbuf_puts(out, "\"");
	for (size_t i = 0; i < in.len; i++) {
		if (in.ptr[i] == '"' || in.ptr[i] == '\\')
			strbuf_puts(out, "\\");
		strbuf_add(out, in.ptr + i, 1);
	}
	strbuf_puts(out, "\"");
}

// Levenshtein distance, neighbours swapped count as one; at most WORD_MAX octets each.
static unsigned int distance(struct text a, const char *b, size_t len_b)
{
	unsigned int rows[3][WORD_MAX + 1];
	unsigned int *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= len_b; j++)
		above[j] = (unsigned int)j;
	for (size_t i = 1; i <= a.len; i++) {
		unsigned int *recycled = before;

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= len_b; j++) {
			bool same = a.ptr[i - 1] == b[j - 1];
			unsigned int best = above[j - 1] + !same;

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a.ptr[i - 1] == b[j - 2] &&
				a.ptr[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
		before = above;
		above = row;
		row = recycled;
	}
	return above[len_b];
}

const char *value_suggest(struct text in, const char *(*next)(void *cursor), void *cursor)
{
	const char *best = NULL, *word;
	unsigned int best_distance = 0;

	if (in.len == 0 || in.len > WORD_MAX)
		return NULL;
	while ((word = next(cursor)) != NULL) {
		size_t len = strlen(word);
		unsigned int d;

		if (len > WORD_MAX)
			continue;
		d = distance(in, word, len);
		// A third of the letters may be wrong, but never all of them.
		if (d <= (len + 2) / 3 && d < len && (best == NULL || d < best_distance)) {
			best = word;
			best_distance = d;
		}
	}
	return best;
}

static int refuse(struct text in, const char *what, struct strbuf *why)
{
	value_quote(in, why);
	strbuf_puts(why, what);
	return -EINVAL;
}

static int normalize_bool(
	const struct schema_type *type, struct text in, struct strbuf *out, struct strbuf *why)
{
	if (!text_eq(in, "true") && !text_eq(in, "false"))
		return refuse(in, " is not a boolean, allowed: true, false", why);
	strbuf_puts(out, text_eq(in, "true") ? "1" : "0");
	return 0;
}

static const char *next_value(void *cursor)
{
	const struct schema_value **v = cursor;

	while ((*v)->name != NULL && (*v)->value == SCHEMA_NOT_IMPLEMENTED)
		(*v)++;
	return (*v)->name != NULL ? (*v)++->name : NULL;
}

static int normalize_enum(
	const struct schema_type *type, struct text in, struct strbuf *out, struct strbuf *why)
{
	const struct schema_value *cursor = type->values;
	const char *suggestion;

	for (const struct schema_value *v = type->values; v->name != NULL; v++) {
		if (!text_eq(in, v->name))
			continue;
		if (v->value == SCHEMA_NOT_IMPLEMENTED) {
			refuse(in, " is not implemented in this version, allowed: ", why);
			schema_describe(type, why);
			return -EINVAL;
		}
		strbuf_printf(out, "%d", v->value);
		return 0;
	}
	suggestion = value_suggest(in, next_value, &cursor);
	if (suggestion != NULL) {
		refuse(in, " is unknown, did you mean \"", why);
		strbuf_printf(why, "%s\"? allowed: ", suggestion);
	} else {
		refuse(in, " is unknown, allowed: ", why);
	}
	schema_describe(type, why);
	return -EINVAL;
}

static int normalize_key_id(
	const struct schema_type *type, struct text in, struct strbuf *out, struct strbuf *why)
{
	if (in.len != 1 || in.ptr[0] < 'a' || in.ptr[0] > 'z')
		return refuse(in, " is not a key id, allowed: one letter a..z", why);
	strbuf_printf(out, "%d", in.ptr[0]);
	return 0;
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_mark(char c)
{
	return c == '.' || c == '_' || c == '-';
}

bool value_is_name(struct text in)
{
	for (size_t i = 0; i < in.len; i++) {
		char c = in.ptr[i];

		if ((c >= 'A' && c <= 'Z') || (!is_alnum(c) && (i == 0 || !is_mark(c))))
			return false;
	}
	return in.len > 0 && in.len <= CONFIG_NAME_MAX;
}

// NULL, or what is wrong with it.
static const char *string_fault(const struct schema_type *type, struct text in)
{
	switch (type->kind) {
	case SCHEMA_NAME:
		if (!value_is_name(in))
			return " is not a name, allowed: ";
		break;
	case SCHEMA_PATH:
		if (in.ptr[0] != '/')
			return " is not an absolute path, allowed: \"/...\", ";
		break;
	case SCHEMA_IFNAME:
		for (size_t i = 0; i < in.len; i++) {
			if (!is_alnum(in.ptr[i]) && (i == 0 || !is_mark(in.ptr[i])))
				return " is not an interface name, allowed: letters, digits, '.', "
				       "'_', '-', ";
		}
		break;
	case SCHEMA_SIP_URI:
		// It goes between '<' and '>' of a From header field as it is.
		if (!(in.len > 4 && memcmp(in.ptr, "sip:", 4) == 0) &&
			!(in.len > 5 && memcmp(in.ptr, "sips:", 5) == 0))
			return " is not a SIP URI, allowed: \"sip:user@host\", ";
		for (size_t i = 0; i < in.len; i++) {
			if (strchr(" <>\"?,", in.ptr[i]) != NULL || in.ptr[i] >= 0x7f)
				return " is not a SIP URI, allowed: \"sip:user@host\", ";
		}
		break;
	default:
		break;
	}
	return NULL;
}

static int normalize_string(
	const struct schema_type *type, struct text in, struct strbuf *out, struct strbuf *why)
{
	const char *fault = NULL;

	for (size_t i = 0; i < in.len && fault == NULL; i++) {
		// Octets of UTF-8 are negative where char is signed.
		if ((unsigned char)in.ptr[i] < 0x20 || in.ptr[i] == 0x7f)
			fault = " has a control character, allowed: ";
	}
	if (in.len > type->max)
		fault = " is too long, allowed: ";
	if (in.len < type->min)
		fault = in.len == 0 ? " is empty, allowed: " : " is too short, allowed: ";
	if (fault == NULL && (in.ptr[0] == ' ' || in.ptr[in.len - 1] == ' '))
		fault = " has a space at its start or end, allowed: ";
	if (fault == NULL)
		fault = string_fault(type, in);
	if (fault != NULL) {
		refuse(in, fault, why);
		schema_describe(type, why);
		return -EINVAL;
	}
	value_emit_string(in, out);
	return 0;
}

int value_normalize(
	const struct schema_type *type, struct text in, struct strbuf *out, struct strbuf *why)
{
	switch (type->kind) {
	case SCHEMA_UINT:
	case SCHEMA_DURATION:
	case SCHEMA_SIZE:
	case SCHEMA_RATE:
	case SCHEMA_PERCENT:
		return value_normalize_number(type, in, out, why);
	case SCHEMA_BOOL:
		return normalize_bool(type, in, out, why);
	case SCHEMA_ENUM:
		return normalize_enum(type, in, out, why);
	case SCHEMA_KEY_ID:
		return normalize_key_id(type, in, out, why);
	case SCHEMA_NAME:
	case SCHEMA_STRING:
	case SCHEMA_PATH:
	case SCHEMA_IFNAME:
	case SCHEMA_SIP_URI:
		return normalize_string(type, in, out, why);
	case SCHEMA_ADDR:
		return value_normalize_addr(type, in, out, why);
	case SCHEMA_PREFIX:
	case SCHEMA_IFADDR:
		return value_normalize_prefix(type, in, out, why);
	case SCHEMA_SOCKET:
	case SCHEMA_LISTEN:
		return value_normalize_socket(type, in, out, why);
	case SCHEMA_CPUS:
	case SCHEMA_STATUSES:
		return value_normalize_list(type, in, out, why);
	case SCHEMA_MAPPING:
	case SCHEMA_SEQUENCE:
	case SCHEMA_RESERVED:
		break;
	}
	return refuse(in, " stands where no scalar is allowed", why);
}
