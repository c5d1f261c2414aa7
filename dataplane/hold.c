// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/hold.h"

#include "dataplane/events.h"

#include <rte_malloc.h>

#define ASK_AGAIN_MS 500

struct held_hop {
	uint16_t nb; // 0: free
	uint16_t port;
	struct ip_addr ip; // of the neighbour
	uint64_t deadline_ms, ask_ms;
	struct rte_mbuf *mbufs[HOLD_PACKETS];
	uint16_t services[HOLD_PACKETS];
	struct ip_addr to[HOLD_PACKETS];
};

struct hold_queue {
	uint32_t nb; // packets
	struct held_hop hops[HOLD_HOPS];
};

struct hold_queue *hold_queue_create(void)
{
	return rte_zmalloc("holds", sizeof(struct hold_queue), RTE_CACHE_LINE_SIZE);
}

void hold_queue_destroy(struct hold_queue *queue)
{
	if (queue == NULL)
		return;
	for (unsigned int i = 0; i < HOLD_HOPS; i++)
		rte_pktmbuf_free_bulk(queue->hops[i].mbufs, queue->hops[i].nb);
	rte_free(queue);
}

uint32_t hold_count(const struct hold_queue *queue)
{
	return __atomic_load_n(&queue->nb, __ATOMIC_RELAXED);
}

static void add_count(struct hold_queue *queue, int nb)
{
	__atomic_store_n(&queue->nb, queue->nb + (uint32_t)nb, __ATOMIC_RELAXED);
}

void hold_add(struct worker *w, struct rte_mbuf *m, const struct ip_addr *to,
	const struct next_hop *hop, uint16_t service)
{
	struct held_hop *held = NULL;

	for (unsigned int i = 0; i < HOLD_HOPS; i++) {
		struct held_hop *h = &w->holds->hops[i];

		if (h->nb > 0 && h->port == hop->port && ip_addr_eq(&h->ip, &hop->via)) {
			held = h;
			break;
		}
		if (h->nb == 0 && held == NULL)
			held = h;
	}
	if (held == NULL || held->nb == HOLD_PACKETS) {
		tx_drop(w, m, service, DROP_NEIGHBOUR);
		return;
	}
	if (held->nb == 0) {
		held->port = hop->port;
		held->ip = hop->via;
		held->deadline_ms = w->now_ms + HOLD_MS;
		held->ask_ms = w->now_ms + ASK_AGAIN_MS;
		event_neighbour(w, hop->port, &hop->via);
	}
	held->mbufs[held->nb] = m;
	held->to[held->nb] = *to;
	held->services[held->nb] = service;
	held->nb++;
	add_count(w->holds, 1);
}

static void let_go(struct worker *w, struct held_hop *held, bool send)
{
	struct rte_mbuf *mbufs[HOLD_PACKETS];
	uint16_t nb = held->nb;

	// Sending may hold again, so the hop must be free before.
	memcpy(mbufs, held->mbufs, nb * sizeof(mbufs[0]));
	held->nb = 0;
	add_count(w->holds, -(int)nb);
	for (uint16_t i = 0; i < nb; i++) {
		struct ip_addr to = held->to[i];
		uint16_t service = held->services[i];

		if (send)
			tx_ip(w, mbufs[i], &to, service);
		else
			tx_drop(w, mbufs[i], service, DROP_NEIGHBOUR);
	}
}

void hold_retry(struct worker *w)
{
	struct rte_ether_addr mac;

	if (likely(w->holds->nb == 0) || w->published == NULL)
		return;
	for (unsigned int i = 0; i < HOLD_HOPS; i++) {
		struct held_hop *held = &w->holds->hops[i];

		if (held->nb == 0)
			continue;
		if (neighbour_get(w->neighbours, held->port, &held->ip, &mac) == 0) {
			let_go(w, held, true);
		} else if (held->deadline_ms <= w->now_ms) {
			let_go(w, held, false);
		} else if (held->ask_ms <= w->now_ms) {
			held->ask_ms = w->now_ms + ASK_AGAIN_MS;
			event_neighbour(w, held->port, &held->ip);
		}
	}
}
