// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_EVENTS_H
#define DATAPLANE_EVENTS_H

#include "dataplane/worker.h"

// What a worker tells control, through its ring in shared memory. A full ring counts, never waits.

// A 2xx to REGISTER that goes back: the bindings that the registrar has now.
void event_binding(struct worker *w, const struct pkt *pkt);
// A response to one of control's probes.
void event_probe(struct worker *w, const struct pkt *pkt);
// A sample of the refused messages, no more than a few a second.
void event_reject(struct worker *w, const struct pkt *pkt);
// An ICMP message on its way to the kernel: if it is an error about a packet of ours to a backend,
// it is evidence (RFC 3261 section 18.4). Of pkt only the port counts that it came in on.
void event_icmp(
	struct worker *w, const struct pkt *pkt, const void *data, uint32_t len, uint8_t family);
// A next hop without a known Ethernet address.
void event_neighbour(struct worker *w, uint16_t port, const struct ip_addr *ip);

// A next hop that is a name, at most IPC_HOST_MAX octets.
void event_resolve(struct worker *w, struct strv host, uint16_t port);

#endif
