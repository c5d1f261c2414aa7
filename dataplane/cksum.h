// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_CKSUM_H
#define DATAPLANE_CKSUM_H

#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

// The Internet checksum (RFC 1071) in pieces: sums are kept unfolded in 64 bits and in the byte
// order of memory, so nothing is swapped but the odd octets.

// The sum of the whole 64-octet blocks at the front of data; *done says how many octets they are.
static inline uint64_t cksum_blocks(const char *p, size_t len, size_t *done)
{
	uint64_t sum = 0;
	size_t off = 0;

#ifdef __SSE2__
	const __m128i zero = _mm_setzero_si128();
	__m128i low = zero, high = zero;
	uint64_t halves[2];

	// Words of 32 bits into sums of 64: no carry to look after.
	for (; len - off >= 64; off += 64) {
		for (size_t i = 0; i < 64; i += 16) {
			__m128i octets = _mm_loadu_si128((const __m128i *)(p + off + i));

			low = _mm_add_epi64(low, _mm_unpacklo_epi32(octets, zero));
			high = _mm_add_epi64(high, _mm_unpackhi_epi32(octets, zero));
		}
	}
	_mm_storeu_si128((__m128i *)halves, _mm_add_epi64(low, high));
	sum = halves[0] + halves[1];
#endif
	*done = off;
	return sum;
}

// The sum of octets that start at an even offset of what is summed.
static inline uint64_t cksum_add(uint64_t sum, const void *data, size_t len)
{
	const char *p = data;
	size_t done;

	sum += cksum_blocks(p, len, &done);
	p += done;
	len -= done;
	for (; len >= 8; len -= 8, p += 8) {
		uint64_t word;

		memcpy(&word, p, 8);
		sum += (word & UINT32_MAX) + (word >> 32);
	}
	if (len > 0) {
		uint64_t word = 0;

		memcpy(&word, p, len);
		sum += (word & UINT32_MAX) + (word >> 32);
	}
	return sum;
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
