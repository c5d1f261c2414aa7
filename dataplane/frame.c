// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/frame.h"

#include "dataplane/cksum.h"

#include <rte_ip.h>
#include <rte_udp.h>

#include <errno.h>

#define ETHER_LEN ((uint16_t)RTE_ETHER_HDR_LEN)

struct ipv6_fragment { // RFC 8200 section 4.5
	uint8_t next_header, reserved;
	rte_be16_t offset; // 13 bits of 8 octets, 2 reserved, M
	rte_be32_t id;
} __rte_packed;

static struct ip_addr addr_v4(rte_be32_t address)
{
	struct ip_addr ip = {.family = 4};

	memcpy(ip.octets, &address, sizeof(address));
	return ip;
}

static struct ip_addr addr_v6(const uint8_t *address)
{
	struct ip_addr ip = {.family = 6};

	memcpy(ip.octets, address, sizeof(ip.octets));
	return ip;
}

// Headers are copied before they are read: a frame may begin at any address (one that we rewrote
// does), and DPDK 24.11 aligns their structs.
static int parse_v4(struct rte_mbuf *m, struct frame *f)
{
	uint32_t len = m->data_len - ETHER_LEN;
	uint32_t header_len, total_len;
	struct rte_ipv4_hdr ip;
	uint16_t fragment;

	if (len < sizeof(ip))
		return -EBADMSG;
	memcpy(&ip, rte_pktmbuf_mtod_offset(m, const char *, ETHER_LEN), sizeof(ip));
	header_len = (uint32_t)(ip.version_ihl & 0xf) * 4;
	total_len = rte_be_to_cpu_16(ip.total_length);
	if (ip.version_ihl >> 4 != 4 || header_len < sizeof(ip) || total_len < header_len ||
		total_len > len)
		return -EBADMSG;
	rte_pktmbuf_trim(m, (uint16_t)(len - total_len));

	fragment = rte_be_to_cpu_16(ip.fragment_offset);
	f->is_ip = true;
	f->family = 4;
	f->proto = ip.next_proto_id;
	f->l4_off = (uint16_t)(ETHER_LEN + header_len);
	f->l4_len = total_len - header_len;
	f->frag_off = (uint32_t)(fragment & RTE_IPV4_HDR_OFFSET_MASK) * 8;
	f->more = fragment & RTE_IPV4_HDR_MF_FLAG;
	f->is_fragment = f->more || f->frag_off != 0;
	f->frag_id = ip.packet_id;
	f->src = addr_v4(ip.src_addr);
	f->dst = addr_v4(ip.dst_addr);
	return 0;
}

static int parse_v6(struct rte_mbuf *m, struct frame *f)
{
	const char *p = rte_pktmbuf_mtod_offset(m, const char *, ETHER_LEN);
	uint32_t len = m->data_len - ETHER_LEN;
	struct ipv6_fragment fragment;
	struct rte_ipv6_hdr ip;
	uint32_t payload_len;

	if (len < sizeof(ip))
		return -EBADMSG;
	memcpy(&ip, p, sizeof(ip));
	payload_len = rte_be_to_cpu_16(ip.payload_len);
	if ((ip.vtc_flow & RTE_BE32(0xf0000000)) != RTE_BE32(6u << 28) ||
		payload_len > len - sizeof(ip))
		return -EBADMSG;
	rte_pktmbuf_trim(m, (uint16_t)(len - sizeof(ip) - payload_len));

	f->is_ip = true;
	f->family = 6;
	f->proto = ip.proto;
	f->l4_off = ETHER_LEN + sizeof(ip);
	f->l4_len = payload_len;
	f->src = addr_v6((const uint8_t *)&ip.src_addr);
	f->dst = addr_v6((const uint8_t *)&ip.dst_addr);
	if (ip.proto != IPPROTO_FRAGMENT)
		return 0; // other extension headers are the kernel's
	if (payload_len < sizeof(fragment))
		return -EBADMSG;
	memcpy(&fragment, p + sizeof(ip), sizeof(fragment));
	f->proto = fragment.next_header;
	f->l4_off += sizeof(fragment);
	f->l4_len -= (uint32_t)sizeof(fragment);
	f->frag_off = rte_be_to_cpu_16(fragment.offset) & 0xfff8u;
	f->more = rte_be_to_cpu_16(fragment.offset) & 1;
	// Even an "atomic" fragment (RFC 6946) goes through reassembly, which knows how to undo it.
	f->is_fragment = true;
	f->frag_id = fragment.id;
	return 0;
}

int frame_parse(struct rte_mbuf *m, struct frame *f)
{
	rte_be16_t type;

	*f = (struct frame){0};
	if (m->data_len < ETHER_LEN)
		return -EBADMSG;
	memcpy(&type, rte_pktmbuf_mtod_offset(m, const char *, 2 * RTE_ETHER_ADDR_LEN),
		sizeof(type));
	switch (type) {
	case RTE_BE16(RTE_ETHER_TYPE_IPV4):
		return parse_v4(m, f);
	case RTE_BE16(RTE_ETHER_TYPE_IPV6):
		return parse_v6(m, f);
	default:
		return 0;
	}
}

bool frame_ip_checksum_ok(const struct rte_mbuf *m)
{
	const char *ip = rte_pktmbuf_mtod_offset(m, const char *, ETHER_LEN);

	return cksum_fold(cksum_add(0, ip, (size_t)(*ip & 0xf) * 4)) == 0xffff;
}

bool frame_udp_checksum_ok(const struct rte_mbuf *m, const struct frame *f, uint32_t udp_len)
{
	const char *udp = rte_pktmbuf_mtod_offset(m, const char *, f->l4_off);
	size_t addr_len = f->family == 4 ? 4 : 16;
	rte_be16_t cksum;
	uint64_t sum;

	memcpy(&cksum, udp + offsetof(struct rte_udp_hdr, dgram_cksum), sizeof(cksum));
	if (cksum == 0)
		return f->family == 4;
	sum = cksum_add(0, f->src.octets, addr_len) + cksum_add(0, f->dst.octets, addr_len);
	sum += rte_cpu_to_be_16((uint16_t)udp_len) + rte_cpu_to_be_16(IPPROTO_UDP);
	return cksum_fold(cksum_add(sum, udp, udp_len)) == 0xffff;
}
