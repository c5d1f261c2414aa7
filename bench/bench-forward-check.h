// SPDX-License-Identifier: BSD-3-Clause
#ifndef BENCH_FORWARD_CHECK_H
#define BENCH_FORWARD_CHECK_H

#include <rte_mbuf.h>

#include "bench/bench-forward-messages.h"

// Is what came out what should have come out? Everything is worked out again from the message that
// went in: who gets it, which header fields it has, that its tokens verify, that nothing else has
// changed, and the checksums.

struct forward_check {
	const struct snapshot *snap;
	const struct forward_set *set;
	bool cksum_offload; // the device would fill in the checksums
	uint16_t bound; // users are bound to so many backends, see lab_bind_users(); 0: not
	uint32_t every; // of so many messages one is looked at closely
	// What it has seen.
	uint64_t nb_messages; // complete, fragments put together
	uint64_t nb_checked;
	uint64_t nb_wrong;
	char why[160]; // of the first that was wrong
	// Its own.
	uint32_t *by_call_id; // open addressing: message index + 1
	uint32_t mask;
	uint32_t datagram_len; // of the fragments so far
	char *datagram;
};

void check_init(struct forward_check *check);
void check_fini(struct forward_check *check);
// One frame that was sent on `port`.
void check_frame(struct forward_check *check, const struct rte_mbuf *m, uint16_t port);

#endif
