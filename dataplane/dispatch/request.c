// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/request.h"

#include "dataplane/dispatch/acl.h"
#include "dataplane/dispatch/aor.h"
#include "dataplane/dispatch/binding_table.h"
#include "dataplane/dispatch/siphash.h"
#include "dataplane/dispatch/snapshot_find.h"
#include "dataplane/dispatch/table.h"
#include "dataplane/dispatch/text.h"
#include "dataplane/dispatch/txn_cache_inline.h"

#define COLD __attribute__((noinline, cold))

// Answer it ourselves, unless nobody would want that: a stateless server ignores ACK and CANCEL
// (8.2.7), and what has a forged source is not worth a packet.
static COLD void request_reply(struct request *r, uint16_t status)
{
	struct decision *out = r->out;

	out->to = r->target;
	out->from = r->in->listener;
	if (r->msg->method == SIP_ACK || r->msg->method == SIP_CANCEL)
		return decision_drop(out, DROP_ACK_UNANSWERABLE);
	if (!ip_addr_is_unicast(&out->to.ip) || out->to.port == 0 ||
		find_listener(r->snap, &out->to) != SNAPSHOT_NONE)
		return decision_drop(out, DROP_BAD_TARGET);
	out->action = ACTION_REPLY;
	out->reply_status = status;
}

static bool any_usable(const struct request *r)
{
	for (uint16_t i = 0; i < r->service->nb_backends; i++)
		if (backend_bit(r->ctx->bits->fresh, (uint16_t)(r->service->backend_first + i)))
			return true;
	return false;
}

static COLD void no_backend(struct request *r)
{
	if (r->service->flags & SERVICE_DROP_WHEN_DOWN)
		decision_drop(r->out, DROP_NO_BACKEND);
	else
		request_reply(r, 503);
}

// The same code as for an INVITE (11.2): 503 while we could not pass one on.
static COLD void answer_options(struct request *r)
{
	if (any_usable(r))
		request_reply(r, 200);
	else
		no_backend(r);
}

// Schemes that we understand enough to pass on (16.3 step 2): "tel" and "urn" (emergency services)
// are for our backends to route.
static bool scheme_understood(const struct sip_msg *msg)
{
	struct strv uri = sip_strv(msg, msg->request_uri);
	static const struct strv schemes[] = {
		{"sip:", 4},
		{"sips:", 5},
		{"tel:", 4},
		{"urn:", 4},
	};

	for (unsigned int i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (uri.len > schemes[i].len &&
			strv_ieq((struct strv){uri.ptr, schemes[i].len}, schemes[i]))
			return true;
	return false;
}

static inline bool starts_with_sip(const struct sip_msg *msg)
{
	uint32_t start;

	memcpy(&start, msg->buf + msg->request_uri.off, 4);
	return (start | 0x20202020) == 0x3a706973 && msg->request_uri.len > 4;
}

static bool over_limits(const struct request *r)
{
	const struct snapshot_service *s = r->service;
	const struct sip_msg *msg = r->msg;

	return (int)(s->max_message != 0 && msg->len > s->max_message) |
		(int)(s->max_header_bytes != 0 && msg->header_len > s->max_header_bytes) |
		(int)(s->max_headers != 0 && msg->nb_hdrs > s->max_headers);
}

static inline bool needs_check(const struct request *r)
{
	const struct sip_msg *msg = r->msg;

	// Not || : one jump for all of them.
	return (int)over_limits(r) | (int)!ip_addr_is_unicast(&r->in->source.ip) |
		(int)!starts_with_sip(msg) | (int)(msg->max_forwards == 0) |
		(int)sip_has(msg, SIP_HDR_PROXY_REQUIRE);
}

// Request validation (16.3). Returns false when that was all.
static COLD bool check_request(struct request *r)
{
	if (!ip_addr_is_unicast(&r->in->source.ip))
		decision_drop(r->out, DROP_BAD_TARGET);
	else if (over_limits(r) && r->source_backend == SNAPSHOT_NONE)
		decision_drop(r->out, DROP_TOO_LARGE);
	else if (!scheme_understood(r->msg))
		request_reply(r, 416);
	else if (r->msg->max_forwards == 0 && r->msg->method == SIP_OPTIONS)
		answer_options(r);
	else if (r->msg->max_forwards == 0)
		request_reply(r, 483);
	else if (sip_has(r->msg, SIP_HDR_PROXY_REQUIRE))
		request_reply(r, 420);
	else
		return true;
	return false;
}

// OPTIONS to our address, and not to a user there, is for us.
static COLD bool options_for_us(const struct request *r)
{
	struct endpoint ep;
	struct sip_uri uri;

	return !r->routes.has_next && !r->routes.has_route_token && !r->routes.has_path_token &&
		sip_uri_parse(r->msg, r->msg->request_uri, &uri) == 0 && uri.is_sip &&
		uri.user.len == 0 && literal_endpoint(r->msg, uri.host, uri.port, &ep) &&
		find_listener(r->snap, &ep) != SNAPSHOT_NONE;
}

static const struct snapshot_key *find_key(const struct snapshot *snap, char id)
{
	for (uint16_t i = 0; i < snap->nb_keys; i++)
		if (snap->keys[i].id == id)
			return &snap->keys[i];
	return NULL;
}

static bool starts_nothing(const struct sip_msg *msg)
{
	return msg->method == SIP_ACK || msg->method == SIP_CANCEL;
}

// Where the transaction cache has this transaction, if anywhere. Only with ctx->txns.
static inline uint64_t transaction(struct request *r)
{
	if (r->txn_hash == 0)
		r->txn_hash = txn_hash(r->ctx->txns, r->call_digest, r->msg->cseq,
			(uint32_t)r->out->service << 1 | (r->source_backend != SNAPSHOT_NONE));
	return r->txn_hash;
}

// While more than one key is valid: the one that this transaction was first signed with, so that
// its branch stays the same across a rotation.
static COLD void choose_key(struct request *r)
{
	const struct snapshot_key *key = NULL;
	struct txn_hit hit;

	if (r->ctx->txns != NULL &&
		txn_get(r->ctx->txns, transaction(r), r->ctx->now_ms, &hit) == 0)
		key = find_key(r->snap, hit.key_id);
	if (key == NULL && starts_nothing(r->msg) && r->ctx->now_ms < r->snap->prev_key_until_ms)
		key = &r->snap->keys[r->snap->prev_primary_key];
	if (key != NULL)
		r->key = key;
}

// Remember where a transaction went. Not for what belongs to an earlier one.
static void remember(struct request *r, uint32_t id)
{
	struct txn_hit hit = {.backend_id = id, .key_id = r->key->id};

	if (r->ctx->txns == NULL || starts_nothing(r->msg))
		return;
	(void)txn_put(r->ctx->txns, transaction(r), r->ctx->now_ms,
		r->msg->method == SIP_INVITE ? TXN_INVITE_TTL_MS : TXN_TTL_MS, hit);
}

// The listener that sends to `to`: `wanted` if it can, else the service's, else the one that the
// request came to.
static uint16_t sending_listener(const struct request *r, const struct snapshot_service *service,
	uint16_t wanted, const struct endpoint *to)
{
	uint8_t family = to->ip.family;
	uint16_t by_service = family == 6 ? service->listener_v6 : service->listener_v4;

	if (wanted != SNAPSHOT_NONE &&
		snapshot_listener(r->snap, wanted)->local.ip.family == family)
		return wanted;
	if (by_service != SNAPSHOT_NONE)
		return by_service;
	return r->listener->local.ip.family == family ? r->in->listener : SNAPSHOT_NONE;
}

// It is sent on. Its edits are written when its tags are there.
static void forward(struct request *r)
{
	struct decision *out = r->out;

	if (out->from == SNAPSHOT_NONE)
		return decision_drop(out, DROP_NO_LISTENER);
	if (r->snap->nb_keys > 1)
		choose_key(r);
	r->unfinished = true;
	out->action = ACTION_FORWARD;
}

static void to_backend(struct request *r, uint16_t index, enum rule rule)
{
	const struct snapshot_backend *b = snapshot_backend(r->snap, index);
	struct decision *out = r->out;

	out->rule = (uint8_t)rule;
	out->backend = index;
	out->to = b->addr;
	out->from =
		sending_listener(r, snapshot_service(r->snap, b->service), SNAPSHOT_NONE, &b->addr);
	r->to_backend = true;
	forward(r);
}

// Out to a client or another network, from one of our backends.
static void to_outside(struct request *r, uint16_t from, enum rule rule)
{
	struct decision *out = r->out;

	out->rule = (uint8_t)rule;
	out->backend = r->source_backend;
	out->from = from;
	if (!ip_addr_is_unicast(&out->to.ip) || out->to.port == 0 ||
		find_listener(r->snap, &out->to) != SNAPSHOT_NONE)
		return decision_drop(out, DROP_BAD_TARGET);
	forward(r);
	if (out->action == ACTION_FORWARD && r->msg->method == SIP_INVITE)
		remember(r, 0);
}

// Is the flow that a token names gone: its listener removed, or its address denied (RFC 5626
// section 5.3.1)?
static bool flow_failed(const struct request *r, uint16_t from, const struct endpoint *flow)
{
	return from == SNAPSHOT_NONE || !acl_permits(r->snap, from, &flow->ip) ||
		snapshot_listener(r->snap, from)->local.ip.family != flow->ip.family;
}

static void by_path_token(struct request *r)
{
	const struct path_token *path = &r->routes.path;
	uint16_t from = find_listener_id(r->snap, path->listener_id);

	r->out->rule = RULE_TOKEN;
	r->out->dialog_pinned = true;
	if (flow_failed(r, from, &path->flow))
		return request_reply(r, 430);
	r->out->to = path->flow;
	to_outside(r, from, RULE_TOKEN);
}

// Which way along a dialog: true from one of our backends towards the client.
static bool towards_client(const struct request *r, uint16_t token_backend)
{
	const struct route_token *token = &r->routes.route;
	const struct snapshot_backend *source;
	uint16_t listener, service;

	if (r->source_backend == SNAPSHOT_NONE)
		return false;
	source = snapshot_backend(r->snap, r->source_backend);
	if (token_backend != SNAPSHOT_NONE)
		service = snapshot_backend(r->snap, token_backend)->service;
	else if ((listener = find_listener_id(r->snap, token->client_listener_id)) != SNAPSHOT_NONE)
		service = snapshot_listener(r->snap, listener)->service;
	else
		service = r->listener->service;
	// A backend of another service is a client like any other, and so is one of this service
	// that called through us.
	if (source->service != service)
		return false;
	if (!ip_addr_eq(&token->flow.ip, &r->in->source.ip))
		return true;
	return token_backend != SNAPSHOT_NONE &&
		ip_addr_eq(&snapshot_backend(r->snap, token_backend)->addr.ip, &r->in->source.ip) &&
		token->flow.port != r->in->source.port;
}

// Rule a for a dialog. Returns false when its backend cannot take it: the table then chooses
// another.
static bool by_route_token(struct request *r)
{
	const struct route_token *token = &r->routes.route;
	uint16_t backend = find_backend_id(r->snap, token->backend_id);

	if (towards_client(r, backend)) {
		uint16_t wanted = find_listener_id(r->snap, token->client_listener_id);
		uint16_t from = sending_listener(r, r->service, wanted, &token->flow);

		r->out->rule = RULE_TOKEN;
		r->out->dialog_pinned = true;
		r->out->to = token->flow;
		if (from != SNAPSHOT_NONE && flow_failed(r, from, &token->flow))
			request_reply(r, 430);
		else
			to_outside(r, from, RULE_TOKEN);
		return true;
	}
	if (backend == SNAPSHOT_NONE || !backend_bit(r->ctx->bits->pinned, backend))
		return false;
	r->out->dialog_pinned = true;
	to_backend(r, backend, RULE_TOKEN);
	if (r->out->action == ACTION_FORWARD && r->msg->method == SIP_INVITE)
		remember(r, token->backend_id);
	return true;
}

// Rule b: the next Route, else the Request-URI. Returns false when that is ourselves.
static COLD bool by_next_hop(struct request *r)
{
	const struct routes *routes = &r->routes;
	const struct sip_msg *msg = r->msg;
	struct decision *out = r->out;
	struct sip_slice slice = routes->has_next ? routes->next_uri
		: routes->restore_uri             ? routes->uri
						  : msg->request_uri;
	struct sip_slice host;
	struct sip_uri uri;

	out->rule = RULE_OUTBOUND;
	if (sip_uri_parse(msg, slice, &uri) != 0) {
		request_reply(r, 400);
		return true;
	}
	if (!uri.is_sip) {
		request_reply(r, 416);
		return true;
	}
	if (!routes->has_next && routes->nb_uri_cuts > 0) {
		uri.maddr.len = 0;
		uri.port = 0;
	}
	// Nothing but UDP leaves here: the transport failed, which counts as a 503 from the next
	// hop, and a proxy makes that a 500 (16.7 step 6, 16.9).
	if (uri.is_sips || (uri.transport != SIP_TRANSPORT_OTHER && uri.transport != SIP_UDP)) {
		request_reply(r, 500);
		return true;
	}
	host = uri.maddr.len > 0 ? uri.maddr : uri.host;
	if (r->in->resolved != NULL) {
		// A name that leads nowhere is a next hop that failed, as above.
		if (r->in->resolved->ip.family == 0) {
			request_reply(r, 500);
			return true;
		}
		out->to = *r->in->resolved;
	} else if (!literal_endpoint(msg, host, uri.port, &out->to)) {
		out->action = ACTION_RESOLVE;
		out->backend = r->source_backend;
		out->resolve_host = host;
		out->resolve_port = uri.port;
		return true;
	}
	if (find_listener(r->snap, &out->to) != SNAPSHOT_NONE)
		return false;
	to_outside(r, sending_listener(r, r->service, r->in->listener, &out->to), RULE_OUTBOUND);
	return true;
}

// Of a From or To header field, "user@host"; without one the Call-ID has to do.
static COLD uint64_t aor_digest(const struct request *r, enum sip_hdr hdr)
{
	const struct sip_msg *msg = r->msg;
	int i = sip_find_hdr(msg, hdr);
	struct sip_name_addr na;
	struct sip_uri uri;

	if (i < 0 || sip_name_addr_parse(msg, sip_hdr_value(msg, (unsigned int)i), &na) != 0 ||
		sip_uri_parse(msg, na.uri, &uri) != 0 || !uri.is_sip)
		return r->call_digest;
	return snapshot_aor_digest(r->snap, sip_strv(msg, uri.user), sip_strv(msg, uri.host));
}

static uint64_t row_hash(const struct request *r)
{
	uint32_t key = r->service->hash_key, other = r->service->register_hash_key;

	OPAQUE(other);
	key = r->msg->method == SIP_REGISTER ? other : key;
	if (__builtin_expect(key == HASH_CALL_ID, 1))
		return r->call_digest;
	switch (key) {
	case HASH_FROM_AOR:
		return aor_digest(r, SIP_HDR_FROM);
	case HASH_TO_AOR:
		return aor_digest(r, SIP_HDR_TO);
	case HASH_SOURCE_IP:
		return snapshot_ip_digest(r->snap, &r->in->source.ip);
	default:
		return r->call_digest;
	}
}

// The first candidate of a row that may be used.
static inline uint16_t pick(
	const struct request *r, const struct snapshot_section *table, const uint64_t *usable)
{
	const uint16_t *row = snapshot_row(r->snap, table, r->out->row_hash);

	for (unsigned int i = 0; i < SNAPSHOT_CANDIDATES; i++)
		if (row[i] != SNAPSHOT_NONE && backend_bit(usable, row[i]))
			return row[i];
	return SNAPSHOT_NONE;
}

// What the row would hold if only usable backends were in the table.
static COLD uint16_t rescue(const struct request *r, const uint64_t *usable)
{
	uint32_t row = (uint32_t)r->out->row_hash & (r->service->table.nb - 1);
	uint16_t best = SNAPSHOT_NONE;
	uint64_t best_score = 0, best_name = 0;

	for (uint16_t i = 0; i < r->service->nb_backends; i++) {
		uint16_t index = (uint16_t)(r->service->backend_first + i);
		const struct snapshot_backend *b = snapshot_backend(r->snap, index);
		struct table_backend entry = {b->name_hash, b->weight, index};
		uint64_t score;

		if (b->weight == 0 || !backend_bit(usable, index))
			continue;
		score = table_score(&entry, row);
		if (best == SNAPSHOT_NONE || score > best_score ||
			(score == best_score && b->name_hash < best_name)) {
			best = index;
			best_score = score;
			best_name = b->name_hash;
		}
	}
	return best;
}

// Rule c: where the transaction went before.
static bool by_transaction(struct request *r)
{
	struct txn_hit hit;
	uint16_t index;

	if (r->ctx->txns == NULL ||
		txn_get(r->ctx->txns, transaction(r), r->ctx->now_ms, &hit) != 0)
		return false;
	index = find_backend_id(r->snap, hit.backend_id);
	// A hit on a backend that is down is a miss.
	if (index == SNAPSHOT_NONE || !backend_bit(r->ctx->bits->pinned, index))
		return false;
	r->out->dialog_pinned = true;
	to_backend(r, index, RULE_TXN);
	return true;
}

// What the earlier tables say. Of two that differ, the one that was in force for more of the last
// window: a transaction that began then more likely went by it.
static uint16_t pick_prev(const struct request *r)
{
	uint64_t since = r->ctx->now_ms, best_ms = 0;
	uint16_t best = SNAPSHOT_NONE;

	for (unsigned int i = 0; i < SNAPSHOT_PREV_MAX; i++) {
		const struct snapshot_prev *prev = &r->service->prev[i];
		uint16_t index;
		uint64_t ms;

		// Windows are equally long: what lies between two ends lay between two changes.
		if (prev->table.nb == 0 || prev->until_ms <= since)
			continue;
		ms = prev->until_ms - since;
		since = prev->until_ms;
		index = pick(r, &prev->table, r->ctx->bits->pinned);
		if (index == SNAPSHOT_NONE || ms < best_ms)
			continue;
		best = index;
		best_ms = ms;
	}
	return best;
}

// Rule c, second half: the table as it was when the transaction or dialog may have begun.
static COLD bool by_prev_table(struct request *r)
{
	uint16_t index = pick_prev(r);

	if (index == SNAPSHOT_NONE)
		return false;
	to_backend(r, index, RULE_PREV_TABLE);
	return true;
}

// Of the Request-URI's AoR; 0 when it has none.
static uint64_t binding_hash(const struct request *r)
{
	const struct sip_msg *msg = r->msg;
	struct sip_uri uri;

	if (sip_uri_parse(msg, msg->request_uri, &uri) != 0 || !uri.is_sip || uri.user.len == 0)
		return 0;
	return binding_table_hash(
		r->ctx->bindings, sip_strv(msg, uri.user), sip_strv(msg, uri.host));
}

// Rule d: the backend that holds the registration of the Request-URI's AoR.
static COLD bool by_binding(struct request *r)
{
	uint64_t hash = r->binding_hash != 0 ? r->binding_hash : binding_hash(r);
	uint32_t id;
	uint16_t index;

	if (hash == 0 ||
		binding_table_get(r->ctx->bindings, hash, (uint32_t)(r->ctx->now_ms / 1000), &id) !=
			0)
		return false;
	index = find_backend_id(r->snap, id);
	if (index == SNAPSHOT_NONE || !backend_bit(r->ctx->bits->pinned, index) ||
		snapshot_backend(r->snap, index)->service != r->listener->service)
		return false;
	r->out->dialog_pinned = true;
	to_backend(r, index, RULE_BINDING);
	return true;
}

// Rule e when the row's candidates are all out of use.
static COLD void by_rescue(struct request *r, bool bound)
{
	uint16_t index = rescue(r, r->ctx->bits->fresh);
	enum rule rule = RULE_RESCUE;

	// Everybody drains: what starts nothing new may still go where it went.
	if (index == SNAPSHOT_NONE && bound) {
		index = pick(r, &r->service->table, r->ctx->bits->pinned);
		rule = RULE_TABLE;
	}
	if (index == SNAPSHOT_NONE) {
		r->out->rule = RULE_NONE;
		return no_backend(r);
	}
	to_backend(r, index, rule);
}

// Rules c to e: one of our backends.
static void balance(struct request *r)
{
	const struct snapshot_service *service = r->service;
	// It belongs to something that exists already.
	bool bound = r->msg->to_tag.len > 0 || starts_nothing(r->msg);
	uint16_t index;

	r->out->row_hash = row_hash(r);
	if (by_transaction(r))
		return;
	if (bound && service->prev[0].table.nb != 0 && by_prev_table(r))
		return;
	if (may_be_bound(r) && by_binding(r)) {
		remember(r, snapshot_backend(r->snap, r->out->backend)->id);
		return;
	}
	index = pick(r, &service->table, r->ctx->bits->fresh);
	if (index != SNAPSHOT_NONE)
		to_backend(r, index, RULE_TABLE);
	else
		by_rescue(r, bound);
	if (r->out->action == ACTION_FORWARD)
		remember(r, snapshot_backend(r->snap, r->out->backend)->id);
}

// Services that do not proxy choose a backend and leave the message as it is, or answer with the
// choice.
static COLD void decide_unproxied(struct request *r)
{
	struct decision *out = r->out;
	uint16_t index;

	out->row_hash = row_hash(r);
	out->rule = RULE_TABLE;
	index = pick(r, &r->service->table, r->ctx->bits->fresh);
	if (index == SNAPSHOT_NONE) {
		index = rescue(r, r->ctx->bits->fresh);
		out->rule = RULE_RESCUE;
	}
	if (index == SNAPSHOT_NONE) {
		out->rule = RULE_NONE;
		if (r->service->mode == SERVICE_REDIRECT)
			return no_backend(r);
		return decision_drop(out, DROP_NO_BACKEND);
	}
	out->backend = index;
	if (r->service->mode == SERVICE_REDIRECT)
		return request_reply(r, 302);
	out->to = snapshot_backend(r->snap, index)->addr;
	out->action = ACTION_FORWARD;
}

void request_aor_job(struct request *r, struct hash_jobs *jobs)
{
	uint32_t len;

	len = aor_in_place(r->msg, r->msg->request_uri);
	if (len == 0)
		return;
	hash_job_add(jobs, binding_table_key(r->ctx->bindings), &r->binding_hash);
	hash_job_end(jobs, 0, r->msg->buf + r->msg->request_uri.off + AOR_AT, len);
}

// Will it most likely need nothing but its Route's token? An INVITE is remembered, and while keys
// change every transaction is looked up.
static bool by_token_alone(const struct request *r)
{
	return (int)sip_has(r->msg, SIP_HDR_ROUTE) & (int)(r->msg->to_tag.len > 0) &
		(int)(r->msg->method != SIP_INVITE) & (int)(r->snap->nb_keys == 1);
}

void request_prefetch(struct request *r)
{
	if (by_token_alone(r))
		return;
	// Of a service that hashes by another key this is a row in vain.
	__builtin_prefetch(snapshot_row(r->snap, &r->service->table, r->call_digest));
	if (r->ctx->txns != NULL)
		txn_prefetch(r->ctx->txns, transaction(r));
	if (r->wants_binding) {
		if (r->binding_hash == 0)
			r->binding_hash = binding_hash(r);
		binding_table_prefetch(r->ctx->bindings, r->binding_hash);
	}
}

static void proxy(struct request *r, struct hash_jobs *checks);

// Something else than its token decides and may remember it: not before the token has been checked.
static COLD void proxy_checked(struct request *r)
{
	request_forget_routes(r);
	proxy(r, NULL);
}

static void proxy(struct request *r, struct hash_jobs *checks)
{
	if (__builtin_expect(r->is_plain, 1))
		return balance(r);
	if (r->needs_check && !check_request(r))
		return;
	if (r->needs_routes)
		routes_scan(r, checks);
	if (r->routes.bad)
		return request_reply(r, 400);
	if (r->msg->method == SIP_OPTIONS && options_for_us(r))
		return answer_options(r);
	if (r->routes.has_path_token)
		return by_path_token(r);
	if (r->routes.has_route_token && by_route_token(r))
		return;
	if (r->has_check)
		return proxy_checked(r);
	if (r->source_backend != SNAPSHOT_NONE && !r->routes.has_route_token && by_next_hop(r))
		return;
	balance(r);
}

// Is it an OPTIONS that options_for_us() has to look at? One to a user is not for us.
static inline bool may_be_ours(const struct sip_msg *msg)
{
	struct strv uri = sip_strv(msg, msg->request_uri);

	return __builtin_expect(msg->method == SIP_OPTIONS, 0) &&
		text_find(uri.ptr, '@', uri.len) == NULL;
}

void request_look(struct request *r)
{
	response_target(&r->msg->via, &r->in->source, &r->target);
	r->needs_check = needs_check(r);
	r->needs_routes = routes_wanted(r);
	r->is_plain = !((int)r->needs_check | (int)r->needs_routes | (int)may_be_ours(r->msg) |
		(int)(r->source_backend != SNAPSHOT_NONE));
}

void request_decide(struct request *r, struct tag_jobs *jobs, struct hash_jobs *checks)
{
	if (r->service->mode != SERVICE_PROXY)
		return decide_unproxied(r);
	// An INVITE is remembered by what its token says.
	proxy(r, r->msg->method != SIP_INVITE ? checks : NULL);
	if (r->unfinished)
		rewrite_tokens(r, jobs);
}

COLD void request_again(struct request *r)
{
	struct tag_jobs jobs;

	tag_jobs_init(&jobs);
	decision_init(r->in, r->out);
	request_init(r, r->ctx, r->in, r->out);
	request_decide(r, &jobs, NULL);
	hash_jobs_24(&jobs.branches);
	hash_jobs_24(&jobs.routes);
}

void request_finish(struct request *r)
{
	rewrite_request(r);
	// A URI that is too long to be moved between Route and the Request-URI (16.4, 16.6 step 6).
	if (r->out->edits.overflow)
		request_reply(r, 414);
}

void decide_unparsable(const struct decide_ctx *ctx, const struct decide_in *in,
	enum sip_reason reason, struct decision *out)
{
	struct request r;

	decision_init(in, out);
	request_init(&r, ctx, in, out);
	out->reason = (uint8_t)reason;
	if (snapshot_is_forged_source(
		    r.snap, snapshot_find_backend_addr(r.snap, &in->source), in->port))
		return decision_drop(out, DROP_SPOOFED);
	if (reason == SIP_EMPTY)
		return decision_drop(out, DROP_KEEPALIVE);
	if (!in->msg->can_reply || r.service->mode != SERVICE_PROXY ||
		!(r.service->flags & SERVICE_REPLY_UNPARSABLE))
		return decision_drop(out, DROP_UNPARSABLE);
	response_target(&in->msg->via, &in->source, &r.target);
	request_reply(&r, reason == SIP_BAD_VERSION ? 505 : 400);
}
