// SPDX-License-Identifier: BSD-3-Clause
#ifndef BENCH_JUMPS_H
#define BENCH_JUMPS_H

#include <stdint.h>
#include <stdio.h>

// Which conditional jumps a processor would mispredict: single-stepped code (steps.h) runs past a
// simulated predictor of the TAGE kind, as large as those of today's processors. No counter of the
// processor's is needed, it says the same each time, and it says where. What it cannot know is a
// processor's own tricks: loop counters, statistical correctors. Indirect jumps count as history.
//
// Between steps_begin() and steps_end() only, one thread.

#define JUMPS_SHOWN 12 // by the benchmarks

// From here on: a new predictor, nothing counted.
void jumps_begin(void);
// What has been seen until now was for the predictor to learn.
void jumps_count(void);
// Let go. Returns how many were mispredicted since jumps_count(); prints the worst `most` of them
// to `to`, each divided by `nb` messages.
uint64_t jumps_end(FILE *to, unsigned int most, double nb);

#endif
