// SPDX-License-Identifier: BSD-3-Clause
#include "bench/bench-forward-frames.h"

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include <stdlib.h>

struct fragment_header { // RFC 8200 section 4.5
	uint8_t next_header, reserved;
	rte_be16_t offset;
	rte_be32_t id;
} __rte_packed;

void frame_port_mac(uint8_t port, uint8_t mac[6])
{
	memcpy(mac, (const uint8_t[]){2, 0, 0, 0, 1, port}, 6);
}

void frame_peer_mac(uint8_t port, uint8_t mac[6])
{
	memcpy(mac, (const uint8_t[]){2, 0, 0, 0, 2, port}, 6);
}

// Octets of a datagram that one fragment carries.
static uint32_t fragment_room(bool v6)
{
	return v6 ? (FRAME_MTU - 48) & ~7u : (FRAME_MTU - 20) & ~7u;
}

uint32_t frames_count(uint32_t len, bool v6, bool fragments)
{
	uint32_t udp_len = len + (uint32_t)sizeof(struct rte_udp_hdr);

	if (!fragments || udp_len + (v6 ? 40 : 20) <= FRAME_MTU)
		return 1;
	return (udp_len + fragment_room(v6) - 1) / fragment_room(v6);
}

static char *put_ipv4(const struct frame_flow *flow, uint32_t len, uint32_t off, bool more, char *p)
{
	struct rte_ipv4_hdr ip = {
		.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16((uint16_t)(sizeof(ip) + len)),
		.packet_id = rte_cpu_to_be_16(flow->id),
		.fragment_offset =
			rte_cpu_to_be_16((uint16_t)(off / 8 | (more ? RTE_IPV4_HDR_MF_FLAG : 0))),
		.time_to_live = 61,
		.next_proto_id = IPPROTO_UDP,
	};

	memcpy(&ip.src_addr, flow->source.ip.octets, 4);
	memcpy(&ip.dst_addr, flow->to.ip.octets, 4);
	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	return (char *)mempcpy(p, &ip, sizeof(ip));
}

static char *put_ipv6(const struct frame_flow *flow, uint32_t len,
	const struct fragment_header *fragment, char *p)
{
	struct rte_ipv6_hdr ip = {
		.vtc_flow = RTE_BE32(6u << 28),
		.payload_len = rte_cpu_to_be_16(
			(uint16_t)(len + (fragment != NULL ? sizeof(*fragment) : 0))),
		.proto = fragment != NULL ? IPPROTO_FRAGMENT : IPPROTO_UDP,
		.hop_limits = 61,
	};

	memcpy(&ip.src_addr, flow->source.ip.octets, 16);
	memcpy(&ip.dst_addr, flow->to.ip.octets, 16);
	p = (char *)mempcpy(p, &ip, sizeof(ip));
	return fragment == NULL ? p : (char *)mempcpy(p, fragment, sizeof(*fragment));
}

// The UDP datagram, with its checksum.
static uint32_t put_datagram(
	const struct frame_flow *flow, const struct forward_message *m, char *out)
{
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)out;
	uint32_t len = m->len + (uint32_t)sizeof(*udp);
	char pseudo[sizeof(struct rte_ipv6_hdr)];

	udp->src_port = rte_cpu_to_be_16(flow->source.port);
	udp->dst_port = rte_cpu_to_be_16(flow->to.port);
	udp->dgram_len = rte_cpu_to_be_16((uint16_t)len);
	udp->dgram_cksum = 0;
	memcpy(udp + 1, m->sip, m->len);
	if (flow->to.ip.family == 4) {
		put_ipv4(flow, len, 0, false, pseudo);
		udp->dgram_cksum = rte_ipv4_udptcp_cksum((const struct rte_ipv4_hdr *)pseudo, udp);
	} else {
		put_ipv6(flow, len, NULL, pseudo);
		udp->dgram_cksum = rte_ipv6_udptcp_cksum((const struct rte_ipv6_hdr *)pseudo, udp);
	}
	return len;
}

uint16_t frame_build(
	const struct frame_flow *flow, const struct forward_message *m, int fragment, char *out)
{
	static char datagram[UINT16_MAX] __rte_aligned(8);
	struct rte_ether_hdr *ether = (struct rte_ether_hdr *)out;
	bool v6 = flow->to.ip.family == 6;
	uint32_t len = put_datagram(flow, m, datagram), off = 0;
	struct fragment_header header = {.next_header = IPPROTO_UDP};
	bool more = false;
	char *p = (char *)(ether + 1);

	if (fragment >= 0) {
		off = (uint32_t)fragment * fragment_room(v6);
		more = len - off > fragment_room(v6);
		len = more ? fragment_room(v6) : len - off;
		header.offset = rte_cpu_to_be_16((uint16_t)(off | more));
		header.id = rte_cpu_to_be_32(flow->id);
	}
	frame_port_mac(m->port, ether->dst_addr.addr_bytes);
	frame_peer_mac(m->port, ether->src_addr.addr_bytes);
	ether->ether_type = v6 ? RTE_BE16(RTE_ETHER_TYPE_IPV6) : RTE_BE16(RTE_ETHER_TYPE_IPV4);
	p = v6 ? put_ipv6(flow, len, fragment >= 0 ? &header : NULL, p)
	       : put_ipv4(flow, len, off, more, p);
	p = (char *)mempcpy(p, datagram + off, len);
	return (uint16_t)(p - out);
}
