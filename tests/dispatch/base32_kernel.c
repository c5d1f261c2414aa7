// SPDX-License-Identifier: BSD-3-Clause
#include "tests/dispatch/base32_kernel.h"

#include "dataplane/dispatch/token_inline.h"

// The build gives these two their names. Groups are a constant wherever tokens are written or read.

#define FOR_EACH_COUNT(of) of(3) of(4) of(5) of(6) of(7)

void base32_put_kernel(char *out, const uint64_t *words, unsigned int groups)
{
#define PUT_GROUPS(n)      \
	if (groups == (n)) \
		put_groups(out, words, (n));
	FOR_EACH_COUNT(PUT_GROUPS)
}

bool base32_get_kernel(const char *in, uint64_t *words, unsigned int groups)
{
#define GET_GROUPS(n)      \
	if (groups == (n)) \
		return get_groups(in, words, (n));
	FOR_EACH_COUNT(GET_GROUPS)
	return false;
}
