// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_KEEPALIVE_H
#define DATAPLANE_KEEPALIVE_H

#include "dataplane/worker.h"

// Can this datagram be one at all? No SIP message starts below 0x20 but for CRLFs; STUN does, with
// two zero bits.
static inline bool keepalive_possible(const struct rte_mbuf *m)
{
	return m->data_len == 0 || *rte_pktmbuf_mtod(m, const unsigned char *) < 0x20;
}

// Is it a keep-alive: CRLFs, NULs or nothing, or STUN (RFC 5626 sections 3.5 and 4.4)? Then it was
// answered or dropped, and the mbuf is gone.
bool keepalive_answered(struct worker *w, struct pkt *pkt);

#endif
