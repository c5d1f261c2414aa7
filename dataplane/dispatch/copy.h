// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_COPY_H
#define DISPATCH_COPY_H

#include <stdint.h>
#include <string.h>

// Copies by whole vectors: no jump depends on the exact length, which a predictor cannot know.

#define COPY_BLOCK 32

// Copy in[0 .. len) and return the end of the copy. Reads and writes up to COPY_BLOCK octets beyond
// len, so messages need their padding and targets room; the two do not overlap.
static inline char *copy_wide(char *out, const char *in, uint32_t len)
{
	uint32_t i = 0;

	do
		memcpy(out + i, in + i, COPY_BLOCK);
	while ((i += COPY_BLOCK) < len);
	return out + len;
}

#endif
