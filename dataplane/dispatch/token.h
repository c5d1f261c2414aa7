// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_TOKEN_H
#define DISPATCH_TOKEN_H

#include "dataplane/dispatch/addr.h"
#include "dataplane/dispatch/hash_jobs.h"
#include "dataplane/dispatch/snapshot.h"
#include "parser/sip_msg.h"

// What travels in the message instead of in our memory, signed with the cluster's key (SipHash-2-4,
// 64-bit tags). Lower-case letters and digits only (base32), so that peers which fold case
// do no harm. A token that does not verify is treated as absent. The layout is in docs/tokens.md.

#define TOKEN_TEXT_MAX 80

enum token_error {
	TOKEN_OK,
	TOKEN_ABSENT,
	TOKEN_UNKNOWN_KEY,
	TOKEN_FORGED
};

// Via branch: "z9hG4bK", kind, key id, listener id, backend id, tag. The tag covers what is the
// same in every retransmission, the CANCEL and the ACK of a non-2xx, and what the response brings
// back: the sender's branch (without magic cookie: its sent-by, branch, From tag, Call-ID, CSeq
// number), the address and port that the response must go to, listener and backend. A sender
// without the magic cookie also gets 32 bits of its Request-URI in it: its branch alone does not
// tell two transactions apart (16.11).
struct branch_token {
	uint16_t listener_id; // the listener that the request came to
	uint32_t backend_id; // 0: a request from a backend to somebody else
};

// Record-Route user part.
struct route_token {
	uint32_t backend_id;
	uint16_t client_listener_id; // towards the client
	uint16_t backend_listener_id; // towards the backend
	struct endpoint flow; // the client's address and port
};

// Path user part (RFC 3327, RFC 5626).
struct path_token {
	uint16_t listener_id;
	struct endpoint flow;
};

// Write a token; out is not NUL-terminated. Returns the length.
// `target` is where the response goes: the source address with the rport or sent-by port.
// `msg` is the request as received, `via` its (sender's) top Via.
unsigned int branch_token_format(const struct snapshot_key *key, const struct branch_token *token,
	const struct sip_msg *msg, const struct sip_via *via, const struct endpoint *target,
	char out[TOKEN_TEXT_MAX]);
// `branch` is our Via's, `next` the Via below it in the response `msg`, `target` what follows from
// next.
enum token_error branch_token_verify(const struct snapshot *snap, struct strv branch,
	const struct sip_msg *msg, const struct sip_via *next, const struct endpoint *target,
	struct branch_token *token);

// Verifying in two steps: what a branch says and with which key, if it looks like one of ours whose
// tag branch_tag_job() (token_inline.h) can make. False for all others: branch_token_verify() knows.
bool branch_token_open(const struct snapshot *snap, struct strv branch, struct branch_token *token,
	const struct snapshot_key **key, uint64_t *tag);

// `call_digest` is snapshot_call_digest() of the dialog's Call-ID.
unsigned int route_token_format(const struct snapshot_key *key, const struct route_token *token,
	uint64_t call_digest, char out[TOKEN_TEXT_MAX]);
enum token_error route_token_verify(const struct snapshot *snap, struct strv user,
	uint64_t call_digest, struct route_token *token);
// Verifying in two steps: all but the tag now. TOKEN_OK says that the token is good if both sides
// of *check are equal, which stays where it is until hash_jobs_24() has done `jobs`.
struct token_check {
	uint64_t says, computed;
};
enum token_error route_token_check(const struct snapshot *snap, struct strv user,
	uint64_t call_digest, struct route_token *token, struct token_check *check,
	struct hash_jobs *jobs);

unsigned int path_token_format(
	const struct snapshot_key *key, const struct path_token *token, char out[TOKEN_TEXT_MAX]);
enum token_error path_token_verify(
	const struct snapshot *snap, struct strv user, struct path_token *token);

// Branch of a health probe, formatted by control, recognised by decide_response().
unsigned int probe_token_format(
	const struct snapshot_key *key, uint64_t probe_id, char out[TOKEN_TEXT_MAX]);
enum token_error probe_token_verify(
	const struct snapshot *snap, struct strv branch, uint64_t *probe_id);

#endif
