// SPDX-License-Identifier: BSD-3-Clause
#ifndef PARSER_LOAD_H
#define PARSER_LOAD_H

#include <stdint.h>
#include <string.h>

// Words of octets from any address, in the machine's byte order.

static inline uint16_t load16(const void *p)
{
	uint16_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

static inline uint32_t load32(const void *p)
{
	uint32_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

static inline uint64_t load64(const void *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

#endif
