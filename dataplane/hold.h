// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_HOLD_H
#define DATAPLANE_HOLD_H

#include "dataplane/next_hop.h"

// Packets whose next hop has no known Ethernet address wait here, a few per next hop and not for
// long, while control has the kernel resolve it.

#define HOLD_HOPS 64 // next hops waited for at once, per worker
#define HOLD_PACKETS 8 // ... packets for each
#define HOLD_MS 1500

struct hold_queue *hold_queue_create(void);
// Frees what still waits.
void hold_queue_destroy(struct hold_queue *queue);

// Keep an IP packet of a service until its next hop is known. Takes the mbuf over.
void hold_add(struct worker *w, struct rte_mbuf *m, const struct ip_addr *to,
	const struct next_hop *hop, uint16_t service);
// Send what can be sent now, give up what waited too long. Once a turn.
void hold_retry(struct worker *w);
// Packets that wait.
uint32_t hold_count(const struct hold_queue *queue);

#endif
