// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "parser/sip_msg.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUZZ_MAX 65535

// What libFuzzer calls, and tests/fuzz/replay.c for the seeds.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

// A message that is nothing but these octets and a line end, for the functions that take a value
// apart. Good until the next call.
static inline struct sip_msg fuzz_value(const uint8_t *data, size_t len)
{
	static char room[SIP_PAD + FUZZ_MAX + 2 + SIP_PAD];

	memcpy(room + SIP_PAD, data, len);
	memcpy(room + SIP_PAD + len, "\r\n", 2);
	return (struct sip_msg){.buf = room + SIP_PAD, .len = (uint32_t)len + 2};
}

static inline void fuzz_fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

#endif
