// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_DISPATCH_BASE32_KERNEL_H
#define TESTS_DISPATCH_BASE32_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

// How tokens are written and read, compiled for each instruction set.
typedef void base32_put_fn(char *out, const uint64_t *words, unsigned int groups);
typedef bool base32_get_fn(const char *in, uint64_t *words, unsigned int groups);

base32_put_fn base32_put_generic, base32_put_avx2, base32_put_avx512;
base32_get_fn base32_get_generic, base32_get_avx2, base32_get_avx512;

#endif
