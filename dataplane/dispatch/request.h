// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_REQUEST_H
#define DISPATCH_REQUEST_H

#include "dataplane/dispatch/decide.h"
#include "dataplane/dispatch/hash_jobs.h"
#include "dataplane/dispatch/token_inline.h"
#include "dataplane/dispatch/txn_cache.h"
#include "parser/opaque.h"

// A request on its way to a decision: what decide_many() and its helpers share.

#define SIP_PORT 5060
#define ROUTES_MAX 32 // Route values looked at; more are left as they are
#define ROUTES_POP_MAX 8 // of them ours
#define URI_CUTS_MAX 2 // port and maddr

struct route_value {
	struct sip_slice value;
	struct sip_slice uri;
	uint8_t hdr; // index of its header field
};

// What the Route header fields, and for a strict-routing predecessor the Request-URI, say about us.
struct routes {
	uint8_t nb_cuts;
	bool bad; // a value that matters is malformed: 400
	bool has_route_token; // at most one of the two
	bool has_path_token;
	bool has_next; // a Route is left
	bool restore_uri; // the Request-URI was ours: `uri` replaces it (16.4)
	bool strict_next; // the next Route is a strict router: it goes into the Request-URI (16.6)
	uint8_t nb_uri_cuts; // > 0: its maddr names us, and port and transport are no more either
			     // (16.4)
	struct route_token route;
	struct path_token path;
	struct sip_slice uri; // the Request-URI after 16.4
	struct sip_slice next_uri; // of the first Route that is left
	uint16_t end; // after the last Route header field
	struct sip_slice cuts[ROUTES_POP_MAX + 2]; // octets to take out
	struct sip_slice uri_cuts[URI_CUTS_MAX]; // and those of the Request-URI after 16.4
};

struct request {
	const struct decide_ctx *ctx;
	const struct decide_in *in;
	const struct snapshot *snap;
	const struct sip_msg *msg;
	const struct snapshot_listener *listener; // that it came to
	const struct snapshot_service *service;
	struct decision *out;
	const struct snapshot_key *key; // that signs; of a response: that signed
	uint64_t call_digest;
	uint64_t txn_hash; // 0: not known yet
	uint64_t binding_hash; // of the Request-URI's AoR; 0: not known yet
	bool wants_binding; // it may go by rule d
	uint16_t source_backend; // that it came from, or SNAPSHOT_NONE
	bool to_backend; // it goes to a backend of ours, which is out->backend
	bool unfinished; // request_finish() or response_finish() is still to come
	bool record_route; // one is put in
	bool needs_check, needs_routes; // what request_look() saw
	bool is_plain; // neither, nor anything else that comes before rules c to e
	bool has_branch_tag; // it will be in branch_tag
	bool has_check; // it was decided as if its Route's token had the right tag: see `check`
	uint64_t branch_tag, route_tag;
	uint64_t tag; // of a response: what its branch says
	struct token_check check;
	struct branch_token branch; // of our Via
	struct route_token route; // of our Record-Route
	struct endpoint target; // where its response goes
	struct sip_slice ours; // of a response: the Via to take out
	struct routes routes; // of a request
};

// The hashes that a burst's messages still need for their tokens. Each kind's are about as long as
// each other, which is what makes them fast side by side.
struct tag_jobs {
	struct hash_jobs branches, routes;
};

static inline void tag_jobs_init(struct tag_jobs *jobs)
{
	branch_tag_jobs_init(&jobs->branches);
	route_tag_jobs_init(&jobs->routes);
}

// decide.c
void decision_init(const struct decide_in *in, struct decision *out);
void decision_drop(struct decision *out, enum drop_reason reason);
// The address and port in a URI or sent-by, when `host` is an IP literal.
bool literal_endpoint(
	const struct sip_msg *msg, struct sip_slice host, uint16_t port, struct endpoint *ep);
// Where the response to a request with this Via goes (18.2.2, RFC 3581): its source, never maddr.
static inline void response_target(
	const struct sip_via *via, const struct endpoint *source, struct endpoint *target)
{
	uint32_t port = via->port != 0 ? via->port : SIP_PORT;
	uint32_t rport = -(uint32_t)(via->rport_param.len != 0);

	OPAQUE(port);
	OPAQUE(rport);
	// In place: what is put together from parts and then copied in one piece waits for its
	// parts to be stored.
	*target = *source;
	target->port = (uint16_t)((port & ~rport) | (source->port & rport));
}

// As if no Route had been looked at.
static inline void request_forget_routes(struct request *r)
{
	r->has_check = false;
	memset(&r->routes, 0, offsetof(struct routes, route)); // all that says what is in it
}

// request.c: a request whose source and digest are known, in steps. What it will look up is sent
// for first, which takes as long as looking at all messages of a burst. request_decide() says where
// it goes, and which tags request_finish() will need to write its edits; with `checks`, the tag
// of a token that came with it may be left to them: see has_check.
static inline void request_init(struct request *r, const struct decide_ctx *ctx,
	const struct decide_in *in, struct decision *out)
{
	r->ctx = ctx;
	r->in = in;
	r->snap = ctx->snap;
	r->msg = in->msg;
	r->out = out;
	r->listener = snapshot_listener(r->snap, in->listener);
	r->service = snapshot_service(r->snap, r->listener->service);
	r->key = &r->snap->keys[r->snap->primary_key];
	r->txn_hash = 0;
	r->binding_hash = 0;
	r->to_backend = false;
	r->unfinished = false;
	request_forget_routes(r);
	out->service = r->listener->service;
}

// May rule d decide it?
static inline bool may_be_bound(const struct request *r)
{
	return r->service->flags & SERVICE_AFFINITY_REGISTRATION && r->ctx->bindings != NULL &&
		r->msg->method != SIP_REGISTER;
}

// Only if it wants_binding.
void request_aor_job(struct request *r, struct hash_jobs *jobs);
void request_prefetch(struct request *r);
void request_look(struct request *r);
void request_decide(struct request *r, struct tag_jobs *jobs, struct hash_jobs *checks);
// What its Route says is not true: decide it again, now with every token checked at once.
void request_again(struct request *r);
void request_finish(struct request *r);

// route.c
// Look for ourselves in Route and Request-URI. Only for requests that have the one or look like the
// other; see routes_wanted(). The Request-URI after it is `uri` or as it was, without uri_cuts.
void routes_scan(struct request *r, struct hash_jobs *checks);
bool routes_wanted(const struct request *r);

// rewrite.c
// Fill in the tokens that a request will get, and have their tags made.
void rewrite_tokens(struct request *r, struct tag_jobs *jobs);
// Write the edits of a request that leaves from out->from to out->to.
void rewrite_request(struct request *r);
// received and rport in the top Via (18.2.1, RFC 3581).
void rewrite_via(struct edit_list *edits, const struct sip_msg *msg, const struct endpoint *source);

#endif
