// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_CKSUM_H
#define DATAPLANE_CKSUM_H

#include <stdint.h>
#include <string.h>

// The Internet checksum (RFC 1071) in pieces: sums are kept unfolded in 64 bits and in the byte
// order of memory, so nothing is swapped but the odd octets.

// The sum of octets that start at an even offset of what is summed.
static inline uint64_t cksum_add(uint64_t sum, const void *data, size_t len)
{
	const char *p = data;
	uint64_t low = 0, high = 0;

	// Halves of 32 bits into sums of 64: no carry to look after, and compilers vectorise it.
	for (; len >= 8; len -= 8, p += 8) {
		uint64_t word;

		memcpy(&word, p, 8);
		low += word & UINT32_MAX;
		high += word >> 32;
	}
	if (len > 0) {
		uint64_t word = 0;

		memcpy(&word, p, len);
		low += word & UINT32_MAX;
		high += word >> 32;
	}
	return sum + low + high;
}

static inline uint16_t cksum_fold(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

#endif
