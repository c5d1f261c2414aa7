// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/text.h"

#include "control/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <wchar.h>

#define DURATION_MAX_MS (UINT64_C(365) * 24 * 3600 * 1000)

bool text_is_printable(uint32_t c)
{
	if (c < 0x7f)
		return c >= 0x20;
	// C1 controls, soft hyphen, and what reorders or hides text (CVE-2021-42574).
	if (c <= 0xa0 || c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
		(c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff)
		return false;
	return wcwidth((wchar_t)c) > 0;
}

static void escape_octet(FILE *out, char octet)
{
	switch (octet) {
	case '\r':
		fputs("\\r", out);
		break;
	case '\n':
		fputs("\\n", out);
		break;
	case '\t':
		fputs("\\t", out);
		break;
	case '\\':
		fputs("\\\\", out);
		break;
	default:
		fprintf(out, "\\x%02x", (unsigned int)(uint8_t)octet);
	}
}

void text_escape_octets(FILE *out, struct strv in)
{
	for (size_t i = 0; i < in.len; i++) {
		if (in.ptr[i] >= 0x20 && in.ptr[i] < 0x7f && in.ptr[i] != '\\')
			fputc(in.ptr[i], out);
		else
			escape_octet(out, in.ptr[i]);
	}
}

void text_escape(FILE *out, struct strv in)
{
	while (in.len > 0) {
		uint32_t c = 0;
		unsigned int len = utf8_decode(in, &c);

		if (len > 0 && c != '\\' && text_is_printable(c)) {
			fwrite(in.ptr, 1, len, out);
		} else {
			if (len == 0)
				len = 1;
			for (unsigned int i = 0; i < len; i++)
				escape_octet(out, in.ptr[i]);
		}
		in.ptr += len;
		in.len -= len;
	}
}

void text_say(const char *format, ...)
{
	char *text = NULL;
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0)
		return;
	text_escape(stdout, strv_from(text));
	putchar('\n');
	free(text);
}

char *text_escape_dup(struct strv in)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	text_escape(out, in);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

unsigned int text_width(const char *text)
{
	struct strv in = strv_from(text);
	unsigned int width = 0;

	while (in.len > 0) {
		uint32_t c = 0;
		unsigned int len = utf8_decode(in, &c);
		int columns = len > 1 ? wcwidth((wchar_t)c) : 1;

		width += columns > 0 ? (unsigned int)columns : 0;
		len += len == 0;
		in.ptr += len;
		in.len -= len;
	}
	return width;
}

json_t *text_json(struct strv in, bool *lossy)
{
	json_t *string = json_stringn_nocheck(in.len > 0 ? in.ptr : "", in.len);
	char *text = NULL;
	size_t size = 0;
	FILE *out;

	for (size_t i = 0; i < in.len;) {
		uint32_t c;
		unsigned int len = utf8_decode((struct strv){in.ptr + i, in.len - i}, &c);

		if (len == 0)
			goto replace;
		i += len;
	}
	return string;

replace:
	json_decref(string);
	if (lossy != NULL)
		*lossy = true;
	out = open_memstream(&text, &size);
	if (out == NULL)
		return NULL;
	while (in.len > 0) {
		uint32_t c;
		unsigned int len = utf8_decode(in, &c);

		if (len > 0)
			fwrite(in.ptr, 1, len, out);
		else
			fputs(UTF8_REPLACEMENT, out);
		len += len == 0;
		in.ptr += len;
		in.len -= len;
	}
	string = fclose(out) == 0 ? json_stringn_nocheck(text, size) : NULL;
	free(text);
	return string;
}

int text_duration_parse(const char *text, uint64_t *ms)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	uint64_t value = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		value = value * 10 + (uint64_t)(*p - '0');
		if (value > DURATION_MAX_MS)
			return -ERANGE;
	}
	if (p == text)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(p, units[i].name) != 0)
			continue;
		if (value > DURATION_MAX_MS / units[i].ms)
			return -ERANGE;
		*ms = value * units[i].ms;
		return 0;
	}
	return -EINVAL;
}

void text_duration_format(uint64_t s, char out[TEXT_DURATION_MAX])
{
	if (s < 60)
		snprintf(out, TEXT_DURATION_MAX, "%us", (unsigned int)s);
	else if (s < 3600)
		snprintf(out, TEXT_DURATION_MAX, "%um%02us", (unsigned int)(s / 60),
			(unsigned int)(s % 60));
	else if (s < 86400)
		snprintf(out, TEXT_DURATION_MAX, "%uh%02um", (unsigned int)(s / 3600),
			(unsigned int)(s % 3600 / 60));
	else if (s < UINT64_C(86400) * 100000)
		snprintf(out, TEXT_DURATION_MAX, "%ud%02uh", (unsigned int)(s / 86400),
			(unsigned int)(s % 86400 / 3600));
	else
		snprintf(out, TEXT_DURATION_MAX, "ages");
}

void text_time_format(uint64_t unix_ms, char out[TEXT_TIME_MAX])
{
	time_t seconds = (time_t)(unix_ms / 1000);
	char date[24];
	struct tm tm;

	if (unix_ms > UINT64_C(253402300799999) || gmtime_r(&seconds, &tm) == NULL ||
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) == 0) {
		snprintf(out, TEXT_TIME_MAX, "-");
		return;
	}
	snprintf(out, TEXT_TIME_MAX, "%s.%03uZ", date, (unsigned int)(unix_ms % 1000));
}

// Optimal string alignment; three rows are enough.
unsigned int text_distance(const char *a, const char *b)
{
	size_t len_a = strlen(a), len_b = strlen(b);
	unsigned int rows[3][64];
	unsigned int *before = rows[0], *above = rows[1], *row = rows[2];

	if (len_a > 63 || len_b > 63)
		return UINT32_MAX;
	for (size_t j = 0; j <= len_b; j++)
		above[j] = (unsigned int)j;
	for (size_t i = 1; i <= len_a; i++) {
		unsigned int *next = before;

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= len_b; j++) {
			unsigned int best = above[j - 1] + (a[i - 1] != b[j - 1]);

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
		before = above;
		above = row;
		row = next;
	}
	return above[len_b];
}

const char *text_suggest(const char *typed, const char *const *words)
{
	unsigned int best = 1 + (unsigned int)strlen(typed) / 3;
	const char *found = NULL;

	for (; *words != NULL; words++) {
		unsigned int distance = text_distance(typed, *words);
		size_t len = strlen(typed) < strlen(*words) ? strlen(typed) : strlen(*words);

		// "maintenance" for "maint", "reg" for "registration".
		if (len >= 3 && strncmp(typed, *words, len) == 0)
			distance = distance > 1 ? 1 : distance;
		if (distance < best || (distance == best && found == NULL)) {
			best = distance;
			found = *words;
		}
	}
	return found;
}
