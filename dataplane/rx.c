// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker.h"

#include <rte_prefetch.h>

// Give each frame a slot. Slots are used again by the next burst: a stage that keeps a packet takes
// its mbuf.
static uint16_t take(struct worker *w, struct rte_mbuf **mbufs, uint16_t nb)
{
	for (uint16_t i = 0; i < nb; i++) {
		struct pkt *pkt = &w->slots[i];

		// Ethernet, IP and UDP headers, for classify; parse looks after the rest.
		rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], const char *));
		pkt->m = mbufs[i];
		pkt->port = mbufs[i]->port;
		pkt->traced = false;
		pkt->again = false;
		w->pkts[i] = pkt;
	}
	return nb;
}

uint16_t rx_burst(struct worker *w, uint16_t port)
{
	struct rte_mbuf *mbufs[BURST_MAX];
	uint16_t nb = rte_eth_rx_burst(w->ports[port].id, w->index, mbufs, BURST_MAX);

	w->counters->rx_packets += nb;
	w->nb_received += nb;
	for (uint16_t i = 0; i < nb; i++)
		mbufs[i]->port = port; // our index from here on, not EAL's
	return take(w, mbufs, nb);
}

uint16_t rx_peer(struct worker *w, uint16_t peer)
{
	struct rte_mbuf *mbufs[BURST_MAX];
	unsigned int nb;

	if (w->from_peer[peer] == NULL)
		return 0;
	nb = rte_ring_sc_dequeue_burst(w->from_peer[peer], (void **)mbufs, BURST_MAX, NULL);
	w->nb_received += nb;
	return take(w, mbufs, (uint16_t)nb);
}
