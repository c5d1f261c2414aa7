// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker.h"

#include <rte_prefetch.h>

// Everything about the frames that classify needs is on its way when their turn comes.
static uint16_t received(struct worker *w, uint16_t nb)
{
	w->nb_received += nb;
	for (uint16_t i = 0; i < nb; i++)
		rte_prefetch0(w->received[i]);
	for (uint16_t i = 0; i < nb; i++)
		rte_prefetch0(rte_pktmbuf_mtod(w->received[i], const char *));
	return nb;
}

uint16_t rx_burst(struct worker *w, uint16_t port)
{
	uint16_t nb = rte_eth_rx_burst(w->ports[port].id, w->index, w->received, BURST_MAX);

	w->counters->rx_packets += nb;
	return received(w, nb);
}

uint16_t rx_peer(struct worker *w, uint16_t peer)
{
	if (w->from_peer[peer] == NULL)
		return 0;
	return received(w,
		(uint16_t)rte_ring_sc_dequeue_burst(
			w->from_peer[peer], (void **)w->received, BURST_MAX, NULL));
}

// Slots are used again by the next few frames: a stage that keeps a packet takes its mbuf.
void rx_take(struct worker *w, struct rte_mbuf *const *mbufs, uint16_t nb, uint16_t port)
{
	for (uint16_t i = 0; i < nb; i++) {
		struct pkt *pkt = &w->slots[i];

		pkt->m = mbufs[i];
		pkt->in.port = port != RX_PORT_OF_MBUF ? port : mbufs[i]->port;
		pkt->traced = false;
		pkt->again = false;
		w->pkts[i] = pkt;
		// Classify leaves time for this; parse does it for the others.
		if (i < PREFETCH_AHEAD)
			worker_prefetch(mbufs[i]);
	}
}
