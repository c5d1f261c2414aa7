// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define FUZZ_MAX 65535

// What libFuzzer calls, and tests/fuzz/replay.c for the seeds.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static inline void fuzz_fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

#endif
