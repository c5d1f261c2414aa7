// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/decide.h"

#include "dataplane/dispatch/copy.h"
#include "dataplane/dispatch/next_via.h"
#include "dataplane/dispatch/request.h"
#include "dataplane/dispatch/snapshot_find.h"
#include "dataplane/dispatch/text.h"
#include "dataplane/dispatch/token_inline.h"
#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

#if defined(__AVX2__)
// A dotted quad in a message: 16 octets from its start are readable. False for everything else, and
// for numbers that start with a zero: ip_addr_parse() knows.
static inline bool quick_ipv4(const char *p, uint32_t len, struct ip_addr *ip)
{
	const __m128i spread = _mm_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
	// By digits: the least number that is written with so many, and none with none.
	const __m128i least = _mm_setr_epi8(-1, 0, 10, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	__m128i x = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)p), _mm_set1_epi8('0'));
	__m128i digit = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(9)), x);
	__m128i dot = _mm_cmpeq_epi8(x, _mm_set1_epi8((char)('.' - '0')));
	uint32_t valid = (1u << (len & 15)) - 1, rest, bad, packed = 0, starts, nb, quad;
	__m128i ends, first, at, numbers, lower;

	rest = (uint32_t)_mm_movemask_epi8(dot) & valid;
	bad = (rest | ((uint32_t)_mm_movemask_epi8(digit) & valid)) ^ valid;
	// The end counts as a fourth dot.
	rest |= valid + 1;
	for (unsigned int i = 0; i < 4; i++) {
		packed |= _tzcnt_u32(rest) << 8 * i;
		rest &= rest - 1;
	}
	starts = (packed << 8) + 0x01010100;
	nb = packed - starts;
	// Between one and three digits each; where dots are missing, the last number ends at 32.
	bad |= rest | (nb & 0xfcfcfcfc) | (uint32_t)(len - 7 > 8) | (packed >> 24 & 32);
	ends = _mm_shuffle_epi8(_mm_cvtsi32_si128((int)packed), spread);
	first = _mm_shuffle_epi8(_mm_cvtsi32_si128((int)starts), spread);
	// Units, tens and hundreds of each, and nothing before the first digit.
	at = _mm_sub_epi8(ends, _mm_set1_epi32(0x04030201));
	at = _mm_or_si128(at, _mm_cmpgt_epi8(first, at));
	numbers = _mm_maddubs_epi16(_mm_shuffle_epi8(x, at), _mm_set1_epi32(0x00640a01));
	numbers = _mm_madd_epi16(numbers, _mm_set1_epi16(1));
	lower = _mm_cvtepu8_epi32(_mm_shuffle_epi8(least, _mm_cvtsi32_si128((int)nb)));
	bad |= (uint32_t)_mm_movemask_epi8(_mm_or_si128(
		_mm_cmpgt_epi32(lower, numbers), _mm_cmpgt_epi32(numbers, _mm_set1_epi32(255))));
	if (bad != 0)
		return false;
	quad = (uint32_t)_mm_cvtsi128_si32(_mm_shuffle_epi8(numbers,
		_mm_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1)));
	*ip = (struct ip_addr){.family = 4};
	memcpy(ip->octets, &quad, 4);
	return true;
}
#elif defined(__SSE2__)
// A dotted quad in a message: three octets before it are readable, and 16 from its start. False for
// everything else, and for numbers that start with a zero: ip_addr_parse() knows.
static inline bool quick_ipv4(const char *p, uint32_t len, struct ip_addr *ip)
{
	__m128i x = _mm_loadu_si128((const __m128i *)p);
	uint32_t valid = (1u << (len & 31)) - 1;
	uint32_t dots = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_set1_epi8('.'))) & valid;
	uint32_t digits =
		(uint32_t)_mm_movemask_epi8(_mm_and_si128(_mm_cmpgt_epi8(x, _mm_set1_epi8('0' - 1)),
			_mm_cmpgt_epi8(_mm_set1_epi8('9' + 1), x)));
	uint32_t start = 0, quad = 0, bad = len < 7 || len > 15;

	bad |= ((dots | digits) & valid) != valid;
	// The end counts as a fourth dot.
	dots |= valid + 1;
	for (unsigned int i = 0; i < 4; i++) {
		uint32_t end = (uint32_t)__builtin_ctz(dots | 1u << 31), nb = end - start, word;

		dots &= dots - 1;
		bad |= nb - 1 > 2;
		memcpy(&word, p + end - 4, 4);
		// Units in the highest octet, nothing below the first digit.
		word = (word ^ 0x30303030) &
			(uint32_t)(UINT64_C(0xffffffff00000000) >> 8 * (nb & 3));
		bad |= (nb > 1) & (p[start] == '0');
		word = (word >> 24) + 10 * (word >> 16 & 0xff) + 100 * (word >> 8 & 0xff);
		bad |= word > 255;
		quad |= word << 8 * i;
		start = end + 1;
	}
	if (bad || dots != 0)
		return false;
	*ip = (struct ip_addr){.family = 4};
	memcpy(ip->octets, &quad, 4);
	return true;
}
#else
static inline bool quick_ipv4(const char *p, uint32_t len, struct ip_addr *ip)
{
	return false;
}
#endif

bool literal_endpoint(
	const struct sip_msg *msg, struct sip_slice host, uint16_t port, struct endpoint *ep)
{
	if (!quick_ipv4(msg->buf + host.off, host.len, &ep->ip) &&
		ip_addr_parse(sip_strv(msg, host), &ep->ip) != 0)
		return false;
	ep->port = port != 0 ? port : SIP_PORT;
	return true;
}

void decision_init(const struct decide_in *in, struct decision *out)
{
	out->action = ACTION_DROP;
	out->rule = RULE_NONE;
	out->drop = DROP_NONE;
	out->dialog_pinned = false;
	out->backend = SNAPSHOT_NONE;
	out->from = in->listener;
	out->reply_status = 0;
	out->reason = SIP_OK;
	out->token = TOKEN_OK;
	out->row_hash = 0;
	out->resolve_port = 0;
	edit_list_init(&out->edits);
}

void decision_drop(struct decision *out, enum drop_reason reason)
{
	out->action = ACTION_DROP;
	out->drop = (uint8_t)reason;
}

// Is the top Via ours: does its sent-by name one of our listeners?
static bool via_is_ours(const struct decide_ctx *ctx, const struct decide_in *in)
{
	const struct snapshot_listener *l = snapshot_listener(ctx->snap, in->listener);
	const struct sip_via *via = &in->msg->via;
	struct endpoint ep;

	// Written by us and sent back to where we sent it from: the very same octets.
	if (via->sent_by.len == l->sent_by_len &&
		text_same(in->msg->buf + via->sent_by.off, l->sent_by, l->sent_by_len))
		return true;
	return literal_endpoint(in->msg, via->host, via->port, &ep) &&
		find_listener(ctx->snap, &ep) != SNAPSHOT_NONE;
}

// Where a response goes by the Via that its sender put in and we completed (18.2.2, RFC 3581).
static bool via_target(
	const struct sip_msg *msg, const struct sip_via *via, struct endpoint *target)
{
	struct sip_slice host = via->received.len > 0 ? via->received : via->host;
	uint16_t port = via->rport != 0 ? via->rport : via->port;

	return literal_endpoint(msg, host, port, target);
}

static bool is_probe(const struct decide_ctx *ctx, const struct decide_in *in, struct strv branch,
	struct decision *out)
{
	enum token_error error = probe_token_verify(ctx->snap, branch, &out->probe_id);

	if (error == TOKEN_ABSENT)
		return false;
	out->token = (uint8_t)error;
	if (error != TOKEN_OK) {
		decision_drop(out, DROP_FORGED_BRANCH);
	} else if (out->backend == SNAPSHOT_NONE) {
		decision_drop(out, DROP_RESPONSE_NOT_FROM_BACKEND);
	} else {
		out->action = ACTION_PROBE;
		out->rule = RULE_VIA;
	}
	return true;
}

// May this response have come from where it came from? Its branch has been verified: whoever sent
// it has seen our request.
static bool sender_fits(
	const struct decide_ctx *ctx, const struct branch_token *token, uint16_t source_backend)
{
	// Our request went from a backend to somebody else, or to a backend that has been removed
	// since: nobody else can know the branch, and it says where the response goes.
	return source_backend != SNAPSHOT_NONE || token->backend_id == 0 ||
		find_backend_id(ctx->snap, token->backend_id) == SNAPSHOT_NONE;
}

// A response up to the tag that its branch must have. 16.11: what is not ours is discarded
// silently.
static void response_decide(struct request *r, struct tag_jobs *jobs)
{
	const struct sip_msg *msg = r->msg;
	struct strv branch = sip_strv(msg, msg->via.branch);
	struct decision *out = r->out;
	struct sip_via next;

	out->backend = r->source_backend;
	if (!via_is_ours(r->ctx, r->in))
		return decision_drop(out, DROP_FOREIGN_VIA);
	if (is_probe(r->ctx, r->in, branch, out))
		return;
	if (!next_via(msg, &next, &r->ours) || !via_target(msg, &next, &out->to))
		return decision_drop(out, DROP_NO_NEXT_VIA);
	r->unfinished = true;
	r->has_branch_tag = branch_token_open(r->snap, branch, &r->branch, &r->key, &r->tag) &&
		branch_tag_job(&jobs->branches, r->key, &r->branch, sip_strv(msg, next.branch),
			&out->to, &r->branch_tag);
	if (!r->has_branch_tag)
		out->token = (uint8_t)branch_token_verify(
			r->snap, branch, msg, &next, &out->to, &r->branch);
}

#define FRONT_MAX 256 // octets before our Via
#define FRONT_MORE 64 // octets behind it

// Take out our Via. Where it stands among the first header fields, the front without it is put
// together here, with some of what follows, so that it is never shorter than a vector.
static inline void response_edit(struct request *r)
{
	struct edit_list *edits = &r->out->edits;
	const struct sip_msg *msg = r->msg;
	uint32_t from = (uint32_t)r->ours.off + r->ours.len;
	char *p;

	if (__builtin_expect((int)(r->ours.off > FRONT_MAX) | (int)(msg->len < from + FRONT_MORE) |
			    (int)(from > UINT16_MAX - FRONT_MORE),
		    0)) {
		edit_add(edits, r->ours.off, r->ours.len, 0, 0);
		return;
	}
	p = copy_upto(edits->text, msg->buf, r->ours.off, FRONT_MAX);
	p = copy_wide(p, msg->buf + from, FRONT_MORE);
	edit_front(edits, from + FRONT_MORE, p);
}

static void response_finish(struct request *r)
{
	const struct snapshot *snap = r->snap;
	struct decision *out = r->out;

	if (r->has_branch_tag && (r->tag ^ r->branch_tag) != 0)
		out->token = TOKEN_FORGED;
	if (out->token != TOKEN_OK)
		return decision_drop(out, DROP_FORGED_BRANCH);
	if (!sender_fits(r->ctx, &r->branch, out->backend))
		return decision_drop(out, DROP_RESPONSE_NOT_FROM_BACKEND);
	// From the address and port that the request came to (RFC 3581 section 4).
	out->from = find_listener_id(snap, r->branch.listener_id);
	if (out->from == SNAPSHOT_NONE ||
		snapshot_listener(snap, out->from)->local.ip.family != out->to.ip.family)
		return decision_drop(out, DROP_NO_LISTENER);
	if (!ip_addr_is_unicast(&out->to.ip) || out->to.port == 0 ||
		find_listener(snap, &out->to) != SNAPSHOT_NONE)
		return decision_drop(out, DROP_BAD_TARGET);
	if (out->backend == SNAPSHOT_NONE)
		out->backend = snapshot_find_backend_addr(snap, &out->to);
	out->rule = RULE_VIA;
	out->action = ACTION_FORWARD;
	response_edit(r);
}

// Everything about a message that does not depend on hashes. Returns false when that was all: it
// says that it comes from a backend, and cannot.
static bool begin(struct request *r, const struct decide_ctx *ctx, const struct decide_in *in,
	struct decision *out)
{
	decision_init(in, out);
	request_init(r, ctx, in, out);
	r->source_backend = find_backend_source(ctx->snap, &in->source, out->service);
	if (!snapshot_is_forged_source(ctx->snap, r->source_backend, in->port))
		return true;
	decision_drop(out, DROP_SPOOFED);
	return false;
}

static void digest_job(const struct snapshot *snap, const struct sip_msg *msg, uint64_t *digest,
	struct hash_jobs *jobs)
{
	struct sip_slice id = msg->call_id;

	if (id.len > HASH_JOB_DATA_MAX) {
		*digest = snapshot_call_digest(snap, sip_strv(msg, id));
	} else {
		hash_job_add(jobs, snap->table_key, digest);
		hash_job_end(jobs, 0, msg->buf + id.off, id.len);
	}
}

_Static_assert(DECIDE_MAX <= HASH_JOBS_MAX, "every message may need one hash of each kind");

void decide_many(const struct decide_ctx *ctx, const struct decide_in *const in[],
	struct decision *const out[], unsigned int nb)
{
	struct request requests[DECIDE_MAX];
	struct request *live[DECIDE_MAX];
	struct hash_jobs digests, aors;
	struct hash_jobs checks; // of tokens that came with requests
	struct tag_jobs tags;
	unsigned int nb_live = 0;

	hash_jobs_init(&digests, 0);
	hash_jobs_init(&aors, 0);
	tag_jobs_init(&tags);
	route_tag_jobs_init(&checks);
	for (unsigned int i = 0; i < nb; i++)
		if (in[i]->msg->kind == SIP_REQUEST)
			digest_job(ctx->snap, in[i]->msg, &requests[i].call_digest, &digests);
	hash_jobs_13(&digests);
	for (unsigned int i = 0; i < nb; i++) {
		struct request *r = &requests[i];

		if (!begin(r, ctx, in[i], out[i]))
			continue;
		live[nb_live++] = r;
		if (r->msg->kind == SIP_REQUEST) {
			// What has a Route rarely gets as far as bindings.
			r->wants_binding = may_be_bound(r) && !sip_has(r->msg, SIP_HDR_ROUTE);
			if (r->wants_binding)
				request_aor_job(r, &aors);
		}
	}
	hash_jobs_13(&aors);
	for (unsigned int i = 0; i < nb_live; i++)
		if (live[i]->msg->kind == SIP_REQUEST)
			request_prefetch(live[i]);
	for (unsigned int i = 0; i < nb_live; i++)
		if (live[i]->msg->kind == SIP_REQUEST)
			request_look(live[i]);
	for (unsigned int i = 0; i < nb_live; i++) {
		if (live[i]->msg->kind == SIP_REQUEST)
			request_decide(live[i], &tags, &checks);
		else
			response_decide(live[i], &tags);
	}
	hash_jobs_24_both(&tags.branches, tags.routes.nb > checks.nb ? &tags.routes : &checks);
	hash_jobs_24(tags.routes.nb > checks.nb ? &checks : &tags.routes);
	for (unsigned int i = 0; i < nb_live; i++) {
		if (live[i]->has_check && live[i]->check.says != live[i]->check.computed)
			request_again(live[i]);
		if (!live[i]->unfinished)
			continue;
		if (live[i]->msg->kind == SIP_REQUEST)
			request_finish(live[i]);
		else
			response_finish(live[i]);
	}
}
