// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/cksum.h"
#include "dataplane/fragment.h"
#include "dataplane/hold.h"
#include "dataplane/next_hop.h"
#include "dataplane/pmtu.h"
#include "dataplane/worker.h"

#include <rte_ip.h>
#include <rte_udp.h>

#include <errno.h>

#define TTL 64

static void flush_port(struct worker *w, uint16_t port)
{
	struct tx_buffer *tx = &w->tx[port];
	uint16_t sent = rte_eth_tx_burst(w->ports[port].id, w->index, tx->mbufs, tx->nb);

	w->counters->tx_packets += sent;
	w->nb_sent += sent;
	if (unlikely(sent < tx->nb)) {
		w->counters->drops[DROP_TX_FULL] += (uint16_t)(tx->nb - sent);
		rte_pktmbuf_free_bulk(tx->mbufs + sent, (unsigned int)(tx->nb - sent));
	}
	tx->nb = 0;
}

void tx_flush(struct worker *w)
{
	for (uint16_t port = 0; port < w->nb_ports; port++)
		if (w->tx[port].nb > 0)
			flush_port(w, port);
}

void tx_frame(struct worker *w, struct rte_mbuf *m, uint16_t port)
{
	struct tx_buffer *tx = &w->tx[port];

	tx->mbufs[tx->nb++] = m;
	if (tx->nb == BURST_MAX)
		flush_port(w, port);
}

// The checksums that the port was asked to fill in must be final before a packet is cut.
static void finish_checksums(struct rte_mbuf *m)
{
	char *l3 = rte_pktmbuf_mtod_offset(m, char *, RTE_ETHER_HDR_LEN);
	struct rte_udp_hdr *udp;

	if ((m->ol_flags & RTE_MBUF_F_TX_L4_MASK) == 0)
		return;
	udp = (struct rte_udp_hdr *)(l3 + m->l3_len);
	udp->dgram_cksum = 0;
	if (m->l3_len == sizeof(struct rte_ipv4_hdr))
		udp->dgram_cksum = rte_ipv4_udptcp_cksum((struct rte_ipv4_hdr *)l3, udp);
	else
		udp->dgram_cksum = rte_ipv6_udptcp_cksum((struct rte_ipv6_hdr *)l3, udp);
	m->ol_flags = 0;
}

static void send_fragments(struct worker *w, struct rte_mbuf *m, uint16_t port, uint16_t mtu)
{
	struct rte_mbuf *parts[FRAGMENT_MAX];
	int nb;

	finish_checksums(m);
	nb = fragment_packet(m, RTE_ETHER_HDR_LEN, mtu, w->ip_id++, w->pool, parts);
	if (nb < 0) {
		worker_drop(w, m, nb == -ENOMEM ? DROP_NO_MBUF : DROP_TOO_LARGE);
		return;
	}
	rte_pktmbuf_free(m);
	w->counters->fragmented++;
	for (int i = 0; i < nb; i++)
		tx_frame(w, parts[i], port);
}

// A rewritten message starts at any address, and so do the headers in front of it.
static void put_ether(struct rte_mbuf *m, const struct rte_ether_addr *to,
	const struct rte_ether_addr *from, uint8_t family)
{
	const rte_be16_t type =
		family == 4 ? RTE_BE16(RTE_ETHER_TYPE_IPV4) : RTE_BE16(RTE_ETHER_TYPE_IPV6);
	char *p;

	// The room is there: HEADERS_MAX is what tx_message() asks for.
	m->data_off -= RTE_ETHER_HDR_LEN;
	m->data_len += RTE_ETHER_HDR_LEN;
	m->pkt_len += RTE_ETHER_HDR_LEN;
	p = rte_pktmbuf_mtod(m, char *);
	memcpy(p, to, RTE_ETHER_ADDR_LEN);
	memcpy(p + RTE_ETHER_ADDR_LEN, from, RTE_ETHER_ADDR_LEN);
	memcpy(p + 2 * RTE_ETHER_ADDR_LEN, &type, sizeof(type));
}

void tx_ip(struct worker *w, struct rte_mbuf *m, const struct ip_addr *to)
{
	struct next_hop hop;
	uint16_t mtu;
	int ret = next_hop_find(w, to, &hop);

	if (unlikely(ret != 0)) {
		if (ret == -EHOSTUNREACH)
			hold_add(w, m, to, &hop);
		else
			worker_drop(w, m, DROP_NO_ROUTE);
		return;
	}
	mtu = pmtu_get(w->pmtus, to, hop.mtu, w->now_ms);
	put_ether(m, &hop.mac, &w->ports[hop.port].mac, to->family);
	if (unlikely(m->data_len - RTE_ETHER_HDR_LEN > mtu))
		send_fragments(w, m, hop.port, mtu);
	else
		tx_frame(w, m, hop.port);
}

static void put_ipv4(struct worker *w, struct rte_mbuf *m, const struct endpoint *from,
	const struct endpoint *to)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)rte_pktmbuf_prepend(m, sizeof(*ip));

	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->type_of_service = 0;
	ip->total_length = rte_cpu_to_be_16(m->data_len);
	ip->packet_id = rte_cpu_to_be_16(w->ip_id++);
	ip->fragment_offset = 0;
	ip->time_to_live = TTL;
	ip->next_proto_id = IPPROTO_UDP;
	ip->hdr_checksum = 0;
	memcpy(&ip->src_addr, from->ip.octets, 4);
	memcpy(&ip->dst_addr, to->ip.octets, 4);
	m->l3_len = sizeof(*ip);
	if (w->tx_cksum)
		m->ol_flags = RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
	else
		ip->hdr_checksum = (uint16_t)~cksum_fold(cksum_add(0, ip, sizeof(*ip)));
}

static void put_ipv6(struct worker *w, struct rte_mbuf *m, const struct endpoint *from,
	const struct endpoint *to)
{
	uint16_t payload_len = m->data_len;
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)rte_pktmbuf_prepend(m, sizeof(*ip));

	ip->vtc_flow = RTE_BE32(6u << 28);
	ip->payload_len = rte_cpu_to_be_16(payload_len);
	ip->proto = IPPROTO_UDP;
	ip->hop_limits = TTL;
	memcpy(ip->src_addr, from->ip.octets, sizeof(ip->src_addr));
	memcpy(ip->dst_addr, to->ip.octets, sizeof(ip->dst_addr));
	m->l3_len = sizeof(*ip);
	if (w->tx_cksum)
		m->ol_flags = RTE_MBUF_F_TX_IPV6;
}

void tx_message(struct worker *w, struct rte_mbuf *m, uint16_t listener, const struct endpoint *to)
{
	const struct endpoint *from = &snapshot_listener(w->published->snap, listener)->local;
	uint32_t len = m->data_len + (uint32_t)sizeof(struct rte_udp_hdr);
	size_t addr_len = to->ip.family == 4 ? 4 : 16;
	struct rte_udp_hdr *udp;
	uint64_t sum;

	if (unlikely(from->ip.family != to->ip.family || len > UINT16_MAX)) {
		worker_drop(
			w, m, from->ip.family != to->ip.family ? DROP_NO_LISTENER : DROP_TOO_LARGE);
		return;
	}
	udp = (struct rte_udp_hdr *)rte_pktmbuf_prepend(m, sizeof(*udp));
	udp->src_port = rte_cpu_to_be_16(from->port);
	udp->dst_port = rte_cpu_to_be_16(to->port);
	udp->dgram_len = rte_cpu_to_be_16((uint16_t)len);
	udp->dgram_cksum = 0;
	sum = cksum_add(0, from->ip.octets, addr_len) + cksum_add(0, to->ip.octets, addr_len) +
		rte_cpu_to_be_16(IPPROTO_UDP) + udp->dgram_len;
	m->ol_flags = 0;
	m->l2_len = RTE_ETHER_HDR_LEN;
	// With offload the field holds the pseudo-header's sum. 0 would say "no checksum".
	if (w->tx_cksum)
		udp->dgram_cksum = cksum_fold(sum);
	else if ((udp->dgram_cksum = (uint16_t)~cksum_fold(cksum_add(sum, udp, len))) == 0)
		udp->dgram_cksum = 0xffff;

	if (from->ip.family == 4)
		put_ipv4(w, m, from, to);
	else
		put_ipv6(w, m, from, to);
	if (w->tx_cksum)
		m->ol_flags |= RTE_MBUF_F_TX_UDP_CKSUM;
	tx_ip(w, m, &to->ip);
}

void tx_burst(struct worker *w, struct pkt **pkts, uint16_t nb)
{
	for (uint16_t i = 0; i < nb; i++)
		tx_message(w, pkts[i]->m, pkts[i]->decision.from, &pkts[i]->decision.to);
}
