// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_OCTETS_H
#define DATAPLANE_OCTETS_H

#include <stdint.h>
#include <string.h>

#include "parser/load.h"

// Words in network byte order, at any address.

// Swaps octets. One instruction, where DPDK's way is three on some processors.
static inline uint16_t be16(uint16_t value)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap16(value);
#else
	return value;
#endif
}

static inline uint16_t load_be16(const char *p)
{
	return be16(load16(p));
}

static inline void store16(char *p, uint16_t value)
{
	memcpy(p, &value, sizeof(value));
}

static inline void store_be16(char *p, uint16_t value)
{
	store16(p, be16(value));
}

#endif
