// SPDX-License-Identifier: BSD-3-Clause
#include "control/utf8.h"

unsigned int utf8_decode(struct strv in, uint32_t *character)
{
	static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned int len;
	uint32_t c;

	if (in.len == 0)
		return 0;
	c = (uint8_t)in.ptr[0];
	if (c < 0x80) {
		*character = c;
		return 1;
	}
	if (c < 0xc2 || c > 0xf4)
		return 0;
	len = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	if (in.len < len)
		return 0;
	c &= 0x7f >> len;
	for (unsigned int i = 1; i < len; i++) {
		uint8_t octet = (uint8_t)in.ptr[i];

		if ((octet & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (octet & 0x3f);
	}
	// RFC 3629 section 3: the shortest form only, no surrogates.
	if (c < lowest[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*character = c;
	return len;
}
