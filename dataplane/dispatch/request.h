// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_REQUEST_H
#define DISPATCH_REQUEST_H

#include "dataplane/dispatch/decide.h"
#include "dataplane/dispatch/token.h"
#include "dataplane/dispatch/txn_cache.h"

// A request on its way to a decision: what decide_request() and its helpers share.

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
	uint8_t nb_uri_cuts; // > 0: its maddr names us, and port and transport are no more either (16.4)
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
	const struct snapshot_key *key; // that signs
	uint64_t call_digest;
	uint64_t txn_hash; // only with ctx->txns
	struct endpoint target; // where its response goes
	uint16_t source_backend; // that it came from, or SNAPSHOT_NONE
	bool to_backend; // it goes to a backend of ours, which is out->backend
	struct routes routes;
};

// The key of a prepared request's transaction.
static inline uint64_t request_txn_hash(const struct decide_ctx *ctx, const struct decide_in *in,
	uint16_t service)
{
	return txn_cache_hash(ctx->txns, in->call_digest, in->msg->cseq,
		(uint32_t)service << 1 | (in->source_backend != SNAPSHOT_NONE));
}

// decide.c
void decision_init(const struct decide_in *in, struct decision *out);
void decision_drop(struct decision *out, enum drop_reason reason);
// The address and port in a URI or sent-by, when `host` is an IP literal.
bool literal_endpoint(
	const struct sip_msg *msg, struct sip_slice host, uint16_t port, struct endpoint *ep);
// Where the response to a request with this Via goes (18.2.2, RFC 3581): its source, never maddr.
struct endpoint response_target(const struct sip_via *via, const struct endpoint *source);

// route.c
// Look for ourselves in Route and Request-URI. Only for requests that have the one or look like the
// other; see routes_wanted(). The Request-URI after it is `uri` or as it was, without uri_cuts.
void routes_scan(struct request *r);
bool routes_wanted(const struct request *r);

// rewrite.c
// Write the edits of a request that leaves from out->from to out->to.
void rewrite_request(struct request *r);
// received and rport in the top Via (18.2.1, RFC 3581).
void rewrite_via(struct edit_list *edits, const struct sip_msg *msg, const struct endpoint *source);

#endif
