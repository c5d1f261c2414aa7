// SPDX-License-Identifier: BSD-3-Clause
#ifndef BENCH_FORWARD_LAB_H
#define BENCH_FORWARD_LAB_H

#include "bench/bench-forward-messages.h"
#include "dataplane/dataplane.h"

// The production worker on two in-memory ports. Frames wait in mbufs that were filled before the
// clock starts; the port's receive callback hands them over in bursts, and what the worker sends
// stays in the port's ring until the clock has stopped. So neither filling nor freeing is measured,
// neither for the worker nor for the floor.

// What a service is like in a case.
struct lab_service {
	uint16_t nb_backends;
	uint8_t flags; // enum service_flags
	bool v6;
};

struct lab_feed { // of one port
	struct rte_mbuf **mbufs;
	uint32_t nb, next;
	struct lab *lab;
};

struct lab {
	struct dataplane dp;
	struct worker *w;
	struct rte_ring *tx_rings[FORWARD_PORTS];
	struct lab_feed feeds[FORWARD_PORTS];
	struct rte_mempool *jumbo; // for messages that need no fragments at any length
	uint32_t left; // frames of this pass that have not been received yet
	uint32_t nb; // ... that it began with
	uint64_t pace_start, pace_cycles; // TSC of the first, and from one to the next; 0: at once
	bool hugepages; // of EAL: wanted, from lab_start() on whether it has them
};

#define LAB_FRAMES_MAX 32768
#define LAB_TXN_ENTRIES (UINT32_C(1) << 18) // as control has it
#define LAB_BINDINGS 1000000

// Start EAL on `cpu`, ports and one worker. Ends the program when something fails.
void lab_start(struct lab *lab, unsigned int cpu);
void lab_stop(struct lab *lab);
// A table of one million users, the i-th bound to the backend i modulo how many `published` has.
struct binding_table *lab_bind_users(struct lab *lab, const struct published *published);

struct published *lab_publish(const struct lab_service *service);

// Load the frames of a set; `cksum_good`: the device has checked them.
void lab_fill(struct lab *lab, const struct forward_set *set, bool cksum_good);
// Run the worker's loop (or a floor) until all of them are through; the TSC cycles it took.
uint64_t lab_run(struct lab *lab);
uint64_t lab_run_macswap(struct lab *lab);
// How long it takes to record a burst in the latency histogram, clock included; nanoseconds.
double lab_record_ns(struct lab *lab);
// The same as lab_run(), stage by stage.
enum lab_stage {
	LAB_RX,
	LAB_CLASSIFY,
	LAB_REASSEMBLE,
	LAB_PARSE,
	LAB_DECIDE,
	LAB_REWRITE,
	LAB_TX,
	LAB_STAGES,
	// Only where instructions are counted; in time, receiving is one stage.
	LAB_RX_TAKE = LAB_STAGES,
	LAB_RECORD,
	LAB_COUNTED
};
const char *lab_stage_name(enum lab_stage stage);
void lab_run_stages(struct lab *lab, uint64_t cycles[LAB_STAGES]);

// Instructions instead of time: of some turns of a run, the others are there to keep the caches and
// tables as they are in production.
struct lab_counts {
	uint64_t all, nb_all; // of whole turns, and the frames in them
	uint64_t stages[LAB_COUNTED], nb_stages; // of turns that went by stages
};
void lab_run_counted(struct lab *lab, struct lab_counts *counts);

// The same, to see which jumps are mispredicted (jumps.h): turns are single-stepped, all of them,
// those of the first `learn` messages for the predictor only. Returns how many messages came after
// them.
uint64_t lab_run_watched(struct lab *lab, uint64_t learn);

// What was sent on a port, oldest first; the caller frees it. Returns how many.
uint32_t lab_sent(struct lab *lab, uint16_t port, struct rte_mbuf **mbufs, uint32_t max);
// What went to the kernel twin is let go of; returns how many.
uint32_t lab_drain(struct lab *lab);

#endif
