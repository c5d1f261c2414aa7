// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_FRAME_H
#define DATAPLANE_FRAME_H

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "dataplane/dispatch/addr.h"

// An Ethernet frame with an IP packet, taken apart as far as a worker needs it. Octets come from
// the wire: nothing is read beyond the mbuf's data, whatever a length field says.
struct frame {
	bool is_ip; // IPv4, or IPv6 whose first next header we know; else nothing below is set
	bool is_fragment;
	bool more; // fragments follow
	uint8_t family; // 4 or 6
	uint8_t proto; // of l4
	uint16_t l4_off; // in the frame; of a fragment, its part of the datagram
	uint32_t l4_len;
	uint32_t frag_off; // octets
	uint32_t frag_id; // as on the wire
	struct ip_addr src, dst;
};

// Take it apart and cut off what stands behind the IP packet (Ethernet padding). The mbuf has one
// segment. Return 0, or -EBADMSG when IP header and length contradict each other.
int frame_parse(struct rte_mbuf *m, struct frame *f);

static inline bool frame_is_to(const struct rte_mbuf *m, const struct rte_ether_addr *mac)
{
	return rte_is_same_ether_addr(
		&rte_pktmbuf_mtod(m, const struct rte_ether_hdr *)->dst_addr, mac);
}

// Of an IPv4 frame that frame_parse() took.
bool frame_ip_checksum_ok(const struct rte_mbuf *m);
// Of the UDP datagram at f->l4_off. Zero is "none" in IPv4 and forbidden in IPv6 (RFC 8200 8.1).
bool frame_udp_checksum_ok(const struct rte_mbuf *m, const struct frame *f, uint32_t udp_len);

#endif
