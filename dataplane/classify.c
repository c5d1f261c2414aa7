// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/cksum.h"
#include "dataplane/events.h"
#include "dataplane/frame.h"
#include "dataplane/keepalive.h"
#include "dataplane/octets.h"
#include "dataplane/worker.h"
#include "parser/load.h"

#include <rte_ip.h>
#include <rte_udp.h>

// What a frame is: a message for one of our listeners, a fragment of one, a keep-alive, or
// something for the kernel.

enum verdict {
	VERDICT_KEEP,
	VERDICT_PUNT,
	VERDICT_BAD_IP,
	VERDICT_BAD_CHECKSUM,
	VERDICT_NOT_READY,
	VERDICT_SPOOFED
};

static bool checksum_known(const struct rte_mbuf *m, uint64_t mask, uint64_t good)
{
	return (m->ol_flags & mask) == good;
}

static enum verdict check_udp(struct worker *w, struct pkt *pkt, const struct frame *f)
{
	struct rte_mbuf *m = pkt->m;
	const struct rte_udp_hdr *udp =
		rte_pktmbuf_mtod_offset(m, const struct rte_udp_hdr *, f->l4_off);
	struct endpoint local = {.ip = f->dst};
	const struct snapshot_listener *listener;
	const struct snapshot *snap;
	uint32_t udp_len;

	if (w->published == NULL)
		return VERDICT_NOT_READY;
	if (f->l4_len < sizeof(*udp))
		return VERDICT_BAD_IP;
	snap = w->published->snap;
	local.port = rte_be_to_cpu_16(udp->dst_port);
	pkt->in.listener = snapshot_find_listener(snap, &local);
	if (pkt->in.listener == SNAPSHOT_NONE)
		return VERDICT_PUNT;
	listener = snapshot_listener(snap, pkt->in.listener);
	if (listener->port != SNAPSHOT_NONE && listener->port != pkt->in.port)
		return VERDICT_PUNT;

	udp_len = rte_be_to_cpu_16(udp->dgram_len);
	if (udp_len < sizeof(*udp) || udp_len > f->l4_len || udp->src_port == 0 ||
		!ip_addr_is_unicast(&f->src))
		return VERDICT_BAD_IP;
	if (checksum_known(m, RTE_MBUF_F_RX_L4_CKSUM_MASK, RTE_MBUF_F_RX_L4_CKSUM_BAD))
		return VERDICT_BAD_CHECKSUM;
	if (!checksum_known(m, RTE_MBUF_F_RX_L4_CKSUM_MASK, RTE_MBUF_F_RX_L4_CKSUM_GOOD) &&
		!frame_udp_checksum_ok(m, f, udp_len))
		return VERDICT_BAD_CHECKSUM;

	pkt->in.source.ip = f->src;
	pkt->in.source.port = rte_be_to_cpu_16(udp->src_port);
	pkt->service_slot = snapshot_service(snap, listener->service)->counter;
	rte_pktmbuf_adj(m, (uint16_t)(f->l4_off + sizeof(*udp)));
	rte_pktmbuf_trim(m, (uint16_t)(m->data_len - (udp_len - sizeof(*udp))));
	pkt->kind = PKT_MESSAGE;
	return VERDICT_KEEP;
}

static bool is_forged(const struct snapshot *snap, const struct ip_addr *src, uint16_t port)
{
	const struct endpoint source = {.ip = *src};

	return snapshot_is_forged_source(snap, snapshot_find_backend_addr(snap, &source), port);
}

static enum verdict judge(struct worker *w, struct pkt *pkt, struct frame *f)
{
	struct rte_mbuf *m = pkt->m;

	if (frame_parse(m, f) != 0)
		return VERDICT_BAD_IP;
	// What is not for this port's address is for the kernel to ignore; forwarding it would
	// double what a switch floods.
	if (!f->is_ip || !frame_is_to(m, &w->ports[pkt->in.port].mac))
		return VERDICT_PUNT;
	if (f->family == 4) {
		if (checksum_known(m, RTE_MBUF_F_RX_IP_CKSUM_MASK, RTE_MBUF_F_RX_IP_CKSUM_BAD))
			return VERDICT_BAD_CHECKSUM;
		if (!checksum_known(m, RTE_MBUF_F_RX_IP_CKSUM_MASK, RTE_MBUF_F_RX_IP_CKSUM_GOOD) &&
			!frame_ip_checksum_ok(m))
			return VERDICT_BAD_CHECKSUM;
	}
	if (f->is_fragment) {
		// Of UDP only: anything else is the kernel's, and what comes out of the reassembly
		// must not be a fragment once more.
		if (f->proto != IPPROTO_UDP)
			return VERDICT_PUNT;
		if (w->published == NULL)
			return VERDICT_NOT_READY;
		if (!published_owns(w->published, &f->dst))
			return VERDICT_PUNT;
		// Or it would be put between those of the real one, who completes it.
		if (is_forged(w->published->snap, &f->src, pkt->in.port))
			return VERDICT_SPOOFED;
		pkt->kind = PKT_FRAGMENT;
		return VERDICT_KEEP;
	}
	if (f->proto == IPPROTO_UDP)
		return check_udp(w, pkt, f);
	if (f->proto == IPPROTO_ICMP || f->proto == IPPROTO_ICMPV6)
		event_icmp(w, pkt, rte_pktmbuf_mtod_offset(m, const void *, f->l4_off), f->l4_len,
			f->family);
	return VERDICT_PUNT;
}

// A chain or a frame without readable octets behind it is put into one larger buffer.
static bool make_contiguous(struct worker *w, struct pkt *pkt)
{
	struct rte_mbuf *m = pkt->m, *whole;
	uint32_t len = m->pkt_len;

	if (likely(m->nb_segs == 1 && rte_pktmbuf_tailroom(m) >= SIP_PAD))
		return true;
	whole = worker_alloc(w, len);
	if (whole == NULL) {
		worker_drop(w, m, DROP_NO_MBUF);
		return false;
	}
	rte_memcpy(rte_pktmbuf_append(whole, (uint16_t)len),
		rte_pktmbuf_read(m, 0, len, rte_pktmbuf_mtod(whole, void *)), len);
	whole->port = m->port;
	whole->ol_flags = m->ol_flags & (RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK);
	rte_pktmbuf_free(m);
	pkt->m = whole;
	return true;
}

// Frame by frame and step by step.
static bool classify_any(struct worker *w, struct pkt *pkt)
{
	struct frame f;

	if (!make_contiguous(w, pkt))
		return false;
	switch (judge(w, pkt, &f)) {
	case VERDICT_KEEP:
		return pkt->kind != PKT_MESSAGE || !keepalive_answered(w, pkt);
	case VERDICT_PUNT:
		worker_punt(w, pkt->m, pkt->in.port);
		return false;
	case VERDICT_BAD_IP:
		worker_drop(w, pkt->m, DROP_BAD_IP);
		return false;
	case VERDICT_BAD_CHECKSUM:
		worker_drop(w, pkt->m, DROP_BAD_CHECKSUM);
		return false;
	case VERDICT_SPOOFED:
		worker_drop(w, pkt->m, DROP_SPOOFED);
		return false;
	case VERDICT_NOT_READY:
		worker_drop(w, pkt->m, DROP_NOT_READY);
		return false;
	}
	return false;
}

// Nearly every frame is a datagram without IP options for one of our addresses. These two see that
// with fixed loads and compares; whatever is not as they want it, malformed or only unusual, is
// left to classify_any().

#define V4_L4 (RTE_ETHER_HDR_LEN + 20)
#define V4_PAYLOAD (V4_L4 + 8)
#define V6_L4 (RTE_ETHER_HDR_LEN + 40)
#define V6_PAYLOAD (V6_L4 + 8)

// Nonzero when the frame is not for the port's Ethernet address: its first eight octets, of which
// two are the source's.
static inline uint64_t mac_differs(const char *p, const struct port *port)
{
	const char *own = (const char *)port + offsetof(struct port, mac);

	return (load64(p) ^ load64(own)) & RTE_BE64(UINT64_C(0xffffffffffff0000));
}

_Static_assert(offsetof(struct port, mac) + 8 <= sizeof(struct port), "eight octets can be read");

// The device has checked it, or it is right. `sum` is that of the pseudo-header's addresses.
static inline bool udp_sum_ok(
	const struct rte_mbuf *m, uint64_t addresses, const char *udp, uint32_t len)
{
	if (likely(checksum_known(m, RTE_MBUF_F_RX_L4_CKSUM_MASK, RTE_MBUF_F_RX_L4_CKSUM_GOOD)))
		return true;
	if (checksum_known(m, RTE_MBUF_F_RX_L4_CKSUM_MASK, RTE_MBUF_F_RX_L4_CKSUM_BAD) ||
		load16(udp + 6) == 0)
		return false;
	addresses += RTE_BE16(IPPROTO_UDP) + load16(udp + 4);
	return cksum_fold(cksum_add(addresses, udp, len)) == 0xffff;
}

static inline bool ip_sum_ok(const struct rte_mbuf *m, const char *ip)
{
	if (likely(checksum_known(m, RTE_MBUF_F_RX_IP_CKSUM_MASK, RTE_MBUF_F_RX_IP_CKSUM_GOOD)))
		return true;
	return !checksum_known(m, RTE_MBUF_F_RX_IP_CKSUM_MASK, RTE_MBUF_F_RX_IP_CKSUM_BAD) &&
		cksum_fold(cksum_add(0, ip, 20)) == 0xffff;
}

// The mbuf's data becomes the payload: what stands behind the datagram is cut off as well.
static inline void strip(struct rte_mbuf *m, uint16_t headers, uint32_t payload_len)
{
	m->data_off += headers;
	m->data_len = (uint16_t)payload_len;
	m->pkt_len = payload_len;
}

// Ethernet type, version and header length, of the eight octets from the Ethernet type on; and of
// the eight after them what tells fragments and the protocol.
#define V4_KIND (RTE_BE64(UINT64_C(0x0800450000000000)))
#define V4_KIND_MASK (RTE_BE64(UINT64_C(0xffffff0000000000)))
#define V4_UDP (RTE_BE64(UINT64_C(0x0000001100000000)))
#define V4_UDP_MASK (RTE_BE64(UINT64_C(0x3fff00ff00000000)))

static inline bool is_ordinary_v4(
	const struct published *published, const struct port *port, struct pkt *pkt)
{
	struct rte_mbuf *m = pkt->m;
	const char *p = rte_pktmbuf_mtod(m, const char *), *ip = p + RTE_ETHER_HDR_LEN;
	uint64_t kind = load64(p + 12), flags = load64(p + 20), addresses = load64(ip + 12);
	uint32_t total_len = load_be16(ip + 2), udp_len = load_be16(p + V4_L4 + 4);
	const struct ingress *in;
	uint8_t source = (uint8_t)ip[12];
	uint16_t source_port = load_be16(p + V4_L4);

	if ((mac_differs(p, port) | ((kind ^ V4_KIND) & V4_KIND_MASK) |
		    ((flags ^ V4_UDP) & V4_UDP_MASK)) != 0)
		return false;
	if (unlikely(total_len + RTE_ETHER_HDR_LEN > m->data_len || udp_len + 20 > total_len ||
		    udp_len < 8 || (uint8_t)(source - 1) >= 223 || source == 127 ||
		    source_port == 0 || !ip_sum_ok(m, ip) ||
		    !udp_sum_ok(
			    m, (addresses & UINT32_MAX) + (addresses >> 32), p + V4_L4, udp_len)))
		return false;
	in = published_ingress(published, load64(ip + 16) & INGRESS_MASK);
	if (unlikely(in->key == 0 || (in->port != SNAPSHOT_NONE && in->port != pkt->in.port)))
		return false;

	pkt->kind = PKT_MESSAGE;
	pkt->in.listener = in->listener;
	pkt->service_slot = in->service_slot;
	pkt->in.source = (struct endpoint){.ip.family = 4, .port = source_port};
	memcpy(pkt->in.source.ip.octets, ip + 12, 4);
	strip(m, V4_PAYLOAD, udp_len - 8);
	return true;
}

static inline bool is_ordinary_v6(
	const struct published *published, const struct port *port, struct pkt *pkt)
{
	struct rte_mbuf *m = pkt->m;
	const char *p = rte_pktmbuf_mtod(m, const char *), *ip = p + RTE_ETHER_HDR_LEN;
	struct endpoint local = {.ip.family = 6};
	const struct snapshot_listener *listener;
	uint32_t payload_len, udp_len;
	uint64_t addresses;

	if (m->data_len < V6_PAYLOAD || mac_differs(p, port) != 0 ||
		load16(p + 12) != RTE_BE16(RTE_ETHER_TYPE_IPV6) || (uint8_t)ip[0] >> 4 != 6 ||
		ip[6] != IPPROTO_UDP)
		return false;
	payload_len = load_be16(ip + 4);
	udp_len = load_be16(p + V6_L4 + 4);
	pkt->in.source.ip.family = 6;
	memcpy(pkt->in.source.ip.octets, ip + 8, 16);
	pkt->in.source.port = load_be16(p + V6_L4);
	addresses = 0;
	for (unsigned int i = 8; i < 40; i += 4)
		addresses += load32(ip + i);
	if (payload_len + V6_L4 > m->data_len || udp_len > payload_len || udp_len < 8 ||
		pkt->in.source.port == 0 || !ip_addr_is_unicast(&pkt->in.source.ip) ||
		!udp_sum_ok(m, addresses, p + V6_L4, udp_len))
		return false;
	memcpy(local.ip.octets, ip + 24, 16);
	local.port = load_be16(p + V6_L4 + 2);
	pkt->in.listener = snapshot_find_listener(published->snap, &local);
	if (pkt->in.listener == SNAPSHOT_NONE)
		return false;
	listener = snapshot_listener(published->snap, pkt->in.listener);
	if (listener->port != SNAPSHOT_NONE && listener->port != pkt->in.port)
		return false;

	pkt->kind = PKT_MESSAGE;
	pkt->service_slot = published->egress[pkt->in.listener].service_slot;
	strip(m, V6_PAYLOAD, udp_len - 8);
	return true;
}

static inline bool classify_one(
	struct worker *w, const struct published *published, struct pkt *pkt)
{
	const struct port *port = &w->ports[pkt->in.port];
	struct rte_mbuf *m = pkt->m;

	// The shortest frame that is worth a look; one segment, with what the parser wants behind.
	if (unlikely(m->data_len < V4_PAYLOAD || m->nb_segs != 1 ||
		    rte_pktmbuf_tailroom(m) < SIP_PAD || published == NULL) ||
		(!likely(is_ordinary_v4(published, port, pkt)) &&
			!is_ordinary_v6(published, port, pkt)))
		return classify_any(w, pkt);
	return likely(!keepalive_possible(m)) || !keepalive_answered(w, pkt);
}

bool classify_whole(struct worker *w, struct pkt *pkt)
{
	return classify_one(w, w->published, pkt);
}

uint16_t classify_burst(struct worker *w, struct pkt **pkts, uint16_t nb)
{
	const struct published *published = w->published;
	uint16_t nb_kept = 0;

	for (uint16_t i = 0; i < nb; i++) {
		struct pkt *pkt = pkts[i];

		if (likely(classify_one(w, published, pkt)))
			pkts[nb_kept++] = pkt;
	}
	return nb_kept;
}
