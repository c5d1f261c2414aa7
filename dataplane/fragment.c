// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/fragment.h"

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#include <errno.h>

#define IPV4_MTU_MIN 68
#define IPV6_MTU_MIN 1280

// How one packet is cut.
struct cut {
	const char *packet; // at its Ethernet header
	uint16_t l3;
	uint8_t version;
	uint16_t l3_len; // IP header of the packet
	uint16_t header_len; // IP header of a fragment, Fragment header included
	uint32_t payload; // octets after the IP header
	uint16_t chunk; // octets of payload in all fragments but the last
	uint32_t id;
};

static int plan_cut(const struct rte_mbuf *packet, uint16_t mtu, struct cut *cut)
{
	const char *ip = cut->packet + cut->l3;

	cut->version = (uint8_t)*ip >> 4;
	cut->l3_len = cut->version == 4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);
	cut->header_len = cut->l3_len;
	if (cut->version == 6)
		cut->header_len += sizeof(struct rte_ipv6_fragment_ext);
	if ((cut->version != 4 && cut->version != 6) ||
		mtu < (cut->version == 4 ? IPV4_MTU_MIN : IPV6_MTU_MIN) ||
		packet->data_len < cut->l3 + cut->l3_len)
		return -EINVAL;
	cut->payload = packet->data_len - cut->l3 - cut->l3_len;
	cut->chunk = (uint16_t)((mtu - cut->header_len) & ~7);
	return 0;
}

static void write_ipv4(const struct cut *cut, char *out, uint16_t off, uint16_t len, bool more)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)out;

	memcpy(ip, cut->packet + cut->l3, sizeof(*ip));
	ip->total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + len));
	ip->packet_id = rte_cpu_to_be_16((uint16_t)cut->id);
	ip->fragment_offset =
		rte_cpu_to_be_16((uint16_t)(off / 8 | (more ? RTE_IPV4_HDR_MF_FLAG : 0)));
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

static void write_ipv6(const struct cut *cut, char *out, uint16_t off, uint16_t len, bool more)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)out;
	struct rte_ipv6_fragment_ext *ext = (struct rte_ipv6_fragment_ext *)(ip + 1);

	memcpy(ip, cut->packet + cut->l3, sizeof(*ip));
	*ext = (struct rte_ipv6_fragment_ext){.next_header = ip->proto,
		.frag_data = rte_cpu_to_be_16(RTE_IPV6_SET_FRAG_DATA(off, more)),
		.id = rte_cpu_to_be_32(cut->id)};
	ip->proto = IPPROTO_FRAGMENT;
	ip->payload_len = rte_cpu_to_be_16((uint16_t)(sizeof(*ext) + len));
}

static struct rte_mbuf *make_fragment(const struct cut *cut, uint32_t off, struct rte_mempool *pool)
{
	uint16_t len = (uint16_t)RTE_MIN(cut->payload - off, cut->chunk);
	bool more = off + len < cut->payload;
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	char *out;

	if (m == NULL)
		return NULL;
	out = rte_pktmbuf_append(m, (uint16_t)(cut->l3 + cut->header_len + len));
	if (out == NULL) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	memcpy(out, cut->packet, cut->l3);
	if (cut->version == 4)
		write_ipv4(cut, out + cut->l3, (uint16_t)off, len, more);
	else
		write_ipv6(cut, out + cut->l3, (uint16_t)off, len, more);
	memcpy(out + cut->l3 + cut->header_len, cut->packet + cut->l3 + cut->l3_len + off, len);
	return m;
}

int fragment_packet(const struct rte_mbuf *packet, uint16_t l3, uint16_t mtu, uint32_t id,
	struct rte_mempool *pool, struct rte_mbuf *out[FRAGMENT_MAX])
{
	struct cut cut = {.packet = rte_pktmbuf_mtod(packet, const char *), .l3 = l3, .id = id};
	int nb = 0, err = plan_cut(packet, mtu, &cut);

	if (err != 0)
		return err;
	if (cut.payload > (uint32_t)cut.chunk * FRAGMENT_MAX)
		return -EMSGSIZE;
	for (uint32_t off = 0; off < cut.payload; off += cut.chunk, nb++) {
		out[nb] = make_fragment(&cut, off, pool);
		if (out[nb] == NULL) {
			rte_pktmbuf_free_bulk(out, (unsigned int)nb);
			return -ENOMEM;
		}
	}
	return nb;
}
