// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/trace.h"

#include <rte_pause.h>

#include <time.h>

void trace_set(struct trace_filter *filter, const struct ipc_trace *want)
{
	__atomic_store_n(&filter->active, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&filter->seq, filter->seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	filter->want = *want;
	__atomic_store_n(&filter->left, want->limit, __ATOMIC_RELAXED);
	__atomic_store_n(&filter->seq, filter->seq + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&filter->active, want->field != IPC_TRACE_OFF, __ATOMIC_RELEASE);
}

static bool text_matches(const struct ipc_trace *want, struct strv text)
{
	struct strv pattern = {want->pattern, want->pattern_len};

	if (pattern.len > 0 && pattern.ptr[pattern.len - 1] == '*') {
		pattern.len--;
		if (text.len > pattern.len)
			text.len = pattern.len;
	}
	return strv_eq(text, pattern);
}

// "user@host" of the From header field.
static bool from_matches(const struct ipc_trace *want, const struct sip_msg *msg)
{
	int i = sip_find_hdr(msg, SIP_HDR_FROM);
	struct sip_name_addr from;
	struct sip_uri uri;
	struct strv text;

	if (i < 0 || sip_name_addr_parse(msg, sip_hdr_value(msg, (unsigned int)i), &from) != 0 ||
		sip_uri_parse(msg, from.uri, &uri) != 0 || !uri.is_sip)
		return false;
	// The user part, '@' and host stand side by side, but for a password.
	text = sip_strv(msg, uri.host);
	if (uri.user.len > 0) {
		text.ptr = msg->buf + uri.user.off;
		text.len = (size_t)(uri.host.off + uri.host.len - uri.user.off);
	}
	return text_matches(want, text);
}

static bool matches(const struct worker *w, const struct pkt *pkt)
{
	const struct trace_filter *filter = w->trace;
	struct ipc_trace want;
	uint32_t seq;

	do {
		while ((seq = __atomic_load_n(&filter->seq, __ATOMIC_ACQUIRE)) & 1)
			rte_pause();
		want = filter->want;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (__atomic_load_n(&filter->seq, __ATOMIC_RELAXED) != seq);

	switch (want.field) {
	case IPC_TRACE_CALL_ID:
		return pkt->reason == SIP_OK &&
			text_matches(&want, sip_strv(&pkt->msg, pkt->msg.call_id));
	case IPC_TRACE_FROM:
		return pkt->reason == SIP_OK && from_matches(&want, &pkt->msg);
	case IPC_TRACE_SOURCE:
		return ip_addr_eq(&want.source, &pkt->in.source.ip);
	default:
		return false;
	}
}

static void push(struct worker *w, const struct pkt *pkt, uint8_t direction)
{
	const struct snapshot *snap = w->published->snap;
	const struct decision *d = &pkt->decision;
	struct ipc_trace_record *record;
	struct timespec now;

	if (__atomic_sub_fetch(&w->trace->left, 1, __ATOMIC_RELAXED) < 0) {
		__atomic_store_n(&w->trace->active, 0, __ATOMIC_RELAXED);
		return;
	}
	record = ipc_ring_reserve(w->traces, IPC_TRACE_SLOTS, IPC_TRACE_SIZE);
	if (record == NULL) {
		w->counters->traces_lost++;
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	record->received_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	record->source = pkt->in.source;
	record->local = snapshot_listener(snap, pkt->in.listener)->local;
	record->to = (struct endpoint){0};
	if (d->action == ACTION_FORWARD || d->action == ACTION_REPLY)
		record->to = d->to;
	record->message_len = pkt->m->data_len;
	record->copied_len = (uint16_t)RTE_MIN(pkt->m->data_len, sizeof(record->octets));
	record->backend = d->backend == SNAPSHOT_NONE ? SNAPSHOT_NONE
						      : snapshot_backend(snap, d->backend)->counter;
	record->action = d->action;
	record->rule = d->rule;
	record->drop = d->drop;
	record->reason = pkt->reason;
	record->direction = direction;
	record->worker = (uint8_t)w->index;
	memcpy(record->octets, rte_pktmbuf_mtod(pkt->m, const char *), record->copied_len);
	ipc_ring_push(w->traces);
}

void trace_received(struct worker *w, struct pkt *pkt)
{
	pkt->traced = matches(w, pkt);
	if (pkt->traced)
		push(w, pkt, 0);
}

void trace_sent(struct worker *w, const struct pkt *pkt)
{
	push(w, pkt, 1);
}
