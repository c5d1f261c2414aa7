// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/reassembler.h"

#include "dataplane/worker.h"

// A fragment goes to the worker that its datagram belongs to, so that all of them meet, whatever
// queue the device chose for each. Returns whether pkt->m is a whole datagram now.
static bool take_fragment(struct worker *w, struct pkt *pkt)
{
	struct rte_mbuf *m = pkt->m, *whole = NULL;
	struct ip_fragment fragment;
	enum drop_reason reason;
	uint32_t owner;

	if (ip_fragment_read(m, RTE_ETHER_HDR_LEN, &fragment) != 0) {
		worker_drop(w, m, DROP_FRAGMENT);
		return false;
	}
	// Another part of the hash than the reassembler's buckets.
	owner = (uint32_t)(reassembler_hash(w->key, &fragment) >> 32) % w->nb_workers;
	if (owner != w->index) {
		m->port = pkt->in.port;
		if (rte_ring_sp_enqueue(w->to_peer[owner], m) != 0)
			worker_drop(w, m, DROP_FRAGMENT_LIMIT);
		else
			w->counters->fragments_passed++;
		return false;
	}
	w->counters->fragments++;
	reason = reassembler_add(w->reassembler, &fragment, w->now_ms, &whole);
	w->counters->reassembly_evicted = reassembler_evicted(w->reassembler);
	if (reason != DROP_NONE)
		w->counters->drops[reason]++;
	rte_pktmbuf_free(m);
	if (whole == NULL)
		return false;
	w->counters->reassembled++;
	whole->port = pkt->in.port;
	pkt->m = whole;
	return true;
}

uint16_t reassemble_burst(struct worker *w, struct pkt **pkts, uint16_t nb)
{
	uint16_t nb_kept = 0;

	for (uint16_t i = 0; i < nb; i++) {
		struct pkt *pkt = pkts[i];

		// A whole datagram meets the checks that its fragments could not meet.
		if (unlikely(pkt->kind == PKT_FRAGMENT) &&
			(!take_fragment(w, pkt) || !classify_whole(w, pkt)))
			continue;
		pkts[nb_kept++] = pkt;
	}
	return nb_kept;
}
