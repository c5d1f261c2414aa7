// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_REPLY_H
#define DISPATCH_REPLY_H

#include "dataplane/dispatch/decide.h"

// Responses that we answer with ourselves, stateless (RFC 3261 sections 8.2.6 and 8.2.7).

// A response is at most this much longer than its request.
#define REPLY_GROWTH_MAX 256

// Write the response for decision->reply_status into out[0 .. cap): Via stack with received/rport in
// the top one, From, To with a tag that is the same for every retransmission, Call-ID, CSeq, and what
// the status asks for (Retry-After, Unsupported, ...). It goes to decision->to: the request's source
// address, with the port that 18.2.2 and RFC 3581 say.
// Never for an ACK. Returns its length, or -EMSGSIZE (does not fit), -EINVAL (an ACK, a response, or a
// refused message whose can_reply is false).
int reply_build(const struct decide_ctx *ctx, const struct decide_in *in,
	const struct decision *decision, char *out, size_t cap);

#endif
