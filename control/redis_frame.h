// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_REDIS_FRAME_H
#define CONTROL_REDIS_FRAME_H

#include <stddef.h>
#include <stdint.h>

// Finds the end of a Redis reply (RESP2) in a buffer and refuses what no sound server sends, before
// hiredis sees it: hiredis allocates what a reply's header announces, an array of 2^31 elements for
// 13 octets included.

#define REDIS_FRAME_DEPTH 7 // arrays in arrays; hiredis knows no more
#define REDIS_FRAME_LINE_MAX 4096 // octets of a status or error

struct redis_frame_limits {
	size_t octets; // of a whole reply
	uint32_t elements; // of all its arrays together
};

// Progress in one reply. Start with {0}.
struct redis_frame {
	size_t pos; // octets that are known to belong to the reply
	uint32_t elements; // announced so far
	uint8_t depth;
	uint32_t left[REDIS_FRAME_DEPTH]; // elements still to come, of each open array
};

// Go on where the last call stopped; buf starts with the reply, at the same octet each time.
//
// Returns 1 when the reply is complete, frame->pos is then its length; 0 when octets are missing;
//   -EBADMSG   not RESP2, or arrays too deep
//   -EMSGSIZE  over a limit
int redis_frame_scan(struct redis_frame *frame, const struct redis_frame_limits *limits,
	const char *buf, size_t len);

#endif
