// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_COPY_H
#define DISPATCH_COPY_H

#include <stdint.h>
#include <string.h>
#ifdef __AVX512F__
#include <immintrin.h>
#endif

// Copies by whole vectors: no jump depends on the exact length, which a predictor cannot know.

#define COPY_SLACK 64

#ifdef __AVX512F__
#define COPY_BLOCK 64 // octets at once

static inline void copy_block(char *out, const char *in)
{
	_mm512_storeu_si512(out, _mm512_loadu_si512(in));
}
#else
#define COPY_BLOCK 32

static inline void copy_block(char *out, const char *in)
{
	memcpy(out, in, COPY_BLOCK);
}
#endif

// Copy in[0 .. len) and return the end of the copy. Reads and writes up to COPY_SLACK octets beyond
// len, so messages need their padding (SIP_PAD) and targets room; the two do not overlap.
static inline char *copy_wide(char *out, const char *in, uint32_t len)
{
	uint32_t i = 0;

	do
		copy_block(out + i, in + i);
	while ((i += COPY_BLOCK) < len);
	return out + len;
}

// The same without any jump on the length up to `most`, a constant: blocks that are too many copy
// the last octets again.
static inline char *copy_upto(char *out, const char *in, uint32_t len, uint32_t most)
{
	uint32_t last = len > COPY_BLOCK ? len - COPY_BLOCK : 0;

	if (__builtin_expect(len > most, 0))
		return copy_wide(out, in, len);
	for (uint32_t i = 0; i < most - COPY_BLOCK; i += COPY_BLOCK)
		copy_block(out + (i < last ? i : last), in + (i < last ? i : last));
	copy_block(out + last, in + last);
	return out + len;
}

// Move in[0 .. len), which may overlap out, without any jump on the length from COPY_BLOCK to
// `most`, a constant. Touches nothing beyond len.
#ifdef __AVX512F__
static inline void move_upto(char *out, const char *in, uint32_t len, uint32_t most)
{
	uint32_t last = len - COPY_BLOCK;
	__m512i blocks[8];

	if (__builtin_expect(len < COPY_BLOCK || len > most, 0)) {
		memmove(out, in, len);
		return;
	}
	for (uint32_t i = 0; i < most / COPY_BLOCK; i++)
		blocks[i] =
			_mm512_loadu_si512(in + (COPY_BLOCK * i < last ? COPY_BLOCK * i : last));
	for (uint32_t i = 0; i < most / COPY_BLOCK; i++)
		_mm512_storeu_si512(
			out + (COPY_BLOCK * i < last ? COPY_BLOCK * i : last), blocks[i]);
}
#else
static inline void move_upto(char *out, const char *in, uint32_t len, uint32_t most)
{
	(void)most;
	memmove(out, in, len);
}
#endif

#endif
