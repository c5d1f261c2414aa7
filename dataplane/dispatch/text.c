// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/text.h"

#include <string.h>

const uint64_t text_digits[16] = {1ULL << 32, 1ULL << 32, 1ULL << 32, (2ULL << 32) - 10, 2ULL << 32,
	2ULL << 32, (3ULL << 32) - 100, 3ULL << 32, 3ULL << 32, (4ULL << 32) - 1000, 4ULL << 32,
	4ULL << 32, 4ULL << 32, (5ULL << 32) - 10000, 5ULL << 32, 5ULL << 32};

char *text_u32(char *out, uint32_t value)
{
	char digits[10];
	unsigned int nb = 0;

	do {
		digits[nb++] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	while (nb > 0)
		*out++ = digits[--nb];
	return out;
}

#define DIGITS_1(n)                       \
	{                                 \
		'0' + (n) % 10, '.', 0, 0 \
	}
#define DIGITS_2(n)                                         \
	{                                                   \
		'0' + (n) / 10 % 10, '0' + (n) % 10, '.', 0 \
	}
#define DIGITS_3(n)                                                       \
	{                                                                 \
		'0' + (n) / 100, '0' + (n) / 10 % 10, '0' + (n) % 10, '.' \
	}
#define ROW(digits, n)                                                                       \
	digits((n) + 0), digits((n) + 1), digits((n) + 2), digits((n) + 3), digits((n) + 4), \
		digits((n) + 5), digits((n) + 6), digits((n) + 7), digits((n) + 8),          \
		digits((n) + 9)
#define ROWS_5(digits, n)                                                                    \
	ROW(digits, n), ROW(digits, (n) + 10), ROW(digits, (n) + 20), ROW(digits, (n) + 30), \
		ROW(digits, (n) + 40)

const char text_octets[260][4] = {ROW(DIGITS_1, 0), ROW(DIGITS_2, 10), ROW(DIGITS_2, 20),
	ROW(DIGITS_2, 30), ROW(DIGITS_2, 40), ROWS_5(DIGITS_2, 50), ROWS_5(DIGITS_3, 100),
	ROWS_5(DIGITS_3, 150), ROWS_5(DIGITS_3, 200), ROW(DIGITS_3, 250)};

static char *text_group(char *out, unsigned int group)
{
	static const char hex[] = "0123456789abcdef";

	if (group > 0xfff)
		*out++ = hex[group >> 12];
	if (group > 0xff)
		*out++ = hex[group >> 8 & 15];
	if (group > 0xf)
		*out++ = hex[group >> 4 & 15];
	*out++ = hex[group & 15];
	return out;
}

char *text_ipv6(char *out, const uint8_t octets[16])
{
	unsigned int groups[8], gap = 8, gap_len = 1;

	for (unsigned int i = 0; i < 8; i++)
		groups[i] = (unsigned int)octets[2 * i] << 8 | octets[2 * i + 1];
	// RFC 5952 section 4.2: the first longest run of at least two zero groups becomes "::".
	for (unsigned int i = 0; i < 8; i++) {
		unsigned int len = 0;

		while (i + len < 8 && groups[i + len] == 0)
			len++;
		if (len > gap_len) {
			gap = i;
			gap_len = len;
		}
		i += len;
	}
	for (unsigned int i = 0; i < 8; i++) {
		if (i == gap) {
			*out++ = ':';
			if (gap + gap_len == 8)
				*out++ = ':';
			i += gap_len - 1;
			continue;
		}
		if (i > 0)
			*out++ = ':';
		out = text_group(out, groups[i]);
	}
	return out;
}
