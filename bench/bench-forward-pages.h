// SPDX-License-Identifier: BSD-3-Clause
#ifndef BENCH_FORWARD_PAGES_H
#define BENCH_FORWARD_PAGES_H

#include <stdbool.h>

// Huge pages of 2 MB for the time that the benchmark runs. Production has them.

// See that so many are free on the node of `cpu`: what is missing is reserved, if we may. What was
// added is given back when the program ends, however it ends. Returns whether they are there.
// Call it before there are threads.
bool pages_reserve(unsigned int cpu, long nb);
// The share of the mapping around `memory` that is in huge pages of the kernel's own, of what has
// been touched: 0 to 1.
double pages_huge_share(const void *memory);

#endif
