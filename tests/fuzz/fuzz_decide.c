// SPDX-License-Identifier: BSD-3-Clause
// The whole decision under hostile input; oracle_check() says what must hold. The first octet of an
// input says who sends it where.
#include "tests/fuzz/fuzz.h"

#include <stdbool.h>

#include "tests/dispatch/oracle.h"

// The seeds carry tokens of the test cluster. When tokens change, make them anew: run the replay
// with FUZZ_DECIDE_SEEDS naming their folder.
static void write_seeds(const char *folder)
{
	const uint8_t *data;
	size_t len;

	for (unsigned int i = 0; (data = oracle_seed(i, &len)) != NULL; i++) {
		char name[4096];
		FILE *f;

		snprintf(name, sizeof(name), "%s/%02u", folder, i);
		f = fopen(name, "w");
		if (f == NULL || fwrite(data, 1, len, f) != len || fclose(f) != 0)
			fuzz_fail("cannot write the seeds");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static bool ready;
	const char *wrong;

	if (!ready) {
		oracle_init();
		ready = true;
		if (getenv("FUZZ_DECIDE_SEEDS") != NULL)
			write_seeds(getenv("FUZZ_DECIDE_SEEDS"));
	}
	wrong = oracle_check(data, len);
	if (wrong != NULL)
		fuzz_fail(wrong);
	return 0;
}
