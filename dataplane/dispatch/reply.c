// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/reply.h"

#include <errno.h>

#include "dataplane/dispatch/base32.h"
#include "dataplane/dispatch/request.h"
#include "dataplane/dispatch/siphash_inline.h"
#include "dataplane/dispatch/text.h"

// Where a response is written, and the first thing that did not fit.
struct writer {
	char *out;
	size_t len, cap;
	bool full;
};

static void put(struct writer *w, struct strv text)
{
	if (text.len > w->cap - w->len) {
		w->full = true;
		return;
	}
	if (text.len > 0)
		memcpy(w->out + w->len, text.ptr, text.len);
	w->len += text.len;
}

static void put_number(struct writer *w, uint32_t value)
{
	char text[16];

	put(w, (struct strv){text, (size_t)(text_u32(text, value) - text)});
}

static struct strv phrase(uint16_t status)
{
	static const struct {
		uint16_t status;
		const char *text;
	} phrases[] = {
		{200, "OK"},
		{302, "Moved Temporarily"},
		{400, "Bad Request"},
		{414, "Request-URI Too Long"},
		{416, "Unsupported URI Scheme"},
		{420, "Bad Extension"},
		{430, "Flow Failed"},
		{483, "Too Many Hops"},
		{500, "Server Internal Error"},
		{503, "Service Unavailable"},
		{505, "Version Not Supported"},
	};

	for (unsigned int i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		if (phrases[i].status == status)
			return strv_from(phrases[i].text);
	return STRV("Refused");
}

static void put_status(struct writer *w, const struct decision *decision)
{
	put(w, STRV("SIP/2.0 "));
	put_number(w, decision->reply_status);
	put(w, STRV(" "));
	// A reason phrase that says what is wrong helps whoever has to find it (21.4.1).
	put(w,
		decision->reply_status == 400 && decision->reason != SIP_OK
			? strv_from(sip_reason_text((enum sip_reason)decision->reason))
			: phrase(decision->reply_status));
	put(w, STRV("\r\n"));
}

// Octets [from, to) of the request, with the edits in them applied.
static void put_edited(struct writer *w, const struct sip_msg *msg, const struct edit_list *edits,
	uint32_t from, uint32_t to)
{
	for (unsigned int i = 0; i < edits->nb; i++) {
		const struct edit *e = &edits->edits[i];

		put(w, (struct strv){msg->buf + from, e->off - from});
		put(w, (struct strv){edits->text + e->text, e->text_len});
		from = (uint32_t)e->off + e->removed;
	}
	put(w, (struct strv){msg->buf + from, to - from});
}

// All Via header fields, received and rport in the topmost value (8.2.6.2).
static void put_vias(struct writer *w, const struct decide_in *in)
{
	const struct sip_msg *msg = in->msg;
	struct edit_list edits;

	edit_list_init(&edits);
	rewrite_via(&edits, msg, &in->source);
	for (unsigned int i = 0; i < msg->nb_hdrs; i++) {
		if (msg->hdr_id[i] != SIP_HDR_VIA)
			continue;
		put_edited(w, msg, &edits, msg->hdr_line[i], msg->hdr_line[i + 1]);
		edits.nb = 0;
	}
}

static void put_header(struct writer *w, const struct sip_msg *msg, enum sip_hdr hdr)
{
	int i = sip_find_hdr(msg, hdr);

	if (i >= 0)
		put(w,
			(struct strv){msg->buf + msg->hdr_line[i],
				(size_t)(msg->hdr_line[i + 1] - msg->hdr_line[i])});
}

// The same for every retransmission, on every node, whatever the signing key (8.2.7).
static void put_to_tag(struct writer *w, const struct decide_ctx *ctx, const struct sip_msg *msg)
{
	struct siphash s = siphash_begin(ctx->snap->table_key);
	struct sip_slice cseq = sip_hdr_value(msg, (unsigned int)sip_find_hdr(msg, SIP_HDR_CSEQ));
	const struct sip_slice parts[] = {msg->call_id, msg->from_tag, cseq, msg->via.branch};
	char text[8];

	for (unsigned int i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct siphash part = siphash_begin(ctx->snap->table_key);

		siphash_word(
			&s, siphash_end(&part, msg->buf + parts[i].off, parts[i].len, 0, 2, 4), 2);
	}
	base32_put(text, siphash_end(&s, NULL, 0, 32, 2, 4));
	put(w, STRV(";tag="));
	put(w, (struct strv){text, sizeof(text)});
}

static void put_to(struct writer *w, const struct decide_ctx *ctx, const struct sip_msg *msg)
{
	unsigned int i = (unsigned int)sip_find_hdr(msg, SIP_HDR_TO);
	struct sip_slice value = sip_hdr_value(msg, i);
	uint32_t end = (uint32_t)value.off + value.len;

	put(w, (struct strv){msg->buf + msg->hdr_line[i], end - msg->hdr_line[i]});
	if (msg->to_tag.off == 0)
		put_to_tag(w, ctx, msg);
	put(w, (struct strv){msg->buf + end, msg->hdr_line[i + 1] - end});
}

// 420: every option that a proxy would have to understand is one that we do not (16.3 step 5).
static void put_unsupported(struct writer *w, const struct sip_msg *msg)
{
	for (unsigned int i = 0; i < msg->nb_hdrs; i++) {
		if (msg->hdr_id[i] != SIP_HDR_PROXY_REQUIRE)
			continue;
		put(w, STRV("Unsupported: "));
		put(w, sip_strv(msg, sip_hdr_value(msg, i)));
		put(w, STRV("\r\n"));
	}
}

// 302: the same user at the chosen backend (8.3).
static void put_contact(struct writer *w, const struct decide_ctx *ctx, const struct sip_msg *msg,
	const struct decision *decision)
{
	char text[ENDPOINT_TEXT_MAX];
	struct sip_uri uri;

	put(w, STRV("Contact: <sip:"));
	if (sip_uri_parse(msg, msg->request_uri, &uri) == 0 && uri.is_sip && uri.user.len > 0) {
		put(w, sip_strv(msg, uri.user));
		put(w, STRV("@"));
	}
	endpoint_format(&snapshot_backend(ctx->snap, decision->backend)->addr, text);
	put(w, strv_from(text));
	put(w, STRV(">\r\n"));
}

static void put_extras(struct writer *w, const struct decide_ctx *ctx, const struct sip_msg *msg,
	const struct decision *decision)
{
	const struct snapshot_service *service = snapshot_service(ctx->snap, decision->service);

	switch (decision->reply_status) {
	case 200:
		put(w, STRV("Supported: path\r\n"));
		break;
	case 302:
		put_contact(w, ctx, msg, decision);
		break;
	case 420:
		put_unsupported(w, msg);
		break;
	case 503:
		if (service->retry_after == 0)
			break;
		put(w, STRV("Retry-After: "));
		put_number(w, service->retry_after);
		put(w, STRV("\r\n"));
		break;
	default:
		break;
	}
}

int reply_build(const struct decide_ctx *ctx, const struct decide_in *in,
	const struct decision *decision, char *out, size_t cap)
{
	const struct sip_msg *msg = in->msg;
	struct writer w = {.out = out, .cap = cap};

	if (msg->kind != SIP_REQUEST || msg->method == SIP_ACK ||
		(decision->reason != SIP_OK && !msg->can_reply))
		return -EINVAL;
	// Never an amplifier: of the request we count what has been understood, its header section.
	if (w.cap > (size_t)msg->hdr_line[msg->nb_hdrs] + REPLY_GROWTH_MAX)
		w.cap = (size_t)msg->hdr_line[msg->nb_hdrs] + REPLY_GROWTH_MAX;

	put_status(&w, decision);
	put_vias(&w, in);
	put_header(&w, msg, SIP_HDR_FROM);
	put_to(&w, ctx, msg);
	put_header(&w, msg, SIP_HDR_CALL_ID);
	put_header(&w, msg, SIP_HDR_CSEQ);
	put_extras(&w, ctx, msg, decision);
	put(&w, STRV("Content-Length: 0\r\n\r\n"));
	return w.full ? -EMSGSIZE : (int)w.len;
}
