// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/cksum.h"
#include "dataplane/fragment.h"
#include "dataplane/hold.h"
#include "dataplane/next_hop.h"
#include "dataplane/octets.h"
#include "dataplane/pmtu.h"
#include "dataplane/worker.h"

#include <rte_ip.h>
#include <rte_udp.h>

#include <errno.h>

void tx_drop(struct worker *w, struct rte_mbuf *m, uint16_t service, enum drop_reason reason)
{
	struct ipc_worker_counters *counters = w->counters;

	if (service < IPC_SERVICE_SLOTS)
		counters->services[service].drops[reason]++;
	else
		counters->drops[reason]++;
	rte_pktmbuf_free(m);
}

static void flush_port(struct worker *w, uint16_t port)
{
	struct tx_buffer *tx = &w->tx[port];
	uint16_t sent = rte_eth_tx_burst(w->ports[port].id, w->index, tx->mbufs, tx->nb);

	w->nb_sent += sent;
	w->counters->tx_packets += sent;
	if (unlikely(tx->nb_of_kernel > 0)) {
		for (uint16_t i = 0; i < sent; i++)
			w->counters->tx_packets -= tx->services[i] == TX_OF_KERNEL;
		tx->nb_of_kernel = 0;
	}
	for (uint16_t i = sent; unlikely(i < tx->nb); i++)
		tx_drop(w, tx->mbufs[i], tx->services[i], DROP_TX_FULL);
	tx->nb = 0;
}

void tx_flush(struct worker *w)
{
	for (uint16_t port = 0; port < w->nb_ports; port++)
		if (w->tx[port].nb > 0)
			flush_port(w, port);
}

static inline void queue_frame(
	struct worker *w, struct rte_mbuf *m, uint16_t port, uint16_t service)
{
	struct tx_buffer *tx = &w->tx[port];
	uint16_t nb;

	OPAQUE(tx);
	nb = tx->nb;

	tx->mbufs[nb] = m;
	tx->services[nb] = service;
	tx->nb = ++nb;
	if (unlikely(nb == BURST_MAX))
		flush_port(w, port);
}

void tx_frame(struct worker *w, struct rte_mbuf *m, uint16_t port, uint16_t service)
{
	w->tx[port].nb_of_kernel += service == TX_OF_KERNEL;
	queue_frame(w, m, port, service);
}

// Checksum a UDP datagram; `sum` is that of its pseudo-header. 0 would say "no checksum".
static inline void put_udp_cksum(char *udp, uint16_t len, uint64_t sum)
{
	uint16_t cksum;

	store16(udp + 6, 0);
	cksum = (uint16_t)~cksum_fold(cksum_add(sum, udp, len));
	store16(udp + 6, cksum != 0 ? cksum : UINT16_MAX);
}

// The checksums that the port was asked to fill in must be final before a packet is cut. Of the IP
// header, each fragment gets its own.
static void finish_checksums(struct rte_mbuf *m)
{
	const char *l3 = rte_pktmbuf_mtod_offset(m, char *, RTE_ETHER_HDR_LEN);
	char *udp = rte_pktmbuf_mtod_offset(m, char *, RTE_ETHER_HDR_LEN + m->l3_len);
	uint16_t len = (uint16_t)(m->data_len - RTE_ETHER_HDR_LEN - m->l3_len);
	uint64_t sum = rte_cpu_to_be_16(len) + rte_cpu_to_be_16(IPPROTO_UDP);

	if ((m->ol_flags & RTE_MBUF_F_TX_L4_MASK) == 0)
		return;
	if (m->l3_len == sizeof(struct rte_ipv4_hdr))
		sum = cksum_add(sum, l3 + offsetof(struct rte_ipv4_hdr, src_addr), 2 * 4);
	else
		sum = cksum_add(sum, l3 + offsetof(struct rte_ipv6_hdr, src_addr), 2 * 16);
	put_udp_cksum(udp, len, sum);
}

// A frame that is larger than what its path takes.
static void send_fragments(struct worker *w, struct rte_mbuf *m, const struct next_hop *hop,
	uint16_t mtu, uint16_t service)
{
	struct rte_mbuf *parts[FRAGMENT_MAX];
	uint16_t port = hop->port;
	int nb;

	finish_checksums(m);
	nb = fragment_packet(m, RTE_ETHER_HDR_LEN, mtu, w->ip_id++, w->pool, parts);
	if (nb < 0) {
		tx_drop(w, m, service, nb == -ENOMEM ? DROP_NO_MBUF : DROP_TOO_LARGE);
		return;
	}
	rte_pktmbuf_free(m);
	w->counters->fragmented++;
	for (int i = 0; i < nb; i++)
		tx_frame(w, parts[i], port, service);
}

// The mbuf's data grows by `len` octets at its front. The room is there: HEADERS_MAX is what
// tx_message() asks for. A rewritten message starts at any address, and so do its headers.
static __rte_always_inline char *prepend(struct rte_mbuf *m, uint16_t len)
{
	char *p = rte_pktmbuf_mtod(m, char *) - len;

	m->data_off -= len;
	m->data_len += len;
	m->pkt_len = m->data_len;
	return p;
}

// An IP packet with room for the Ethernet header at the front of its data.
static __rte_always_inline void send_to(struct worker *w, struct rte_mbuf *m,
	const struct ip_addr *to, const struct next_hop *hop, uint16_t service)
{
	uint16_t mtu = pmtu_get(w->pmtus, to, hop->mtu, w->now_ms);

	memcpy(rte_pktmbuf_mtod(m, char *), hop->ether, RTE_ETHER_HDR_LEN);
	if (unlikely(m->data_len - RTE_ETHER_HDR_LEN > mtu))
		send_fragments(w, m, hop, mtu, service);
	else
		queue_frame(w, m, hop->port, service);
}

// An IP packet for `to` without an Ethernet address for it.
static void not_sent(struct worker *w, struct rte_mbuf *m, const struct ip_addr *to,
	const struct next_hop *hop, uint16_t service)
{
	if (hop != NULL)
		hold_add(w, m, to, hop, service);
	else
		tx_drop(w, m, service, DROP_NO_ROUTE);
}

void tx_ip(struct worker *w, struct rte_mbuf *m, const struct ip_addr *to, uint16_t service)
{
	const struct next_hop *hop;

	if (next_hop_find(w, to, &hop) != 0) {
		not_sent(w, m, to, hop, service);
		return;
	}
	prepend(m, RTE_ETHER_HDR_LEN);
	send_to(w, m, to, hop, service);
}

static inline uint64_t load_sum32(const void *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

// Ports, length and checksum of a UDP header that has our port. `sum` is that of the addresses and
// the protocol.
static inline void put_udp(
	struct worker *w, char *udp, uint16_t to_port, uint16_t len, uint64_t sum)
{
	store_be16(udp + 2, to_port);
	store_be16(udp + 4, len);
	sum += be16(len);
	// With offload the field holds the pseudo-header's sum.
	if (likely(w->tx_cksum))
		store16(udp + 6, cksum_fold(sum));
	else
		put_udp_cksum(udp, len, sum);
}

static inline void ask_offload(struct rte_mbuf *m, uint64_t flags, uint8_t ip_len)
{
	m->ol_flags = flags | RTE_MBUF_F_TX_UDP_CKSUM;
	m->tx_offload = (uint64_t)RTE_ETHER_HDR_LEN << RTE_MBUF_L2_LEN_OFS |
		(uint64_t)ip_len << RTE_MBUF_L3_LEN_OFS;
}

#define ETHER RTE_ETHER_HDR_LEN
#define IP4 sizeof(struct rte_ipv4_hdr)
#define IP6 sizeof(struct rte_ipv6_hdr)

// Both leave room for the Ethernet header.
static __rte_always_inline void put_headers_v4(
	struct worker *w, struct rte_mbuf *m, const struct egress *from, const struct endpoint *to)
{
	char *ip = prepend(m, ETHER + IP4 + EGRESS_UDP) + ETHER;
	uint16_t len = (uint16_t)(m->data_len - ETHER), id = w->ip_id++;
	uint64_t dst = load_sum32(to->ip.octets);

	memcpy(ip, from->headers, IP4 + EGRESS_UDP);
	store_be16(ip + 2, len);
	store_be16(ip + 4, id);
	memcpy(ip + 16, to->ip.octets, 4);
	put_udp(w, ip + IP4, to->port, (uint16_t)(len - IP4), from->udp_sum + dst);
	if (likely(w->tx_cksum)) {
		ask_offload(m, RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM, IP4);
		return;
	}
	m->ol_flags = 0;
	store16(ip + 10, (uint16_t)~cksum_fold(from->ip_sum + dst + be16(len) + be16(id)));
}

static __rte_always_inline void put_headers_v6(
	struct worker *w, struct rte_mbuf *m, const struct egress *from, const struct endpoint *to)
{
	uint16_t len = (uint16_t)(m->data_len + EGRESS_UDP);
	char *ip = prepend(m, ETHER + IP6 + EGRESS_UDP) + ETHER;

	memcpy(ip, from->headers, IP6 + EGRESS_UDP);
	store_be16(ip + 4, len);
	memcpy(ip + 24, to->ip.octets, 16);
	put_udp(w, ip + IP6, to->port, len, cksum_add(from->udp_sum, to->ip.octets, 16));
	if (likely(w->tx_cksum))
		ask_offload(m, RTE_MBUF_F_TX_IPV6, IP6);
	else
		m->ol_flags = 0;
}

// `slot` is next_hop_slot() of `to`.
static __rte_always_inline void send_message(struct worker *w, struct rte_mbuf *m,
	uint16_t listener, const struct endpoint *to, struct next_hop *slot)
{
	const struct egress *from = &w->published->egress[listener];
	const struct next_hop *hop;

	if (unlikely(from->family != to->ip.family || m->data_len > UINT16_MAX - HEADERS_MAX)) {
		tx_drop(w, m, from->service_slot,
			from->family != to->ip.family ? DROP_NO_LISTENER : DROP_TOO_LARGE);
		return;
	}
	if (likely(from->family == 4))
		put_headers_v4(w, m, from, to);
	else
		put_headers_v6(w, m, from, to);
	if (likely(next_hop_find_at(w, &to->ip, slot, &hop) == 0)) {
		send_to(w, m, &to->ip, hop, from->service_slot);
		return;
	}
	rte_pktmbuf_adj(m, ETHER);
	not_sent(w, m, &to->ip, hop, from->service_slot);
}

void tx_message(struct worker *w, struct rte_mbuf *m, uint16_t listener, const struct endpoint *to)
{
	send_message(w, m, listener, to, next_hop_slot(w, &to->ip));
}

void tx_burst(struct worker *w, struct pkt **pkts, uint16_t nb)
{
	struct next_hop *slots[PKTS_MAX];

	for (uint16_t i = 0; i < nb; i++) {
		slots[i] = next_hop_slot(w, &pkts[i]->decision.to.ip);
		rte_prefetch0(slots[i]);
	}
	for (uint16_t i = 0; i < nb; i++)
		send_message(
			w, pkts[i]->m, pkts[i]->decision.from, &pkts[i]->decision.to, slots[i]);
}
