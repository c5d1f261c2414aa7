// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_TRACE_H
#define DATAPLANE_TRACE_H

#include "dataplane/worker.h"

// Copies of the messages that an operator asked for, to control. When nobody asked, all that
// workers pay is one look at `active`.
struct trace_filter {
	uint32_t active; // 0: off. Written last by housekeeping
	uint32_t seq; // odd: being written
	int64_t left; // copies still wanted, over all workers
	struct ipc_trace want;
};

static inline bool trace_is_on(const struct worker *w)
{
	return w->trace != NULL && __atomic_load_n(&w->trace->active, __ATOMIC_RELAXED) != 0;
}

// Housekeeping: a new wish. Its fields have been checked.
void trace_set(struct trace_filter *filter, const struct ipc_trace *want);

// A message was received and decided about: copy it if it matches, and remember that it did.
void trace_received(struct worker *w, struct pkt *pkt);
// A message that matched stands in the mbuf as it will be sent.
void trace_sent(struct worker *w, const struct pkt *pkt);

#endif
