// SPDX-License-Identifier: BSD-3-Clause
#ifndef PARSER_SIP_MSG_H
#define PARSER_SIP_MSG_H

#include "parser/strv.h"

#include <stdbool.h>
#include <stdint.h>

// A SIP message as views over its octets (RFC 3261 sections 7 and 25).
//
// One pass indexes the header section; the fields that a balancer needs for every message are taken
// apart at once, everything else on demand by the functions at the end. Nothing is copied,
// allocated or cleared, and no function keeps state: every function may run on any thread.

// Octets that must be readable (not meaningful) before and after the buffer given to sip_parse().
// Their content never changes a result. mbuf headroom and tailroom provide it; others allocate it.
#define SIP_PAD 64

#define SIP_HDRS_MAX 128 // header fields in one message; one more is SIP_TOO_MANY_HEADERS
#define SIP_HEADER_SECTION_MAX 65535 // octets: every offset below is 16 bits

// Octets [off, off + len) of sip_msg.buf. An absent field is {0, 0}; a present but empty one has an
// offset, because nothing but the start line stands at offset 0.
struct sip_slice {
	uint16_t off;
	uint16_t len;
};

enum sip_kind {
	SIP_REQUEST,
	SIP_RESPONSE
};

enum sip_method {
	SIP_METHOD_OTHER, // an extension method; its name is in sip_msg.method_name
	SIP_INVITE,
	SIP_ACK,
	SIP_BYE,
	SIP_CANCEL,
	SIP_REGISTER,
	SIP_OPTIONS,
	SIP_PRACK,
	SIP_SUBSCRIBE,
	SIP_NOTIFY,
	SIP_PUBLISH,
	SIP_INFO,
	SIP_REFER,
	SIP_MESSAGE,
	SIP_UPDATE,
	SIP_METHODS
};

enum sip_transport { // of a Via's sent-protocol or a URI's transport parameter
	SIP_TRANSPORT_OTHER,
	SIP_UDP,
	SIP_TCP,
	SIP_TLS,
	SIP_SCTP,
	SIP_WS,
	SIP_WSS
};

// The header fields that are known by name, long or compact form, any case.
enum sip_hdr {
	SIP_HDR_OTHER,
	SIP_HDR_VIA,
	SIP_HDR_FROM,
	SIP_HDR_TO,
	SIP_HDR_CALL_ID,
	SIP_HDR_CSEQ,
	SIP_HDR_MAX_FORWARDS,
	SIP_HDR_ROUTE,
	SIP_HDR_RECORD_ROUTE,
	SIP_HDR_CONTACT,
	SIP_HDR_CONTENT_LENGTH,
	SIP_HDR_CONTENT_TYPE,
	SIP_HDR_EXPIRES,
	SIP_HDR_PATH,
	SIP_HDR_SUPPORTED,
	SIP_HDR_REQUIRE,
	SIP_HDR_PROXY_REQUIRE,
	SIP_HDR_EVENT,
	SIP_HDR_AUTHORIZATION,
	SIP_HDR_PROXY_AUTHORIZATION,
	SIP_HDR_SERVICE_ROUTE,
	SIP_HDR_RETRY_AFTER,
	SIP_HDRS_KNOWN
};

// Why a message was refused. SIP_OK is 0. Names: sip_reason_name(); sentences: sip_reason_text().
enum sip_reason {
	SIP_OK,
	SIP_EMPTY, // nothing but CRLFs or white space: a keep-alive (RFC 5626 section 3.5.1), not
		   // an error
	SIP_NOT_SIP, // the start line is neither a Request-Line nor a Status-Line
	SIP_BAD_VERSION, // a Request-Line of another SIP version: 505
	SIP_BAD_METHOD,
	SIP_BAD_REQUEST_URI, // empty, no scheme, LWS, angle brackets or URI headers ("?") in it
	SIP_BAD_STATUS, // not 100..699
	SIP_TRUNCATED, // the header section has no end
	SIP_BAD_LINE_END, // a bare CR or a bare LF
	SIP_BAD_CONTROL, // a control octet where the grammar has none
	SIP_BAD_HEADER_NAME, // not a token, empty, or no colon
	SIP_TOO_MANY_HEADERS,
	SIP_HEADERS_TOO_LONG,
	SIP_NO_VIA,
	SIP_BAD_VIA,
	SIP_NO_FROM,
	SIP_BAD_FROM,
	SIP_NO_TO,
	SIP_BAD_TO,
	SIP_NO_CALL_ID,
	SIP_BAD_CALL_ID,
	SIP_NO_CSEQ,
	SIP_BAD_CSEQ,
	SIP_CSEQ_MISMATCH, // its method is not the request's
	SIP_BAD_MAX_FORWARDS, // not 0..255
	SIP_BAD_CONTENT_LENGTH,
	SIP_NO_CONTENT_LENGTH, // streams only (RFC 3261 section 18.3)
	SIP_BODY_TOO_SHORT, // Content-Length is more than what arrived
	SIP_BAD_ROUTE,
	SIP_DUPLICATE_HEADER, // a second From, To, Call-ID, CSeq, Max-Forwards or Content-Length
	SIP_BODY_TOO_LONG, // streams only: Content-Length is more than the receiver takes
	SIP_REASONS
};

// One value of a Via header field (RFC 3261 section 20.42, RFC 3581).
struct sip_via {
	struct sip_slice value; // the via-parm without surrounding LWS or comma
	struct sip_slice sent_by; // host[:port] as written
	struct sip_slice host; // an IPv6 reference keeps its brackets
	uint16_t port; // of sent-by, host byte order; 0 when absent
	struct sip_slice branch; // magic cookie included; absent: {0, 0}
	struct sip_slice received; // the parameter's value, brackets kept
	struct sip_slice received_param; // "received=192.0.2.1", without the ';'
	struct sip_slice rport_param; // "rport" or "rport=5060", without the ';'
	uint16_t rport; // 0 when absent or without a value
	struct sip_slice maddr;
	uint8_t ttl; // 0 when absent
	bool plain; // behind sent-by: a branch, perhaps rport without a value, and no octet more
	uint8_t transport; // enum sip_transport
};

// A SIP or SIPS URI (RFC 3261 section 19.1). Escapes are left as they are.
struct sip_uri {
	struct sip_slice scheme;
	struct sip_slice user; // without password; absent: {0, 0}
	struct sip_slice host; // an IPv6 reference keeps its brackets
	struct sip_slice params; // all uri-parameters with their leading ';'
	struct sip_slice maddr;
	uint16_t port; // host byte order; 0 when absent
	uint8_t transport; // enum sip_transport; SIP_TRANSPORT_OTHER when absent
	bool is_sip; // "sip" or "sips", else only scheme is set
	bool is_sips;
	bool lr; // loose router (RFC 3261 section 19.1.1)
	bool ob; // RFC 5626
};

// A name-addr or addr-spec with its header parameters: one value of Route, Record-Route, Path,
// Contact, From or To.
struct sip_name_addr {
	struct sip_slice value; // the whole value without surrounding LWS or comma
	struct sip_slice uri; // without the angle brackets
	struct sip_slice params; // header parameters with their leading ';'
	bool brackets; // the URI stands in <>
	bool star; // Contact: *
};

struct sip_msg {
	const char
		*buf; // the first octet of the start line; borrowed from the caller of sip_parse()
	uint32_t len; // start line to the end of the body; octets after Content-Length are cut off
	uint32_t body_len;
	uint16_t skipped; // CRLF octets before the start line, not part of buf
	uint16_t header_len; // start line to the empty line included: the body's offset
	uint16_t start_end; // offset just after the start line's line end

	uint8_t kind; // enum sip_kind
	uint8_t method; // enum sip_method; of a response, CSeq's
	uint16_t status; // 100..699, 0 for a request
	struct sip_slice method_name; // of a response, CSeq's
	struct sip_slice request_uri;

	struct sip_slice call_id;
	struct sip_slice from_tag; // absent: {0, 0} (RFC 2543 peers)
	struct sip_slice to_tag;
	uint32_t cseq;
	struct sip_slice cseq_method;
	struct sip_slice max_forwards_value;
	int16_t max_forwards; // -1 when absent
	bool has_content_length;
	uint32_t content_length; // only if has_content_length
	struct sip_via via; // the topmost
	struct sip_slice route; // the first Route's URI without the angle brackets; absent: {0, 0}

	// After a refusal: the offset of the octet that is to blame, relative to what was given to
	// sip_parse() (not to buf), and whether enough was understood to build a response
	// (RFC 3261 section 8.2.6: kind is SIP_REQUEST, method, top Via, From, To, Call-ID, CSeq
	// lines).
	uint32_t error_off;
	bool can_reply;

	// The index: header field i is the line at hdr_line[i], its value (LWS trimmed at the
	// front, folded lines included) starts at hdr_value[i], and the line ends before hdr_line[i
	// + 1].
	uint8_t nb_hdrs;
	uint32_t present; // bit SIP_HDR_x: at least one such field
	uint8_t hdr_first[32]; // by enum sip_hdr: the first such field, if `present` has its bit
	uint8_t hdr_id[SIP_HDRS_MAX]; // enum sip_hdr
	uint16_t hdr_value[SIP_HDRS_MAX];
	_Alignas(64) uint16_t hdr_line[SIP_HDRS_MAX + 1];
};

// Parse one datagram (RFC 3261 section 18.3): header section, the fields above, body by
// Content-Length or to the end.
//
// SIP_PAD octets on both sides of [buf, buf + len) must be readable.
// Returns SIP_OK: every field above holds what its comment says; single-instance header fields are
// there once. Any other reason: only kind, error_off, can_reply and, if can_reply, the index, start
// line, method, via, call_id, from_tag, to_tag and cseq_method are valid.
enum sip_reason sip_parse(struct sip_msg *msg, const char *buf, size_t len);

const char *sip_reason_name(enum sip_reason reason); // "bad-via"; stable, for metrics and JSON
const char *sip_reason_text(enum sip_reason reason); // "Via is not a via-parm (RFC 3261 20.42)"
const char *sip_method_text(enum sip_method method); // "INVITE"; "other" for SIP_METHOD_OTHER
const char *sip_hdr_text(enum sip_hdr hdr); // "Max-Forwards"

// [off, off + len), stored in one piece: what is soon loaded in one would wait for two halves.
static inline struct sip_slice sip_slice_at(uint32_t off, uint32_t len)
{
	uint32_t bits = (uint16_t)off | len << 16;
	struct sip_slice s;

	_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "off is the lower half");
	memcpy(&s, &bits, sizeof(s));
	return s;
}

static inline struct strv sip_strv(const struct sip_msg *msg, struct sip_slice s)
{
	return (struct strv){msg->buf + s.off, s.len};
}

static inline bool sip_has(const struct sip_msg *msg, enum sip_hdr id)
{
	return msg->present >> id & 1;
}

// The functions below take a message that sip_parse() understood, and slices of its header section.

// Walks the values of all header fields of one kind in order, across lines and commas.
struct sip_iter {
	uint16_t pos; // start: {0}
	uint8_t hdr; // index of the header field that the last value stood in
	uint8_t first; // the last value was the first of its header field
	uint8_t last; // ... and the last of its header field
};

// Find the next value of header fields `id`; commas split outside quotes, brackets and comments.
// Returns false after the last one, or at one that cannot be delimited (*bad is then true).
bool sip_next_value(const struct sip_msg *msg, enum sip_hdr id, struct sip_iter *it,
	struct sip_slice *value, bool *bad);

// The index of the first header field `id`, or -1.
int sip_find_hdr(const struct sip_msg *msg, enum sip_hdr id);

// The whole value of header field i: LWS trimmed at both ends, folds still in it.
struct sip_slice sip_hdr_value(const struct sip_msg *msg, unsigned int i);
// Its name as written.
struct sip_slice sip_hdr_name(const struct sip_msg *msg, unsigned int i);

// Take a value apart. Return 0, or -EBADMSG and *result is unspecified.
int sip_via_parse(const struct sip_msg *msg, struct sip_slice value, struct sip_via *via);
int sip_uri_parse(const struct sip_msg *msg, struct sip_slice uri, struct sip_uri *result);
int sip_name_addr_parse(
	const struct sip_msg *msg, struct sip_slice value, struct sip_name_addr *result);

// Find a parameter in ";a=b;c" (any case). Returns false when absent; *value is {0, 0} without '='.
bool sip_param_find(const struct sip_msg *msg, struct sip_slice params, struct strv name,
	struct sip_slice *value);

// The Expires header field, or -1 when it is absent or not a delta-seconds.
int64_t sip_expires(const struct sip_msg *msg);

#endif
