// SPDX-License-Identifier: BSD-3-Clause
#ifndef PARSER_SIP_STREAM_H
#define PARSER_SIP_STREAM_H

#include "parser/sip_msg.h"

// Where messages begin and end in a stream of octets (TCP, TLS; RFC 3261 18.3): by the empty line
// and Content-Length, nothing else. Whether what stands between is a good message is the business
// of sip_parse(), which then sees exactly one message and reads the same Content-Length.
//
// The caller collects octets in a buffer of its own and asks again whenever some have come. No
// octet is looked at twice, however the stream is cut, but those of a finished header section, once
// more.

struct sip_stream {
	uint32_t max_header_len; // octets of a start line and header section, at most 65,535
	uint32_t max_body_len; // octets, at most 2^30
	// Private.
	uint32_t skipped; // line ends before the start line
	uint32_t line; // where the line begins that is being looked at
	uint32_t looked; // where to go on looking for its end
	uint32_t lines;
	uint32_t frame_len; // 0 until the end of the header section was seen
	enum sip_reason reason;
};

struct sip_frame {
	uint32_t off; // from the start of the buffer
	uint32_t len;
};

enum sip_stream_result {
	SIP_STREAM_MORE, // ask again with more octets; frame.len is how many it takes, 0 if unknown
	SIP_STREAM_MESSAGE, // frame is a message
	SIP_STREAM_PING, // frame is a double CRLF: answer it with CRLF (RFC 5626 4.4.1)
	// No end can be found any more, for sip_stream_reason(). Answer 400 if sip_parse() can make
	// something of the frame, then close.
	SIP_STREAM_ERROR,
};

void sip_stream_init(struct sip_stream *s, uint32_t max_header_len, uint32_t max_body_len);

// Find the next message in [buf, buf + len), all octets that came since the last one ended. Reads
// nothing outside. After MESSAGE and PING, drop the first frame->off + frame->len octets and ask
// again for the rest; between two such answers buf may move, its octets may not change.
// After ERROR every call says ERROR.
enum sip_stream_result sip_stream_next(
	struct sip_stream *s, const char *buf, size_t len, struct sip_frame *frame);

static inline enum sip_reason sip_stream_reason(const struct sip_stream *s)
{
	return s->reason;
}

#endif
