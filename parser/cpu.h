// SPDX-License-Identifier: BSD-3-Clause
#ifndef PARSER_CPU_H
#define PARSER_CPU_H

#include <stdbool.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

// The sets of instructions that code of the hot path is compiled for: whether this processor has
// all that the compiler may use then. May leave a virtual machine (CPUID): ask once.

#if defined(__x86_64__)
// Not every compiler's __builtin_cpu_supports() knows it.
static inline bool cpu_has_lzcnt(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid(0x80000001, &a, &b, &c, &d) && (c >> 5 & 1);
}

// With BMI1, BMI2, LZCNT and POPCNT.
static inline bool cpu_has_avx2(void)
{
	__builtin_cpu_init();
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
		__builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt") &&
		cpu_has_lzcnt();
}

// F, BW, DQ, VL, VBMI and VBMI2, and all of the above.
static inline bool cpu_has_avx512(void)
{
	return cpu_has_avx2() && __builtin_cpu_supports("avx512f") &&
		__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
		__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") &&
		__builtin_cpu_supports("avx512vbmi2");
}
#endif

#endif
