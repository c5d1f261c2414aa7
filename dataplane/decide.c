// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/decide.h"

#include "dataplane/dispatch/acl.h"
#include "dataplane/events.h"
#include "dataplane/rate.h"
#include "dataplane/resolve.h"
#include "dataplane/trace.h"
#include "dataplane/worker.h"

// What may come in at all, before a cycle is spent on its meaning. Returns false when it was
// dropped.
static bool admit(struct worker *w, struct pkt *pkt)
{
	const struct snapshot *snap = w->published->snap;
	const struct snapshot_listener *listener = snapshot_listener(snap, pkt->in.listener);
	const struct snapshot_service *service = snapshot_service(snap, listener->service);
	const struct rate_limit limit = {RATE_REQUESTS, service->source_rate};
	bool has_acl = listener->nb_acl_allow != 0 || listener->nb_acl_deny != 0;

	if (!has_acl && limit.rate == 0)
		return true;
	// Our own backends are trusted, and one of them may speak for a whole network.
	if (snapshot_find_backend_addr(snap, &pkt->in.source) != SNAPSHOT_NONE)
		return true;
	if (has_acl && !acl_permits(snap, pkt->in.listener, &pkt->in.source.ip)) {
		pkt_drop(w, pkt, DROP_ACL);
		return false;
	}
	if (pkt->msg.kind == SIP_REQUEST &&
		!rate_take(w->rates, limit, &pkt->in.source.ip, w->now_ms)) {
		pkt_drop(w, pkt, DROP_RATE_SOURCE);
		return false;
	}
	return true;
}

static void count(struct worker *w, const struct pkt *pkt)
{
	struct ipc_service_counters *service = pkt_service(w, pkt);
	const struct sip_msg *msg = &pkt->msg;
	const struct decision *d = &pkt->decision;
	struct ipc_backend_counters *backend;

	if (pkt->reason != SIP_OK) {
		service->parse_errors[pkt->reason]++;
		return;
	}
	if (msg->kind == SIP_REQUEST)
		service->requests[msg->method]++;
	else
		service->responses[msg->status / 100]++;
	service->rules[d->rule]++;
	if (d->backend == SNAPSHOT_NONE)
		return;

	backend = &w->counters->backends[snapshot_backend(w->published->snap, d->backend)->counter];
	if (msg->kind == SIP_RESPONSE) {
		backend->responses[msg->status / 100]++;
	} else if (d->action == ACTION_FORWARD) {
		backend->requests++;
		backend->fresh += !d->dialog_pinned;
	}
}

// What leaves the pipeline here. Returns whether the packet goes on.
static bool finish(struct worker *w, struct pkt *pkt)
{
	struct decision *d = &pkt->decision;
	const struct rate_limit limit = {
		RATE_REPLIES, snapshot_service(w->published->snap, d->service)->reply_rate};

	switch (d->action) {
	case ACTION_FORWARD:
		// Not && : one jump, which can be predicted.
		if (unlikely((int)(pkt->msg.method == SIP_REGISTER) &
			    (int)(pkt->msg.status / 100 == 2)))
			event_binding(w, pkt);
		return true;
	case ACTION_REPLY:
		if (rate_take(w->rates, limit, &pkt->in.source.ip, w->now_ms))
			return true;
		pkt_drop(w, pkt, DROP_RATE_REPLY);
		return false;
	case ACTION_PROBE:
		event_probe(w, pkt);
		rte_pktmbuf_free(pkt->m);
		return false;
	case ACTION_RESOLVE:
		pkt_drop(w, pkt, DROP_NO_RESOLVER);
		return false;
	default:
		pkt_drop(w, pkt, (enum drop_reason)d->drop);
		return false;
	}
}

// What a rewritten message reaches into beyond the octets that were received: the headroom, and the
// line behind its end. Nothing has touched them since the buffer was used last.
static inline void prefetch_room(const struct pkt *pkt)
{
	const char *data = rte_pktmbuf_mtod(pkt->m, const char *);

	rte_prefetch0(data - RTE_CACHE_LINE_SIZE);
	rte_prefetch0(data - 2 * RTE_CACHE_LINE_SIZE);
	rte_prefetch0(data + pkt->m->data_len + RTE_CACHE_LINE_SIZE);
}

// Gives decide() its input. Returns false when the packet was dropped.
static bool prepare(struct worker *w, struct pkt *pkt)
{
	if (unlikely(w->published->guarded && !admit(w, pkt)))
		return false;
	prefetch_room(pkt);
	pkt->in.msg = &pkt->msg;
	pkt->in.resolved = pkt->again ? &pkt->resolved : NULL;
	return true;
}

_Static_assert(PKTS_MAX <= DECIDE_MAX, "one call decides what one turn brings at a time");

static void decide_all(
	struct worker *w, const struct decide_ctx *ctx, struct pkt **pkts, uint16_t nb)
{
	const struct decide_in *in[DECIDE_MAX];
	struct decision *out[DECIDE_MAX];
	unsigned int nb_good = 0;

	for (uint16_t i = 0; i < nb; i++) {
		struct pkt *pkt = pkts[i];

		if (unlikely(pkt->reason != SIP_OK)) {
			decide_unparsable(
				ctx, &pkt->in, (enum sip_reason)pkt->reason, &pkt->decision);
			event_reject(w, pkt);
			continue;
		}
		in[nb_good] = &pkt->in;
		out[nb_good++] = &pkt->decision;
	}
	decide_many(ctx, in, out, nb_good);
}

// Returns false when the packet waits for a name.
static bool resolved(struct worker *w, const struct decide_ctx *ctx, struct pkt *pkt)
{
	if (likely(pkt->decision.action != ACTION_RESOLVE) || pkt->again)
		return true;
	if (!resolve_name(w, pkt))
		return false;
	pkt->in.resolved = &pkt->resolved;
	decide(ctx, &pkt->in, &pkt->decision);
	return true;
}

uint16_t decide_burst(struct worker *w, struct pkt **pkts, uint16_t nb)
{
	const struct decide_ctx ctx = {
		.snap = w->published != NULL ? w->published->snap : NULL,
		.bits = w->published != NULL ? &w->published->bits : NULL,
		.txns = w->txns,
		.bindings = w->bindings,
		.now_ms = w->now_ms,
	};
	uint16_t nb_prepared = 0, nb_kept = 0;

	for (uint16_t i = 0; i < nb; i++)
		if (prepare(w, pkts[i]))
			pkts[nb_prepared++] = pkts[i];
	decide_all(w, &ctx, pkts, nb_prepared);
	for (uint16_t i = 0; i < nb_prepared; i++) {
		struct pkt *pkt = pkts[i];

		if (unlikely(!resolved(w, &ctx, pkt)))
			continue;
		count(w, pkt);
		if (unlikely(trace_is_on(w)))
			trace_received(w, pkt);
		if (finish(w, pkt))
			pkts[nb_kept++] = pkt;
	}
	return nb_kept;
}
