// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/cksum.h"
#include "dataplane/events.h"
#include "dataplane/frame.h"
#include "dataplane/keepalive.h"
#include "dataplane/worker.h"

#include <rte_ip.h>
#include <rte_udp.h>

// What a frame is: a message for one of our listeners, a fragment of one, a keep-alive, or
// something for the kernel.

enum verdict {
	VERDICT_KEEP,
	VERDICT_PUNT,
	VERDICT_BAD_IP,
	VERDICT_BAD_CHECKSUM,
	VERDICT_NOT_READY
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
	pkt->listener = snapshot_find_listener(snap, &local);
	if (pkt->listener == SNAPSHOT_NONE)
		return VERDICT_PUNT;
	listener = snapshot_listener(snap, pkt->listener);
	if (listener->port != SNAPSHOT_NONE && listener->port != pkt->port)
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

	pkt->source.ip = f->src;
	pkt->source.port = rte_be_to_cpu_16(udp->src_port);
	pkt->service_slot = snapshot_service(snap, listener->service)->counter;
	rte_pktmbuf_adj(m, (uint16_t)(f->l4_off + sizeof(*udp)));
	rte_pktmbuf_trim(m, (uint16_t)(m->data_len - (udp_len - sizeof(*udp))));
	pkt->kind = PKT_MESSAGE;
	return VERDICT_KEEP;
}

static enum verdict judge(struct worker *w, struct pkt *pkt, struct frame *f)
{
	struct rte_mbuf *m = pkt->m;

	if (frame_parse(m, f) != 0)
		return VERDICT_BAD_IP;
	// What is not for this port's address is for the kernel to ignore; forwarding it would
	// double what a switch floods.
	if (!f->is_ip || !frame_is_to(m, &w->ports[pkt->port].mac))
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

bool classify_whole(struct worker *w, struct pkt *pkt)
{
	struct frame f;

	if (!make_contiguous(w, pkt))
		return false;
	switch (judge(w, pkt, &f)) {
	case VERDICT_KEEP:
		return pkt->kind != PKT_MESSAGE || !keepalive_answered(w, pkt);
	case VERDICT_PUNT:
		worker_punt(w, pkt->m, pkt->port);
		return false;
	case VERDICT_BAD_IP:
		worker_drop(w, pkt->m, DROP_BAD_IP);
		return false;
	case VERDICT_BAD_CHECKSUM:
		worker_drop(w, pkt->m, DROP_BAD_CHECKSUM);
		return false;
	case VERDICT_NOT_READY:
		worker_drop(w, pkt->m, DROP_NOT_READY);
		return false;
	}
	return false;
}

uint16_t classify_burst(struct worker *w, struct pkt **pkts, uint16_t nb)
{
	uint16_t nb_kept = 0;

	for (uint16_t i = 0; i < nb; i++)
		if (classify_whole(w, pkts[i]))
			pkts[nb_kept++] = pkts[i];
	return nb_kept;
}
