// SPDX-License-Identifier: BSD-3-Clause
#include "tests/parser/same.h"

#include "tests/parser/guarded.h"

#include "parser/sip_kernel.h"

#include <stdio.h>

static char words[256];

static bool eq(struct sip_slice a, struct sip_slice b)
{
	return a.off == b.off && a.len == b.len;
}

static bool via_eq(const struct sip_via *a, const struct sip_via *b)
{
	return eq(a->value, b->value) && eq(a->sent_by, b->sent_by) && eq(a->host, b->host) &&
		a->port == b->port && eq(a->branch, b->branch) && eq(a->received, b->received) &&
		eq(a->received_param, b->received_param) && eq(a->rport_param, b->rport_param) &&
		a->rport == b->rport && eq(a->maddr, b->maddr) && a->ttl == b->ttl &&
		a->plain == b->plain && a->transport == b->transport;
}

static const char *index_differs(const struct sip_msg *a, const struct sip_msg *b)
{
	if (a->nb_hdrs != b->nb_hdrs || a->present != b->present ||
		a->header_len != b->header_len || a->start_end != b->start_end)
		return "index";
	if (memcmp(a->hdr_id, b->hdr_id, a->nb_hdrs) != 0)
		return "hdr_id";
	if (memcmp(a->hdr_value, b->hdr_value, a->nb_hdrs * sizeof(a->hdr_value[0])) != 0)
		return "hdr_value";
	if (memcmp(a->hdr_line, b->hdr_line, (a->nb_hdrs + 1u) * sizeof(a->hdr_line[0])) != 0)
		return "hdr_line";
	for (unsigned int id = 0; id < SIP_HDRS_KNOWN; id++)
		if ((a->present >> id & 1) && a->hdr_first[id] != b->hdr_first[id])
			return "hdr_first";
	return NULL;
}

// What is promised after a refusal that can be answered.
static const char *reply_differs(const struct sip_msg *a, const struct sip_msg *b)
{
	if (a->method != b->method || !eq(a->method_name, b->method_name))
		return "method";
	if (!via_eq(&a->via, &b->via))
		return "via";
	if (!eq(a->call_id, b->call_id))
		return "call_id";
	if (!eq(a->from_tag, b->from_tag) || !eq(a->to_tag, b->to_tag))
		return "tags";
	if (!eq(a->cseq_method, b->cseq_method))
		return "cseq_method";
	return index_differs(a, b);
}

static const char *rest_differs(const struct sip_msg *a, const struct sip_msg *b)
{
	if (a->len != b->len || a->body_len != b->body_len)
		return "len";
	if (a->status != b->status || !eq(a->request_uri, b->request_uri))
		return "start line";
	if (a->cseq != b->cseq)
		return "cseq";
	if (!eq(a->route, b->route))
		return "route";
	if (a->max_forwards != b->max_forwards ||
		(a->max_forwards >= 0 && !eq(a->max_forwards_value, b->max_forwards_value)))
		return "max_forwards";
	if (a->has_content_length != b->has_content_length ||
		(a->has_content_length && a->content_length != b->content_length))
		return "content_length";
	return NULL;
}

static const char *differs(const struct sip_msg *a, enum sip_reason reason_a,
	const struct sip_msg *b, enum sip_reason reason_b)
{
	const char *what;

	if (reason_a != reason_b)
		return "reason";
	if (a->skipped != b->skipped)
		return "skipped";
	if (reason_a != SIP_OK) {
		if (a->error_off != b->error_off)
			return "error_off";
		if (a->can_reply != b->can_reply)
			return "can_reply";
		return a->can_reply ? reply_differs(a, b) : NULL;
	}
	if (a->kind != b->kind)
		return "kind";
	what = rest_differs(a, b);
	return what != NULL ? what : reply_differs(a, b);
}

static bool inside(const struct sip_msg *msg, struct sip_slice s)
{
	return (uint32_t)s.off + s.len <= msg->header_len;
}

static bool fields_inside(const struct sip_msg *msg)
{
	const struct sip_slice slices[] = {msg->method_name, msg->call_id, msg->from_tag,
		msg->to_tag, msg->cseq_method, msg->via.value, msg->via.sent_by, msg->via.host,
		msg->via.branch, msg->via.received, msg->via.received_param, msg->via.rport_param,
		msg->via.maddr};

	for (size_t i = 0; i < sizeof(slices) / sizeof(slices[0]); i++)
		if (!inside(msg, slices[i]))
			return false;
	return true;
}

const char *message_broken(const struct sip_msg *msg, enum sip_reason reason, size_t len)
{
	if (reason != SIP_OK && msg->error_off > len)
		return "error_off beyond the message";
	if (reason != SIP_OK && !msg->can_reply)
		return NULL;
	if (msg->skipped + (size_t)msg->header_len > len)
		return "header_len";
	if (reason == SIP_OK &&
		(msg->skipped + (size_t)msg->len > len ||
			msg->len != msg->header_len + msg->body_len ||
			!inside(msg, msg->request_uri) ||
			(msg->max_forwards >= 0 && !inside(msg, msg->max_forwards_value))))
		return "len";
	if (!fields_inside(msg))
		return "a field outside the header section";
	if (msg->hdr_line[0] != msg->start_end ||
		msg->hdr_line[msg->nb_hdrs] + 2 != msg->header_len)
		return "hdr_line";
	for (unsigned int i = 0; i < msg->nb_hdrs; i++)
		if (msg->hdr_value[i] < msg->hdr_line[i] ||
			msg->hdr_value[i] + 2 > msg->hdr_line[i + 1])
			return "hdr_value";
	return NULL;
}

void message_touch(const struct sip_msg *msg)
{
	for (unsigned int i = 0; i < msg->nb_hdrs; i++) {
		(void)sip_hdr_value(msg, i);
		(void)sip_hdr_name(msg, i);
	}
	for (int id = SIP_HDR_OTHER + 1; id < SIP_HDRS_KNOWN; id++) {
		struct sip_iter it = {.pos = 0};
		struct sip_slice value, found;
		bool bad;

		while (sip_next_value(msg, (enum sip_hdr)id, &it, &value, &bad)) {
			struct sip_name_addr addr;
			struct sip_via via;
			struct sip_uri uri;

			(void)sip_via_parse(msg, value, &via);
			if (sip_name_addr_parse(msg, value, &addr) == 0 &&
				sip_uri_parse(msg, addr.uri, &uri) == 0)
				(void)sip_param_find(msg, uri.params, STRV("lr"), &found);
		}
	}
	(void)sip_expires(msg);
}

static bool uri_eq(const struct sip_uri *a, const struct sip_uri *b)
{
	if (!eq(a->scheme, b->scheme) || a->is_sip != b->is_sip)
		return false;
	return !a->is_sip ||
		(eq(a->user, b->user) && eq(a->host, b->host) && eq(a->params, b->params) &&
			eq(a->maddr, b->maddr) && a->port == b->port &&
			a->transport == b->transport && a->is_sips == b->is_sips &&
			a->lr == b->lr && a->ob == b->ob);
}

static bool name_addr_eq(const struct sip_name_addr *a, const struct sip_name_addr *b)
{
	return eq(a->value, b->value) && eq(a->uri, b->uri) && eq(a->params, b->params) &&
		a->brackets == b->brackets && a->star == b->star;
}

static const char *uri_differs(const struct sip_msg *msg, struct sip_slice s)
{
	struct sip_uri want, got;
	int rc = sip_uri_exact(msg, s, &want);

	memset(&got, 0xa5, sizeof(got));
	if (sip_uri_parse(msg, s, &got) != rc || (rc == 0 && !uri_eq(&want, &got)))
		return "uri";
	return NULL;
}

// One value of a list, or any part of the header section: as a via-parm, as an address.
static const char *value_differs(const struct sip_msg *msg, struct sip_slice s)
{
	struct sip_name_addr addr, got_addr;
	struct sip_via via, got_via;
	uint32_t exact = s.off, end = (uint32_t)s.off + s.len;
	const char *comma = sip_kernel->comma(msg->buf + s.off, msg->buf + end);
	int rc = sip_via_exact(msg, s, &via);

	memset(&got_via, 0xa5, sizeof(got_via));
	memset(&got_addr, 0xa5, sizeof(got_addr));
	if (comma != NULL &&
		(!sip_comma_exact(msg->buf, &exact, end, false) || comma != msg->buf + exact))
		return "comma";
	if (sip_via_parse(msg, s, &got_via) != rc || (rc == 0 && !via_eq(&via, &got_via)))
		return "via of a value";
	rc = sip_name_addr_exact(msg, s, &addr);
	if (sip_name_addr_parse(msg, s, &got_addr) != rc ||
		(rc == 0 && !name_addr_eq(&addr, &got_addr)))
		return "name-addr";
	return rc == 0 && !addr.star ? uri_differs(msg, addr.uri) : NULL;
}

// What is taken apart on demand, by the kernel in use and by the exact functions.
static const char *parts_differ(const struct sip_msg *msg)
{
	const char *what = uri_differs(msg, msg->request_uri);

	for (unsigned int i = 0; what == NULL && i < msg->nb_hdrs && i < 40; i++) {
		struct sip_slice whole = sip_hdr_value(msg, i), part = whole;

		what = value_differs(msg, whole);
		// ... and from the middle of it, where no value begins or ends.
		part.off = (uint16_t)(part.off + part.len / 3);
		part.len = (uint16_t)(part.len / 2);
		if (what == NULL)
			what = value_differs(msg, part);
		if (what == NULL)
			what = uri_differs(msg, part);
	}
	return what;
}

#define ROOM (1 << 20)

// Put the octets between pages that cannot be read, which are made once: fuzzing is too busy for
// mmap(). Exactly SIP_PAD octets can be read on the guarded side.
static const char *place(const void *octets, size_t len, enum guard_side side, unsigned char pad)
{
	static struct guarded room;
	char *at;

	if (room.map == NULL) {
		char *zeros = calloc(1, ROOM);

		room = guarded_new(zeros, ROOM, GUARD_BEHIND, 0);
		free(zeros);
	}
	at = side == GUARD_BEHIND ? room.buf + ROOM - len
				  : room.map + sysconf(_SC_PAGESIZE) + SIP_PAD;
	memset(at - SIP_PAD, pad, SIP_PAD);
	memset(at + len, pad, SIP_PAD);
	if (len > 0)
		memcpy(at, octets, len);
	return at;
}

static const struct variant {
	enum guard_side side;
	unsigned char pad;
} variants[] = {
	{GUARD_BEHIND, '\n'},
	{GUARD_BEHIND, '\r'},
	{GUARD_BEHIND, ' '},
	{GUARD_BEHIND, 'x'},
	{GUARD_BEFORE, ':'},
	{GUARD_BEFORE, '\n'},
	{GUARD_BEFORE, 'x'},
};

const char *kernels_differ(const void *octets, size_t len)
{
	struct sip_msg want, got;
	enum sip_reason want_reason, reason;
	const char *what, *kernel;

	want_reason = kernel_reference.parse(&want, place(octets, len, GUARD_BEHIND, 0), len);
	what = message_broken(&want, want_reason, len);
	if (what != NULL)
		snprintf(words, sizeof(words), "reference: %s", what);
	else if (want_reason == SIP_OK)
		message_touch(&want);
	for (unsigned int k = 0; what == NULL && (kernel = sip_kernel_at(k)) != NULL; k++) {
		sip_kernel_select(kernel);
		for (size_t v = 0; what == NULL && v < sizeof(variants) / sizeof(variants[0]);
			v++) {
			const struct variant *x = &variants[v];

			memset(&got, 0xa5, sizeof(got)); // what is not set must not be read
			reason = sip_parse(&got, place(octets, len, x->side, x->pad), len);
			what = differs(&want, want_reason, &got, reason);
			// Once at each guard: the time is better spent on more messages.
			if (what == NULL && reason == SIP_OK && v % 3 == 0)
				what = parts_differ(&got);
			if (what != NULL)
				snprintf(words, sizeof(words),
					"%s, padding %02x: %s (%s at %u; reference: %s at %u)",
					kernel, x->pad, what, sip_reason_name(reason),
					reason ? got.error_off : 0, sip_reason_name(want_reason),
					want_reason ? want.error_off : 0);
		}
	}
	return what != NULL ? words : NULL;
}
