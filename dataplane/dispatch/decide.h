// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_DECIDE_H
#define DISPATCH_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/dispatch/addr.h"
#include "dataplane/dispatch/edit.h"
#include "dataplane/dispatch/snapshot.h"
#include "parser/sip_msg.h"

// What to do with one parsed message: the proxy of RFC 3261 section 16.11 as a pure function of the
// message, the snapshot, the backends' bits and the (best effort) caches.

struct txn_cache; // dispatch/txn_cache.h
struct binding_table; // dispatch/binding_table.h

enum action {
	ACTION_FORWARD, // apply edits, send from `from` to `to`
	ACTION_REPLY, // send the locally built response `reply_status` back (reply.h)
	ACTION_DROP, // count `drop`
	ACTION_PROBE, // a response to one of our own health probes: event to control
	ACTION_RESOLVE, // the next hop is a name: control resolves it and injects the message again
	ACTIONS
};

// Why a message went where it went: the letters of the design, in the order they are tried.
enum rule {
	RULE_NONE,
	RULE_TOKEN, // a: our token in the top Route
	RULE_OUTBOUND, // b: from a backend, next Route or Request-URI
	RULE_TXN, // c: the transaction cache
	RULE_PREV_TABLE, // c: the previous table, inside its window
	RULE_BINDING, // d: the backend that holds the registration
	RULE_TABLE, // e: the table
	RULE_RESCUE, // e: no candidate of the row is usable: best usable of all (rendezvous)
	RULE_VIA, // a response: our verified Via
	RULES
};

enum drop_reason {
	DROP_NONE,
	// decided in dispatch
	DROP_UNPARSABLE,
	DROP_FOREIGN_VIA, // response whose top Via is not ours (16.11)
	DROP_FORGED_BRANCH, // ... is ours by name, but does not verify
	DROP_RESPONSE_NOT_FROM_BACKEND, // verified, but from nobody we sent to
	DROP_NO_NEXT_VIA,
	DROP_BAD_TARGET, // next hop is broadcast, multicast, loopback or ourselves
	DROP_NO_BACKEND,
	DROP_ACK_UNANSWERABLE, // an ACK that would have got an error response
	DROP_NO_LISTENER, // no listener of the next hop's address family
	DROP_TOO_LARGE,
	DROP_ACL,
	DROP_RATE_SOURCE,
	DROP_RATE_REPLY,
	DROP_NOT_ALLOWED, // a request from outside to something we do not serve: never an open relay
	DROP_EDIT_OVERFLOW,
	DROP_NO_RESOLVER,
	DROP_SPOOFED, // a backend's address as source, on a port where that backend cannot be
	// met by the dataplane
	DROP_NOT_READY, // no snapshot yet
	DROP_BAD_IP, // malformed IP or UDP header
	DROP_BAD_CHECKSUM,
	DROP_FRAGMENT, // cannot be reassembled: overlap, too many, too large
	DROP_FRAGMENT_LIMIT, // per source or in all
	DROP_FRAGMENT_DUPLICATE, // the same fragment again: harmless
	DROP_NO_ROUTE,
	DROP_NEIGHBOUR, // could not be resolved in time, or its queue is full
	DROP_NO_MBUF,
	DROP_TX_FULL,
	DROP_KEEPALIVE, // CRLF or an empty datagram that needs no answer
	DROP_TWIN_FULL, // the kernel twin does not take it
	DROP_REASONS
};

const char *rule_name(enum rule rule); // "token"; stable, for metrics and JSON
const char *drop_reason_name(enum drop_reason reason); // "forged-branch"

// What a worker decides with; the pointers stay valid for the burst.
struct decide_ctx {
	const struct snapshot *snap;
	const struct backend_bits *bits;
	struct txn_cache *txns; // this worker's; NULL: none
	const struct binding_table *bindings; // NULL: none
	uint64_t now_ms; // CLOCK_MONOTONIC
};

// Where a message came from.
struct decide_in {
	const struct sip_msg *msg;
	struct endpoint source;
	uint16_t listener; // index in the snapshot of the one it was received on
	uint16_t port; // index of the port that it came in on, or SNAPSHOT_NONE: any
	// The answer to an earlier ACTION_RESOLVE for this very message: where the name leads. NULL: none.
	const struct endpoint *resolved;
};

struct decision {
	uint8_t action; // enum action
	uint8_t rule; // enum rule
	uint8_t drop; // enum drop_reason
	bool dialog_pinned; // it belongs to something that exists (token or cache): drain lets it pass
	uint16_t backend; // index in the snapshot; SNAPSHOT_NONE when none is involved
	uint16_t service;
	uint16_t from; // listener index that it leaves from
	uint16_t reply_status; // ACTION_REPLY; `to` and `from` say where it goes, reply_build() what
	uint8_t reason; // enum sip_reason: what was wrong, of a message that sip_parse() refused
	uint8_t token; // enum token_error: the worst that a token of ours met, for counters
	uint64_t row_hash; // of the dispatch key, when rule is TABLE, PREV_TABLE or RESCUE
	uint64_t probe_id; // ACTION_PROBE
	struct endpoint to;
	struct sip_slice resolve_host; // ACTION_RESOLVE
	uint16_t resolve_port; // 0: by RFC 3263
	struct edit_list edits;
};

// Any thread; ctx->txns belongs to the caller's thread. Reads the message, never writes it.
// On return every field that the action needs is set.
void decide(const struct decide_ctx *ctx, const struct decide_in *in, struct decision *out);

// The same for up to DECIDE_MAX messages at once, which costs less: their hashes are made side by
// side, and what one will look up is on its way while others are looked at.
#define DECIDE_MAX 8
void decide_many(const struct decide_ctx *ctx, const struct decide_in *const in[],
	struct decision *const out[], unsigned int nb);

// What to do with a message that sip_parse() refused: ACTION_REPLY (400, 505, ...) if policy and
// msg->can_reply allow it, else ACTION_DROP.
void decide_unparsable(const struct decide_ctx *ctx, const struct decide_in *in,
	enum sip_reason reason, struct decision *out);

#endif
