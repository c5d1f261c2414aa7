// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/resolve.h"

#include "dataplane/events.h"
#include "dataplane/names.h"

#include <rte_malloc.h>

#define ASK_AGAIN_MS 500

struct waiting {
	struct rte_mbuf *m; // NULL: free
	uint64_t hash;
	uint64_t deadline_ms, ask_ms;
	struct endpoint source;
	uint16_t listener_id; // stable, other than an index
	uint16_t port; // that it came in on
	uint16_t host_off, host_len, host_port; // in the mbuf's data: the question
};

struct resolve_queue {
	uint32_t nb;
	struct waiting waiting[RESOLVE_PACKETS];
};

struct resolve_queue *resolve_queue_create(void)
{
	return rte_zmalloc("resolve", sizeof(struct resolve_queue), RTE_CACHE_LINE_SIZE);
}

void resolve_queue_destroy(struct resolve_queue *queue)
{
	if (queue == NULL)
		return;
	for (unsigned int i = 0; i < RESOLVE_PACKETS; i++)
		rte_pktmbuf_free(queue->waiting[i].m);
	rte_free(queue);
}

static struct strv host_of(const struct waiting *waiting)
{
	return (struct strv){rte_pktmbuf_mtod_offset(waiting->m, const char *, waiting->host_off),
		waiting->host_len};
}

bool resolve_name(struct worker *w, struct pkt *pkt)
{
	const struct decision *d = &pkt->decision;
	struct strv host = sip_strv(&pkt->msg, d->resolve_host);
	uint64_t hash = name_hash(w->names, host, d->resolve_port);
	struct waiting *waiting = w->resolves->waiting;

	if (name_get(w->names, hash, w->now_ms, &pkt->resolved) == 0)
		return true;
	if (w->resolves->nb == RESOLVE_PACKETS || host.len == 0 || host.len > IPC_HOST_MAX) {
		pkt_drop(w, pkt, DROP_NO_RESOLVER);
		return false;
	}
	while (waiting->m != NULL)
		waiting++;
	*waiting = (struct waiting){
		.m = pkt->m,
		.hash = hash,
		.deadline_ms = w->now_ms + RESOLVE_MS,
		.ask_ms = w->now_ms + ASK_AGAIN_MS,
		.source = pkt->in.source,
		.listener_id = snapshot_listener(w->published->snap, pkt->in.listener)->id,
		.port = pkt->in.port,
		.host_off = (uint16_t)(host.ptr - rte_pktmbuf_mtod(pkt->m, const char *)),
		.host_len = (uint16_t)host.len,
		.host_port = d->resolve_port,
	};
	w->resolves->nb++;
	event_resolve(w, host, d->resolve_port);
	return false;
}

// Back to where the parse stage takes it from. The listener may be another index by now, or gone.
static bool wake(struct worker *w, struct waiting *waiting, struct pkt *pkt)
{
	const struct snapshot *snap = w->published->snap;
	uint16_t listener = snapshot_find_listener_id(snap, waiting->listener_id);

	pkt->m = waiting->m;
	pkt->in.port = waiting->port;
	pkt->in.source = waiting->source;
	pkt->kind = PKT_MESSAGE;
	pkt->traced = false;
	pkt->again = true;
	waiting->m = NULL;
	w->resolves->nb--;
	if (listener == SNAPSHOT_NONE) {
		worker_drop(w, pkt->m, DROP_NO_LISTENER);
		return false;
	}
	pkt->in.listener = listener;
	pkt->service_slot =
		snapshot_service(snap, snapshot_listener(snap, listener)->service)->counter;
	return true;
}

uint16_t resolve_retry(struct worker *w)
{
	uint16_t nb = 0;

	if (likely(w->resolves->nb == 0) || w->published == NULL)
		return 0;
	for (unsigned int i = 0; i < RESOLVE_PACKETS && nb < PKTS_MAX; i++) {
		struct waiting *waiting = &w->resolves->waiting[i];
		struct pkt *pkt = &w->slots[nb];

		if (waiting->m == NULL)
			continue;
		pkt->resolved = (struct endpoint){0};
		if (name_get(w->names, waiting->hash, w->now_ms, &pkt->resolved) != 0 &&
			waiting->deadline_ms > w->now_ms) {
			if (waiting->ask_ms <= w->now_ms) {
				waiting->ask_ms = w->now_ms + ASK_AGAIN_MS;
				event_resolve(w, host_of(waiting), waiting->host_port);
			}
			continue;
		}
		if (wake(w, waiting, pkt))
			w->pkts[nb++] = pkt;
	}
	return nb;
}
