// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker.h"

#include "dataplane/dispatch/txn_cache.h"
#include "dataplane/fragment.h"
#include "dataplane/hold.h"
#include "dataplane/next_hop.h"
#include "dataplane/reassembler.h"
#include "dataplane/resolve.h"

#include <rte_cycles.h>
#include <rte_ip.h>

#include <errno.h>
#include <time.h>

// Turns without a packet before a worker in `pause` mode sleeps, and for how long. A sleep of 50 us
// is what a shared core needs to let others run; the kernel's timer slack adds as much again.
#define IDLE_TURNS 64
#define IDLE_SLEEP_NS 50000

// From messages to what they become.
static void handle(struct worker *w, uint16_t nb)
{
	nb = parse_burst(w, w->pkts, nb);
	nb = decide_burst(w, w->pkts, nb);
	nb = rewrite_burst(w, w->pkts, nb);
	tx_burst(w, w->pkts, nb);
}

__rte_noinline void worker_record(struct worker *w, uint32_t nb_sent, uint64_t now)
{
	uint64_t cycles = now - w->tsc;

	w->counters->latency[ipc_latency_slot(cycles)] += nb_sent;
	w->counters->latency_cycles += cycles * nb_sent;
	w->tsc = now;
}

// A burst goes out before the next one is looked at: it has waited long enough, and most often it
// leaves through another port than the next one.
static void process(struct worker *w, uint16_t nb_received, uint16_t port)
{
	uint32_t nb_sent = w->nb_sent;

	if (nb_received == 0)
		return;
	for (uint16_t done = 0; done < nb_received; done += PKTS_MAX) {
		uint16_t nb = RTE_MIN(nb_received - done, PKTS_MAX);

		rx_take(w, w->received + done, nb, port);
		nb = classify_burst(w, w->pkts, nb);
		nb = reassemble_burst(w, w->pkts, nb);
		handle(w, nb);
	}
	tx_flush(w);
	worker_record(w, w->nb_sent - nb_sent, rte_rdtsc());
}

// What the transaction cache counts for itself.
static void count_transactions(struct worker *w)
{
	struct txn_counts counts;

	if (w->txns == NULL)
		return;
	counts = txn_cache_counts(w->txns);
	w->counters->txn_hits = counts.hits;
	w->counters->txn_misses = counts.misses;
	w->counters->txn_full = counts.full;
}

void worker_begin_turn(struct worker *w)
{
	// One snapshot per turn, so no packet sees two configurations.
	w->published = __atomic_load_n(&w->publisher->current, __ATOMIC_ACQUIRE);
	w->now_ms = __atomic_load_n(&w->clock->now_ms, __ATOMIC_RELAXED);
	w->nb_received = 0;
	w->nb_sent = 0;
	next_hop_begin_turn(w);
}

void worker_turn(struct worker *w)
{
	worker_begin_turn(w);
	for (uint16_t port = 0; port < w->nb_ports; port++)
		process(w, rx_burst(w, port), port);
	for (uint16_t peer = 0; peer < w->nb_workers; peer++)
		process(w, rx_peer(w, peer), RX_PORT_OF_MBUF);
	handle(w, resolve_retry(w));

	twin_forward(w);
	inject_forward(w);
	hold_retry(w);
	w->counters->reassembly_expired += reassembler_expire(w->reassembler, w->now_ms);
	tx_flush(w);
	if (w->nb_received > 0)
		count_transactions(w);

	// One quiescent point per turn, so housekeeping knows when an old snapshot can go.
	w->published = NULL;
	rte_rcu_qsbr_quiescent(w->qsbr, w->index);
}

static unsigned int burst_slot(uint32_t nb)
{
	unsigned int slot = 31 - (unsigned int)__builtin_clz(nb);

	return RTE_MIN(slot, IPC_BURST_SLOTS - 1u);
}

// Count a turn that took from `start` to `end`; returns whether it did anything.
static bool count_turn(struct worker *w, uint64_t start, uint64_t end)
{
	struct ipc_worker_counters *counters = w->counters;

	counters->turns++;
	if (w->nb_received == 0 && w->nb_sent == 0) {
		counters->idle_cycles += end - start;
		return false;
	}
	counters->busy_cycles += end - start;
	if (w->nb_received > 0)
		counters->burst[burst_slot(w->nb_received)]++;
	return true;
}

static void idle_sleep(struct worker *w)
{
	const struct timespec nap = {.tv_nsec = IDLE_SLEEP_NS};

	// A sleeping worker must not hold up a grace period.
	rte_rcu_qsbr_thread_offline(w->qsbr, w->index);
	nanosleep(&nap, NULL);
	rte_rcu_qsbr_thread_online(w->qsbr, w->index);
}

int worker_run(void *arg)
{
	struct worker *w = arg;
	uint64_t start;

	rte_rcu_qsbr_thread_online(w->qsbr, w->index);
	start = rte_rdtsc();
	while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED)) {
		uint64_t end;

		w->tsc = start;
		worker_turn(w);
		// A turn that received something has just looked at the clock.
		end = w->nb_received > 0 ? w->tsc : rte_rdtsc();
		if (count_turn(w, start, end)) {
			w->empty_turns = 0;
		} else if (w->idle == IPC_IDLE_PAUSE && ++w->empty_turns >= IDLE_TURNS) {
			idle_sleep(w);
			w->counters->idle_cycles += rte_rdtsc() - end;
			end = rte_rdtsc();
		}
		start = end;
	}
	rte_rcu_qsbr_thread_offline(w->qsbr, w->index);
	return 0;
}

void worker_drop(struct worker *w, struct rte_mbuf *m, enum drop_reason reason)
{
	w->counters->drops[reason]++;
	rte_pktmbuf_free(m);
}

void pkt_drop(struct worker *w, struct pkt *pkt, enum drop_reason reason)
{
	pkt_service(w, pkt)->drops[reason]++;
	rte_pktmbuf_free(pkt->m);
}

static void to_twin(struct worker *w, struct rte_mbuf *m, uint16_t port)
{
	m->port = port;
	if (rte_ring_sp_enqueue(w->to_twin, m) != 0) {
		worker_drop(w, m, DROP_TWIN_FULL);
		return;
	}
	w->counters->to_twin++;
}

// The twin takes no frame above its MTU. What is larger was put together by us, so we undo it, with
// the id that the parts had.
static void cut_for_twin(struct worker *w, struct rte_mbuf *m, uint16_t port)
{
	const char *ip = rte_pktmbuf_mtod_offset(m, const char *, RTE_ETHER_HDR_LEN);
	struct rte_mbuf *parts[FRAGMENT_MAX];
	uint32_t id = w->ip_id++;
	int nb;

	if ((uint8_t)*ip == RTE_IPV4_VHL_DEF)
		id = (uint32_t)((uint8_t)ip[4] << 8 | (uint8_t)ip[5]);
	nb = fragment_packet(m, RTE_ETHER_HDR_LEN, w->ports[port].mtu, id, w->pool, parts);
	if (nb < 0) {
		worker_drop(w, m, nb == -ENOMEM ? DROP_NO_MBUF : DROP_TOO_LARGE);
		return;
	}
	rte_pktmbuf_free(m);
	w->counters->twin_fragmented++;
	for (int i = 0; i < nb; i++)
		to_twin(w, parts[i], port);
}

void worker_punt(struct worker *w, struct rte_mbuf *m, uint16_t port)
{
	if (w->to_twin == NULL || w->ports[port].twin_id == PORT_NO_TWIN) {
		worker_drop(w, m, DROP_TWIN_FULL);
		return;
	}
	if (unlikely(m->pkt_len > w->ports[port].mtu + (uint32_t)RTE_ETHER_HDR_LEN)) {
		cut_for_twin(w, m, port);
		return;
	}
	to_twin(w, m, port);
}

struct rte_mbuf *worker_alloc(struct worker *w, uint32_t len)
{
	struct rte_mempool *pool = w->pool;
	uint32_t room = rte_pktmbuf_data_room_size(pool);
	struct rte_mbuf *m;

	if (len + HEADERS_MAX + SIP_PAD > room) {
		pool = w->large;
		room = rte_pktmbuf_data_room_size(pool);
		if (len + HEADERS_MAX + SIP_PAD > room)
			return NULL;
	}
	m = rte_pktmbuf_alloc(pool);
	if (m == NULL)
		return NULL;
	// As much room in front as there is, but not more than any rewriting needs.
	room -= len + SIP_PAD;
	m->data_off = (uint16_t)RTE_MIN(room, HEADERS_MAX + (uint32_t)EDIT_TEXT_MAX);
	return m;
}
