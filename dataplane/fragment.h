// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_FRAGMENT_H
#define DATAPLANE_FRAGMENT_H

#include <stdint.h>

// IP fragmentation of what we send (RFC 791 section 2.3, RFC 8200 section 4.5). By copy: some ports
// take single-segment buffers only.

struct rte_mbuf;
struct rte_mempool;

// Fragments of one packet at most. Enough for the largest message over the least path MTU that we
// believe in (pmtu.h): an ICMP error that somebody made up must not stop a large message.
#define FRAGMENT_MAX 32

// Cut a contiguous packet (Ethernet header, IP header without options at l3) into fragments whose
// IP packets are at most mtu octets. The packet stays the caller's; the checksum of its UDP header
// must be final. Returns their number, all in `out`; -EINVAL (not IP, or an mtu below 68 and 1280),
// -EMSGSIZE (more than FRAGMENT_MAX), -ENOMEM (no buffer; nothing is left allocated).
int fragment_packet(const struct rte_mbuf *packet, uint16_t l3, uint16_t mtu, uint32_t id,
	struct rte_mempool *pool, struct rte_mbuf *out[FRAGMENT_MAX]);

#endif
