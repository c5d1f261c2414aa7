// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/decide.h"

#include "dataplane/dispatch/next_via.h"
#include "dataplane/dispatch/request.h"
#include "dataplane/dispatch/token.h"

static const char *const rule_names[RULES] = {
	[RULE_NONE] = "none",
	[RULE_TOKEN] = "token",
	[RULE_OUTBOUND] = "outbound",
	[RULE_TXN] = "transaction",
	[RULE_PREV_TABLE] = "previous-table",
	[RULE_BINDING] = "binding",
	[RULE_TABLE] = "table",
	[RULE_RESCUE] = "rescue",
	[RULE_VIA] = "via",
};

static const char *const drop_reason_names[DROP_REASONS] = {
	[DROP_NONE] = "none",
	[DROP_UNPARSABLE] = "unparsable",
	[DROP_FOREIGN_VIA] = "foreign-via",
	[DROP_FORGED_BRANCH] = "forged-branch",
	[DROP_RESPONSE_NOT_FROM_BACKEND] = "response-not-from-backend",
	[DROP_NO_NEXT_VIA] = "no-next-via",
	[DROP_BAD_TARGET] = "bad-target",
	[DROP_NO_BACKEND] = "no-backend",
	[DROP_ACK_UNANSWERABLE] = "ack-unanswerable",
	[DROP_NO_LISTENER] = "no-listener",
	[DROP_TOO_LARGE] = "too-large",
	[DROP_ACL] = "acl",
	[DROP_RATE_SOURCE] = "rate-source",
	[DROP_RATE_REPLY] = "rate-reply",
	[DROP_NOT_ALLOWED] = "not-allowed",
	[DROP_EDIT_OVERFLOW] = "edit-overflow",
	[DROP_NO_RESOLVER] = "no-resolver",
	[DROP_SPOOFED] = "spoofed-backend",
	[DROP_NOT_READY] = "not-ready",
	[DROP_BAD_IP] = "bad-ip",
	[DROP_BAD_CHECKSUM] = "bad-checksum",
	[DROP_FRAGMENT] = "fragment",
	[DROP_FRAGMENT_LIMIT] = "fragment-limit",
	[DROP_FRAGMENT_DUPLICATE] = "fragment-duplicate",
	[DROP_NO_ROUTE] = "no-route",
	[DROP_NEIGHBOUR] = "neighbour",
	[DROP_NO_MBUF] = "no-mbuf",
	[DROP_TX_FULL] = "tx-full",
	[DROP_KEEPALIVE] = "keepalive",
	[DROP_TWIN_FULL] = "twin-full",
};

const char *rule_name(enum rule rule)
{
	return (unsigned int)rule < RULES ? rule_names[rule] : "unknown";
}

const char *drop_reason_name(enum drop_reason reason)
{
	return (unsigned int)reason < DROP_REASONS ? drop_reason_names[reason] : "unknown";
}

bool literal_endpoint(
	const struct sip_msg *msg, struct sip_slice host, uint16_t port, struct endpoint *ep)
{
	if (ip_addr_parse(sip_strv(msg, host), &ep->ip) != 0)
		return false;
	ep->port = port != 0 ? port : SIP_PORT;
	return true;
}

struct endpoint response_target(const struct sip_via *via, const struct endpoint *source)
{
	struct endpoint target = {.ip = source->ip, .port = source->port};

	if (via->rport_param.len == 0)
		target.port = via->port != 0 ? via->port : SIP_PORT;
	return target;
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
		memcmp(in->msg->buf + via->sent_by.off, l->sent_by, l->sent_by_len) == 0)
		return true;
	return literal_endpoint(in->msg, via->host, via->port, &ep) &&
		snapshot_find_listener(ctx->snap, &ep) != SNAPSHOT_NONE;
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
		snapshot_find_backend_id(ctx->snap, token->backend_id) == SNAPSHOT_NONE;
}

// Which backend it came from, if it can have come from there.
static void find_source(const struct decide_ctx *ctx, struct decide_in *in, uint16_t service)
{
	in->source_backend = snapshot_find_backend_source(ctx->snap, &in->source, service);
	in->spoofed = snapshot_is_forged_source(ctx->snap, in->source_backend, in->port);
	if (in->spoofed)
		in->source_backend = SNAPSHOT_NONE;
}

void decide_response(const struct decide_ctx *ctx, const struct decide_in *in, struct decision *out)
{
	struct decide_in prepared;
	const struct snapshot *snap = ctx->snap;
	const struct sip_msg *msg = in->msg;
	struct strv branch = sip_strv(msg, msg->via.branch);
	struct branch_token token;
	struct sip_slice ours;
	struct sip_via next;

	decision_init(in, out);
	out->service = snapshot_listener(snap, in->listener)->service;
	if (!in->prepared) {
		prepared = *in;
		find_source(ctx, &prepared, out->service);
		in = &prepared;
	}
	out->backend = in->source_backend;
	if (in->spoofed)
		return decision_drop(out, DROP_SPOOFED);
	// 16.11: what is not ours is discarded silently.
	if (!via_is_ours(ctx, in))
		return decision_drop(out, DROP_FOREIGN_VIA);
	if (is_probe(ctx, in, branch, out))
		return;
	if (!next_via(msg, &next, &ours) || !via_target(msg, &next, &out->to))
		return decision_drop(out, DROP_NO_NEXT_VIA);
	out->token = (uint8_t)branch_token_verify(snap, branch, msg, &next, &out->to, &token);
	if (out->token != TOKEN_OK)
		return decision_drop(out, DROP_FORGED_BRANCH);
	if (!sender_fits(ctx, &token, out->backend))
		return decision_drop(out, DROP_RESPONSE_NOT_FROM_BACKEND);
	// From the address and port that the request came to (RFC 3581 section 4).
	out->from = snapshot_find_listener_id(snap, token.listener_id);
	if (out->from == SNAPSHOT_NONE ||
		snapshot_listener(snap, out->from)->local.ip.family != out->to.ip.family)
		return decision_drop(out, DROP_NO_LISTENER);
	if (!ip_addr_is_unicast(&out->to.ip) || out->to.port == 0 ||
		snapshot_find_listener(snap, &out->to) != SNAPSHOT_NONE)
		return decision_drop(out, DROP_BAD_TARGET);
	if (out->backend == SNAPSHOT_NONE)
		out->backend = snapshot_find_backend_addr(snap, &out->to);
	out->rule = RULE_VIA;
	out->action = ACTION_FORWARD;
	edit_add(&out->edits, ours.off, ours.len, 0, 0);
}

void decide_prefetch(const struct decide_ctx *ctx, struct decide_in *in)
{
	const struct snapshot *snap = ctx->snap;
	const struct sip_msg *msg = in->msg;
	uint16_t service = snapshot_listener(snap, in->listener)->service;

	in->prepared = true;
	find_source(ctx, in, service);
	if (msg->kind != SIP_REQUEST)
		return;
	in->call_digest = snapshot_call_digest(snap, sip_strv(msg, msg->call_id));
	// Of a service that hashes by another key this is a row in vain.
	__builtin_prefetch(
		snapshot_row(snap, &snapshot_service(snap, service)->table, in->call_digest));
	if (ctx->txns != NULL)
		txn_cache_prefetch(ctx->txns, request_txn_hash(ctx, in, service));
}

void decide(const struct decide_ctx *ctx, const struct decide_in *in, struct decision *out)
{
	if (in->msg->kind == SIP_REQUEST)
		decide_request(ctx, in, out);
	else
		decide_response(ctx, in, out);
}
