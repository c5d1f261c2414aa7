// SPDX-License-Identifier: BSD-3-Clause
// A datagram: every kernel must say what the octet-by-octet reference says, against guard pages and
// whatever the padding holds, and everything that can be asked of the result must be inside.
#include "tests/fuzz/fuzz.h"
#include "tests/parser/same.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *what;

	if (len > FUZZ_MAX)
		return 0;
	what = kernels_differ(data, len);
	if (what != NULL)
		fuzz_fail(what);
	return 0;
}
