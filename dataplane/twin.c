// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/twin.h"

#define PUNTS_PER_CALL 256 // frames of one worker per call: a flood must not starve the rest

static void to_kernel(struct worker *w, struct rte_mbuf *m)
{
	// The device must not take what the receiving one said for an order.
	m->ol_flags = 0;
	if (rte_eth_tx_burst(w->ports[m->port].twin_id, 0, &m, 1) == 0) {
		w->counters->to_twin_lost++;
		rte_pktmbuf_free(m);
	}
}

static uint32_t drain_worker(struct worker *w)
{
	struct rte_mbuf *mbufs[BURST_MAX];
	uint32_t moved = 0;
	unsigned int nb;

	do {
		nb = rte_ring_sc_dequeue_burst(w->to_twin, (void **)mbufs, BURST_MAX, NULL);
		for (unsigned int i = 0; i < nb; i++)
			to_kernel(w, mbufs[i]);
		moved += nb;
	} while (nb == BURST_MAX && moved < PUNTS_PER_CALL);
	return moved;
}

uint32_t twin_exchange(struct worker *workers, uint16_t nb_workers)
{
	struct worker *first = &workers[0];
	uint32_t moved = 0;

	for (uint16_t i = 0; i < nb_workers; i++)
		moved += drain_worker(&workers[i]);

	for (uint16_t port = 0; port < first->nb_ports; port++) {
		struct rte_mbuf *mbufs[BURST_MAX];
		unsigned int nb, queued;

		if (first->ports[port].twin_id == PORT_NO_TWIN)
			continue;
		nb = rte_eth_rx_burst(first->ports[port].twin_id, 0, mbufs, BURST_MAX);
		for (unsigned int i = 0; i < nb; i++)
			mbufs[i]->port = port;
		queued = rte_ring_sp_enqueue_burst(first->from_twin, (void **)mbufs, nb, NULL);
		first->counters->from_twin_lost += nb - queued;
		rte_pktmbuf_free_bulk(mbufs + queued, nb - queued);
		moved += nb;
	}
	return moved;
}

void twin_forward(struct worker *w)
{
	struct rte_mbuf *mbufs[BURST_MAX];
	unsigned int nb;

	if (w->from_twin == NULL)
		return;
	nb = rte_ring_sc_dequeue_burst(w->from_twin, (void **)mbufs, BURST_MAX, NULL);
	w->counters->from_twin += nb;
	for (unsigned int i = 0; i < nb; i++) {
		mbufs[i]->ol_flags = 0;
		tx_frame(w, mbufs[i], mbufs[i]->port, TX_OF_KERNEL);
	}
}
