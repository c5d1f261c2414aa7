// SPDX-License-Identifier: BSD-3-Clause
#ifndef BENCH_STEPS_H
#define BENCH_STEPS_H

#include <stdbool.h>
#include <stdint.h>

// How many instructions the calling thread executes, counted by the processor's trap flag: one
// SIGTRAP each, microseconds. Unlike callgrind it runs whatever the processor has
// (AVX-512), and unlike perf it needs no counters, which virtual machines seldom have. What is
// counted runs slowly but does the same, as long as it does not look at the clock; the kernel's
// side of a system call is not counted, and an instruction with a repeat prefix is one.
//
// One thread at a time. SIGTRAP must not be blocked.

extern volatile uint64_t steps_counted;

// Not on other processors, nor where something else has the trap flag (valgrind, a debugger).
bool steps_available(void);
// From here on. Replaces the handler of SIGTRAP.
void steps_begin(void);
// Since steps_begin(); nothing between them is 0.
uint64_t steps_end(void);

// Call `observer` after each of these instructions, with where it is and where the next one is.
// NULL: no more. It runs in a signal handler.
void steps_observe(void (*observer)(uintptr_t at, uintptr_t next));

// For differences in between: two in a row are the two or three instructions of reading apart.
static inline uint64_t steps_now(void)
{
	return steps_counted;
}

#endif
