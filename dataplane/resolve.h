// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_RESOLVE_H
#define DATAPLANE_RESOLVE_H

#include "dataplane/worker.h"

// Messages whose next hop is a name wait here while control resolves it: few, and not for long.

#define RESOLVE_PACKETS 64 // per worker
#define RESOLVE_MS 2000

struct resolve_queue *resolve_queue_create(void);
// Frees what still waits.
void resolve_queue_destroy(struct resolve_queue *queue);

// decide() wants the name pkt->decision.resolve_host: look it up. Returns true when it is known,
// and pkt->resolved says where it leads (family 0: nowhere). Else the mbuf was taken over.
bool resolve_name(struct worker *w, struct pkt *pkt);

// Put messages whose name is known by now, or that waited long enough, back into the slots for the
// parse stage. Once a turn, when no burst is under way. Returns how many, in w->pkts.
uint16_t resolve_retry(struct worker *w);

#endif
