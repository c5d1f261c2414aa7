// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/text.h"

#include <string.h>

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

char *text_u16(char *out, uint16_t value)
{
	// All five digits at once, then as many as there are: no loop over the digits.
	uint32_t high = value / 100u, low = value - high * 100;
	uint32_t top = high / 100;
	unsigned int nb = 1 + (value > 9) + (value > 99) + (value > 999) + (value > 9999);
	char digits[16] = {0};

	high -= top * 100;
	digits[0] = (char)('0' + top);
	digits[1] = (char)('0' + high / 10);
	digits[2] = (char)('0' + high % 10);
	digits[3] = (char)('0' + low / 10);
	digits[4] = (char)('0' + low % 10);
	memcpy(out, digits + 5 - nb, 8);
	return out + nb;
}

static char *text_octet(char *out, uint8_t value)
{
	unsigned int nb = 1 + (value > 9) + (value > 99);
	uint32_t digits =
		('0' + value / 100u) | ('0' + value / 10u % 10) << 8 | ('0' + value % 10u) << 16;

	digits >>= 8 * (3 - nb);
	memcpy(out, &digits, 4);
	return out + nb;
}

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

static char *text_ipv6(char *out, const uint8_t octets[16])
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

char *text_ip(char *out, const struct ip_addr *ip)
{
	if (ip->family == 6)
		return text_ipv6(out, ip->octets);
	for (unsigned int i = 0; i < 4; i++) {
		out = text_octet(out, ip->octets[i]);
		*out = '.';
		out += i < 3;
	}
	return out;
}
