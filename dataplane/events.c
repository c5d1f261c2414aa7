// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/events.h"

#include "dataplane/icmp.h"
#include "dataplane/pmtu.h"
#include "dataplane/route.h"

#include <time.h>

#define REJECTS_PER_SECOND 16
#define ICMP_PERIOD_MS 100 // one error about each backend
#define EXPIRES_DEFAULT 3600 // RFC 3261 section 10.2.1.1
#define BINDINGS_MAX 16 // Contacts of one response that are reported

static struct ipc_event *reserve(struct worker *w, enum ipc_event_type type)
{
	struct ipc_event *event = ipc_ring_reserve(w->events, IPC_EVENT_SLOTS, IPC_EVENT_SIZE);

	if (event == NULL) {
		w->counters->events_lost++;
		return NULL;
	}
	event->type = type;
	event->pad = 0;
	return event;
}

// What anybody can cause in any number: half of the ring is kept for what cannot be done without.
static struct ipc_event *reserve_sample(struct worker *w, enum ipc_event_type type)
{
	if (ipc_ring_used(w->events) >= IPC_EVENT_SLOTS / 2)
		return NULL;
	return reserve(w, type);
}

// Not a system call: the vDSO answers.
static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

// The lifetime of a Contact: its own parameter, else the header field's.
static uint32_t contact_expires(const struct sip_msg *msg, const struct sip_name_addr *contact)
{
	struct sip_slice value;
	uint64_t seconds = 0;
	int64_t header;

	if (sip_param_find(msg, contact->params, STRV("expires"), &value) && value.len > 0) {
		struct strv digits = sip_strv(msg, value);

		for (size_t i = 0; i < digits.len && i < 10; i++) {
			if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
				break;
			seconds = seconds * 10 + (uint64_t)(digits.ptr[i] - '0');
		}
		return (uint32_t)RTE_MIN(seconds, (uint64_t)UINT32_MAX);
	}
	header = sip_expires(msg);
	return header >= 0 ? (uint32_t)RTE_MIN(header, (int64_t)UINT32_MAX) : EXPIRES_DEFAULT;
}

static void push_binding(struct worker *w, const struct pkt *pkt, const struct sip_uri *aor,
	const struct sip_name_addr *contact)
{
	const struct sip_msg *msg = &pkt->msg;
	const struct decision *d = &pkt->decision;
	const struct snapshot *snap = w->published->snap;
	uint32_t contact_len = contact != NULL ? contact->uri.len : 0;
	struct ipc_event *event;
	char *p;

	if ((uint32_t)aor->user.len + aor->host.len + contact_len > sizeof(event->binding.octets))
		return;
	event = reserve(w, IPC_EVENT_BINDING);
	if (event == NULL)
		return;
	event->binding.backend_id = snapshot_backend(snap, d->backend)->id;
	event->binding.expires_s = contact != NULL ? contact_expires(msg, contact) : 0;
	event->binding.listener_id = snapshot_listener(snap, d->from)->id;
	event->binding.flow = d->to;
	event->binding.user_len = aor->user.len;
	event->binding.host_len = aor->host.len;
	event->binding.contact_len = (uint16_t)contact_len;
	p = event->binding.octets;
	memcpy(p, msg->buf + aor->user.off, aor->user.len);
	p += aor->user.len;
	memcpy(p, msg->buf + aor->host.off, aor->host.len);
	p += aor->host.len;
	if (contact != NULL)
		memcpy(p, msg->buf + contact->uri.off, contact_len);
	ipc_ring_push(w->events);
}

void event_binding(struct worker *w, const struct pkt *pkt)
{
	const struct sip_msg *msg = &pkt->msg;
	struct sip_name_addr to, contact;
	struct sip_iter it = {0};
	struct sip_slice value;
	struct sip_uri aor;
	int i = sip_find_hdr(msg, SIP_HDR_TO);
	unsigned int nb = 0;
	bool bad;

	// Of a registrar of ours only: whom a backend registers with elsewhere tells us nothing,
	// and could name an AoR that is not his.
	if (pkt->decision.backend == SNAPSHOT_NONE || i < 0 ||
		snapshot_find_backend_addr(w->published->snap, &pkt->in.source) == SNAPSHOT_NONE ||
		sip_name_addr_parse(msg, sip_hdr_value(msg, (unsigned int)i), &to) != 0 ||
		sip_uri_parse(msg, to.uri, &aor) != 0 || !aor.is_sip)
		return;
	while (nb < BINDINGS_MAX && sip_next_value(msg, SIP_HDR_CONTACT, &it, &value, &bad)) {
		if (sip_name_addr_parse(msg, value, &contact) != 0 || contact.star)
			continue;
		push_binding(w, pkt, &aor, &contact);
		nb++;
	}
	if (nb == 0)
		push_binding(w, pkt, &aor, NULL);
}

void event_probe(struct worker *w, const struct pkt *pkt)
{
	struct ipc_event *event = reserve(w, IPC_EVENT_PROBE);

	if (event == NULL)
		return;
	event->probe = (struct ipc_event_probe){
		.probe_id = pkt->decision.probe_id,
		.received_ns = clock_ns(CLOCK_MONOTONIC),
		.status = pkt->msg.status,
	};
	ipc_ring_push(w->events);
}

void event_reject(struct worker *w, const struct pkt *pkt)
{
	const char *data = rte_pktmbuf_mtod(pkt->m, const char *);
	uint32_t len = pkt->m->data_len, window = sizeof(((struct ipc_event_reject *)0)->octets);
	uint64_t second = w->now_ms / 1000;
	struct ipc_event_reject *reject;
	struct ipc_event *event;
	uint32_t off = 0;

	if (w->reject_second != second) {
		w->reject_second = second;
		w->reject_tokens = REJECTS_PER_SECOND;
	}
	if (w->reject_tokens == 0 || (event = reserve_sample(w, IPC_EVENT_REJECT)) == NULL)
		return;
	w->reject_tokens--;
	// The octets around the one to blame, as many as fit.
	if (pkt->msg.error_off > window / 2 && len > window)
		off = RTE_MIN(pkt->msg.error_off - window / 2, len - window);
	reject = &event->reject;
	reject->received_ns = clock_ns(CLOCK_REALTIME);
	reject->source = pkt->in.source;
	reject->service = pkt->service_slot;
	reject->reason = pkt->reason;
	reject->error_off = pkt->msg.error_off;
	reject->message_len = len;
	reject->copied_off = off;
	reject->copied_len = RTE_MIN(len - off, window);
	memcpy(reject->octets, data + off, reject->copied_len);
	ipc_ring_push(w->events);
}

// Can what was sent by this route have met its end on the side of this port?
static bool leads_over(const struct snapshot_route *route, uint16_t port)
{
	return route != NULL && (route->port == port || (route->also_ports >> port & 1) != 0);
}

// One event about a backend is as good as a thousand. A flood about one, forged or not, leaves the
// others theirs.
static struct ipc_event *reserve_icmp(struct worker *w, uint16_t backend)
{
	uint64_t period = w->now_ms / ICMP_PERIOD_MS, *told = &w->icmp_told[backend / 64];
	struct ipc_event *event = NULL;

	if (w->icmp_period != period) {
		w->icmp_period = period;
		memset(w->icmp_told, 0, sizeof(w->icmp_told));
	}
	if ((*told >> backend % 64 & 1) == 0)
		event = reserve_sample(w, IPC_EVENT_ICMP);
	if (event == NULL)
		w->counters->icmp_limited++;
	else
		*told |= RTE_BIT64(backend % 64);
	return event;
}

void event_icmp(
	struct worker *w, const struct pkt *pkt, const void *data, uint32_t len, uint8_t family)
{
	const struct snapshot_route *route;
	const struct snapshot *snap;
	struct icmp_error error;
	struct ipc_event *event;
	uint16_t backend;

	if (w->published == NULL || icmp_error_read(data, len, family, &error) != 0)
		return;
	snap = w->published->snap;
	// Only about what we may have sent, and from the side that it went to: anybody can write an
	// ICMP error, and the other side must not talk a backend down.
	route = route_find(w->published->routes, &error.sent_to.ip);
	backend = snapshot_find_backend_addr(snap, &error.sent_to);
	if (snapshot_find_listener(snap, &error.sent_from) == SNAPSHOT_NONE ||
		!leads_over(route, pkt->in.port) ||
		snapshot_is_forged_source(snap, backend, pkt->in.port))
		return;
	if (error.kind == ICMP_ERROR_TOO_BIG) {
		pmtu_learn(w->pmtus, &error.sent_to.ip, error.mtu, w->now_ms);
		return;
	}
	if (backend == SNAPSHOT_NONE || (event = reserve_icmp(w, backend)) == NULL)
		return;
	event->icmp = (struct ipc_event_icmp){
		.backend_id = snapshot_backend(snap, backend)->id,
		.type = error.type,
		.code = error.code,
		.family = family,
	};
	ipc_ring_push(w->events);
}

void event_neighbour(struct worker *w, uint16_t port, const struct ip_addr *ip)
{
	struct ipc_event *event = reserve(w, IPC_EVENT_NEIGHBOUR);

	if (event == NULL)
		return;
	event->neighbour = (struct ipc_event_neighbour){.port = port, .ip = *ip};
	ipc_ring_push(w->events);
}

void event_resolve(struct worker *w, struct strv host, uint16_t port)
{
	const struct snapshot *snap = w->published->snap;
	struct ipc_event *event = reserve(w, IPC_EVENT_RESOLVE);

	if (event == NULL)
		return;
	event->resolve.port = port;
	event->resolve.host_len = (uint16_t)host.len;
	event->resolve.families = 0;
	for (uint16_t i = 0; i < snap->listeners.nb; i++)
		event->resolve.families |= snapshot_listener(snap, i)->local.ip.family == 4 ? 1 : 2;
	memcpy(event->resolve.host, host.ptr, host.len);
	event->resolve.host[host.len] = '\0';
	ipc_ring_push(w->events);
}
