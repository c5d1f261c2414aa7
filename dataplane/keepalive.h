// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_KEEPALIVE_H
#define DATAPLANE_KEEPALIVE_H

#include "dataplane/worker.h"

// Is this datagram a keep-alive: CRLFs, NULs or nothing, or STUN (RFC 5626 sections 3.5 and 4.4)?
// Then it was answered or dropped, and the mbuf is gone.
bool keepalive_answered(struct worker *w, struct pkt *pkt);

#endif
