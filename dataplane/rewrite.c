// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/reply.h"
#include "dataplane/trace.h"
#include "dataplane/worker.h"

// Gives the mbuf's data the octets as they shall be on the wire.

// The octets before the last edit move into the headroom; when that is too small, those behind it
// move towards the tail as well. Only a message that fits neither way needs another buffer.
static bool apply(struct worker *w, struct pkt *pkt)
{
	struct rte_mbuf *m = pkt->m;
	const struct sip_msg *msg = &pkt->msg;
	const struct edit_list *edits = &pkt->decision.edits;
	int32_t start = (int32_t)(msg->buf - (const char *)m->buf_addr) - edits->growth;
	uint32_t len = (uint32_t)((int32_t)msg->len + edits->growth);
	struct rte_mbuf *larger;

	if (unlikely(edits->overflow)) {
		pkt_drop(w, pkt, DROP_EDIT_OVERFLOW);
		return false;
	}
	if (start < HEADERS_MAX)
		start = HEADERS_MAX;
	if (likely((uint32_t)start + len + SIP_PAD <= m->buf_len)) {
		edit_apply(msg, edits, (char *)m->buf_addr + start);
		m->data_off = (uint16_t)start;
		m->data_len = (uint16_t)len;
		m->pkt_len = len;
		return true;
	}
	larger = worker_alloc(w, len);
	if (larger == NULL) {
		pkt_drop(w, pkt, DROP_NO_MBUF);
		return false;
	}
	edit_apply(msg, edits, rte_pktmbuf_append(larger, (uint16_t)len));
	larger->port = m->port;
	rte_pktmbuf_free(m);
	pkt->m = larger;
	return true;
}

static bool reply(struct worker *w, struct pkt *pkt)
{
	const struct decide_ctx ctx = {
		.snap = w->published->snap,
		.bits = &w->published->bits,
		.now_ms = w->now_ms,
	};
	struct rte_mbuf *m = worker_alloc(w, pkt->m->data_len + REPLY_GROWTH_MAX);
	int len = -ENOMEM;

	if (m != NULL)
		len = reply_build(&ctx, &pkt->in, &pkt->decision, rte_pktmbuf_mtod(m, char *),
			rte_pktmbuf_tailroom(m));
	if (len < 0) {
		rte_pktmbuf_free(m);
		pkt_drop(w, pkt, m == NULL ? DROP_NO_MBUF : DROP_TOO_LARGE);
		return false;
	}
	rte_pktmbuf_append(m, (uint16_t)len);
	m->port = pkt->m->port;
	rte_pktmbuf_free(pkt->m);
	pkt->m = m;
	pkt_service(w, pkt)->replies[pkt->decision.reply_status / 100 & 7]++;
	return true;
}

uint16_t rewrite_burst(struct worker *w, struct pkt **pkts, uint16_t nb)
{
	uint16_t nb_kept = 0;

	for (uint16_t i = 0; i < nb; i++) {
		struct pkt *pkt = pkts[i];
		bool done = likely(pkt->decision.action == ACTION_FORWARD) ? apply(w, pkt)
									   : reply(w, pkt);

		if (!done)
			continue;
		if (unlikely(pkt->traced))
			trace_sent(w, pkt);
		pkts[nb_kept++] = pkt;
	}
	return nb_kept;
}
