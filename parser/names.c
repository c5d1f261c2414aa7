// SPDX-License-Identifier: BSD-3-Clause
#include "parser/internal.h"
#include "parser/number.h"

#define T CH_TOKEN
#define HT (CH_TOKEN | CH_HOST | CH_VALUE | CH_URI)
#define A (HT | CH_SCHEME)
#define D (A | CH_DIGIT)
#define P (CH_TOKEN | CH_VALUE | CH_URI)
#define V (CH_VALUE | CH_URI)
#define U CH_URI
#define M CH_MARK

const uint8_t sip_chars[256] = {
	['\t'] = CH_LWS,
	['\n'] = CH_LWS,
	['\r'] = CH_LWS,
	[' '] = CH_LWS,
	['0' ... '9'] = D,
	['A' ... 'Z'] = A,
	['a' ... 'z'] = A,
	['-'] = A,
	['.'] = A,
	['+'] = P | CH_SCHEME,
	['_'] = HT,
	['!'] = P,
	['%'] = P,
	['*'] = P,
	['`'] = P,
	['\''] = P,
	['~'] = P,
	['#'] = V,
	['$'] = V,
	['&'] = V,
	['('] = V | M,
	[')'] = V | M,
	['/'] = V,
	[':'] = V,
	['='] = V,
	['?'] = V,
	['@'] = V,
	['['] = V,
	['\\'] = V | M,
	[']'] = V,
	['^'] = V,
	['{'] = V,
	['|'] = V,
	['}'] = V,
	[','] = U | M,
	[';'] = U,
	['"'] = M,
	['<'] = M,
	['>'] = M,
	[0x80 ... 0xff] = V,
};

#define KIND(hdr) SIP_SINGLE_LANE(SIP_HDR_##hdr), BIT(SIP_HDR_##hdr), SIP_HDR_##hdr
#define NAME(slot, name, hdr) [slot] = {name ":", KIND(hdr)}
#define OTHER(slot, name) NAME(slot, name, OTHER)

// clang-format off
const struct sip_name_slot sip_names[SIP_NAME_SLOTS] = {
	NAME(1, "cseq", CSEQ), NAME(11, "authorization", AUTHORIZATION),
	NAME(28, "contact", CONTACT), NAME(31, "expires", EXPIRES),
	NAME(38, "record-route", RECORD_ROUTE), NAME(39, "supported", SUPPORTED),
	NAME(43, "o", EVENT), NAME(51, "proxy-require", PROXY_REQUIRE),
	NAME(67, "retry-after", RETRY_AFTER), NAME(70, "from", FROM), NAME(74, "via", VIA),
	NAME(77, "m", CONTACT), NAME(94, "l", CONTENT_LENGTH), NAME(95, "require", REQUIRE),
	NAME(103, "max-forwards", MAX_FORWARDS), NAME(111, "k", SUPPORTED),
	NAME(113, "path", PATH), NAME(145, "i", CALL_ID),
	NAME(159, "content-length", CONTENT_LENGTH),
	NAME(166, "proxy-authorization", PROXY_AUTHORIZATION),
	NAME(175, "content-type", CONTENT_TYPE), NAME(179, "route", ROUTE),
	NAME(180, "v", VIA), NAME(192, "service-route", SERVICE_ROUTE), NAME(194, "to", TO),
	NAME(196, "f", FROM), NAME(214, "t", TO), NAME(242, "event", EVENT),
	NAME(247, "c", CONTENT_TYPE), NAME(254, "call-id", CALL_ID),
	OTHER(2, "rseq"), OTHER(4, "session-expires"), OTHER(5, "rack"), OTHER(8, "b"),
	OTHER(12, "min-expires"), OTHER(15, "allow"), OTHER(22, "diversion"),
	OTHER(44, "p-charging-vector"), OTHER(47, "proxy-authenticate"),
	OTHER(48, "accept-encoding"), OTHER(66, "p-preferred-identity"), OTHER(69, "subject"),
	OTHER(85, "warning"), OTHER(89, "call-info"), OTHER(96, "user-agent"),
	OTHER(106, "www-authenticate"), OTHER(112, "remote-party-id"), OTHER(116, "reason"),
	OTHER(118, "server"), OTHER(122, "referred-by"), OTHER(129, "organization"),
	OTHER(130, "date"), OTHER(131, "mime-version"), OTHER(143, "content-encoding"),
	OTHER(144, "unsupported"), OTHER(146, "x"), OTHER(156, "allow-events"),
	OTHER(170, "alert-info"), OTHER(171, "refer-to"), OTHER(173, "session-id"),
	OTHER(177, "min-se"), OTHER(182, "timestamp"), OTHER(185, "sip-etag"),
	OTHER(193, "replaces"), OTHER(197, "u"), OTHER(204, "p-asserted-identity"),
	OTHER(211, "user-to-user"), OTHER(213, "e"), OTHER(217, "p-access-network-info"),
	OTHER(221, "accept-language"), OTHER(231, "s"), OTHER(235, "accept"),
	OTHER(239, "history-info"), OTHER(244, "priority"), OTHER(246, "content-disposition"),
	OTHER(248, "r"), OTHER(249, "privacy"), OTHER(250, "subscription-state"),
};
// clang-format on

const struct sip_name_slot sip_name_unseen = {.present = BIT(SIP_HDR_UNSEEN), .id = SIP_HDR_UNSEEN};

#define METHOD(slot, name, last)                                                               \
	[slot] = {#name, METHOD_MASK(sizeof(#name) - 1), (last) | ' ' << 8, sizeof(#name) - 1, \
		SIP_##name}
#define METHOD_MASK(len) ((len) < 8 ? (1ULL << (8 * (len)&63)) - 1 : ~0ULL)

const struct sip_method_slot sip_methods[SIP_METHOD_SLOTS] __attribute__((aligned(64))) = {
	METHOD(0, REFER, 'R'),
	METHOD(1, CANCEL, 'L'),
	METHOD(2, NOTIFY, 'Y'),
	METHOD(3, PUBLISH, 'H'),
	METHOD(5, MESSAGE, 'E'),
	METHOD(6, UPDATE, 'E'),
	METHOD(7, SUBSCRIBE, 'E'),
	METHOD(8, BYE, 'E'),
	METHOD(9, REGISTER, 'R'),
	METHOD(10, ACK, 'K'),
	METHOD(11, INVITE, 'E'),
	METHOD(12, PRACK, 'K'),
	METHOD(13, OPTIONS, 'S'),
	METHOD(14, INFO, 'O'),
	// No octets with this mask are this name.
	[4] = {"-", 0, 0, 0, SIP_METHOD_OTHER},
	[15] = {"-", 0, 0, 0, SIP_METHOD_OTHER},
};

const struct sip_number_table sip_number_table = {
	.all = {[0 ... 15] = 0xff},
	.zeros = {[0 ... 15] = '0'},
	.nines = {[0 ... 15] = 9},
	.tens = {10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1},
	.hundreds = {100, 1, 100, 1, 100, 1, 100, 1},
	.myriads = {10000, 1, 10000, 1, 10000, 1, 10000, 1},
};

static const char *const reason_names[SIP_REASONS] = {
	[SIP_OK] = "ok",
	[SIP_EMPTY] = "empty",
	[SIP_NOT_SIP] = "not-sip",
	[SIP_BAD_VERSION] = "bad-version",
	[SIP_BAD_METHOD] = "bad-method",
	[SIP_BAD_REQUEST_URI] = "bad-request-uri",
	[SIP_BAD_STATUS] = "bad-status",
	[SIP_TRUNCATED] = "truncated",
	[SIP_BAD_LINE_END] = "bad-line-end",
	[SIP_BAD_CONTROL] = "bad-control",
	[SIP_BAD_HEADER_NAME] = "bad-header-name",
	[SIP_TOO_MANY_HEADERS] = "too-many-headers",
	[SIP_HEADERS_TOO_LONG] = "headers-too-long",
	[SIP_NO_VIA] = "no-via",
	[SIP_BAD_VIA] = "bad-via",
	[SIP_NO_FROM] = "no-from",
	[SIP_BAD_FROM] = "bad-from",
	[SIP_NO_TO] = "no-to",
	[SIP_BAD_TO] = "bad-to",
	[SIP_NO_CALL_ID] = "no-call-id",
	[SIP_BAD_CALL_ID] = "bad-call-id",
	[SIP_NO_CSEQ] = "no-cseq",
	[SIP_BAD_CSEQ] = "bad-cseq",
	[SIP_CSEQ_MISMATCH] = "cseq-mismatch",
	[SIP_BAD_MAX_FORWARDS] = "bad-max-forwards",
	[SIP_BAD_CONTENT_LENGTH] = "bad-content-length",
	[SIP_NO_CONTENT_LENGTH] = "no-content-length",
	[SIP_BODY_TOO_SHORT] = "body-too-short",
	[SIP_BAD_ROUTE] = "bad-route",
	[SIP_DUPLICATE_HEADER] = "duplicate-header",
	[SIP_BODY_TOO_LONG] = "body-too-long",
};

static const char *const reason_texts[SIP_REASONS] = {
	[SIP_OK] = "a message",
	[SIP_EMPTY] = "nothing but line ends: a keep-alive (RFC 5626 3.5.1)",
	[SIP_NOT_SIP] = "neither a Request-Line nor a Status-Line (RFC 3261 7.1, 7.2)",
	[SIP_BAD_VERSION] = "the SIP version is not 2.0 (RFC 3261 7.1)",
	[SIP_BAD_METHOD] = "the method is not a token (RFC 3261 7.1)",
	[SIP_BAD_REQUEST_URI] =
		"the Request-URI is not a URI without headers (RFC 3261 7.1, 19.1.1)",
	[SIP_BAD_STATUS] = "the status code is not 100 to 699 (RFC 3261 7.2)",
	[SIP_TRUNCATED] = "the header section has no end (RFC 3261 7)",
	[SIP_BAD_LINE_END] = "a line does not end with CRLF (RFC 3261 7)",
	[SIP_BAD_CONTROL] = "a control octet outside a quoted-pair (RFC 3261 25.1)",
	[SIP_BAD_HEADER_NAME] = "no header name and colon at the start of a line (RFC 3261 7.3.1)",
	[SIP_TOO_MANY_HEADERS] = "more than 128 header fields",
	[SIP_HEADERS_TOO_LONG] = "a header section of more than 65,535 octets",
	[SIP_NO_VIA] = "no Via header field (RFC 3261 8.1.1)",
	[SIP_BAD_VIA] = "Via is not a via-parm (RFC 3261 20.42)",
	[SIP_NO_FROM] = "no From header field (RFC 3261 8.1.1)",
	[SIP_BAD_FROM] = "From is not an address with parameters (RFC 3261 20.20)",
	[SIP_NO_TO] = "no To header field (RFC 3261 8.1.1)",
	[SIP_BAD_TO] = "To is not an address with parameters (RFC 3261 20.39)",
	[SIP_NO_CALL_ID] = "no Call-ID header field (RFC 3261 8.1.1)",
	[SIP_BAD_CALL_ID] = "Call-ID is empty or has white space in it (RFC 3261 20.8)",
	[SIP_NO_CSEQ] = "no CSeq header field (RFC 3261 8.1.1)",
	[SIP_BAD_CSEQ] = "CSeq is not a number below 2^31 and a method (RFC 3261 20.16)",
	[SIP_CSEQ_MISMATCH] = "the method of CSeq is not the request's (RFC 3261 8.1.1.5)",
	[SIP_BAD_MAX_FORWARDS] = "Max-Forwards is not 0 to 255 (RFC 3261 20.22)",
	[SIP_BAD_CONTENT_LENGTH] = "Content-Length is not a number (RFC 3261 20.14)",
	[SIP_NO_CONTENT_LENGTH] = "no Content-Length on a stream (RFC 3261 18.3)",
	[SIP_BODY_TOO_SHORT] = "Content-Length is more than what arrived (RFC 3261 18.3)",
	[SIP_BAD_ROUTE] = "Route is not a name-addr (RFC 3261 20.34)",
	[SIP_DUPLICATE_HEADER] =
		"a header field that may stand only once stands twice (RFC 3261 7.3.1)",
	[SIP_BODY_TOO_LONG] = "a body of more than the limit",
};

static const char *const hdr_texts[SIP_HDRS_KNOWN] = {
	[SIP_HDR_OTHER] = "other",
	[SIP_HDR_VIA] = "Via",
	[SIP_HDR_FROM] = "From",
	[SIP_HDR_TO] = "To",
	[SIP_HDR_CALL_ID] = "Call-ID",
	[SIP_HDR_CSEQ] = "CSeq",
	[SIP_HDR_MAX_FORWARDS] = "Max-Forwards",
	[SIP_HDR_ROUTE] = "Route",
	[SIP_HDR_RECORD_ROUTE] = "Record-Route",
	[SIP_HDR_CONTACT] = "Contact",
	[SIP_HDR_CONTENT_LENGTH] = "Content-Length",
	[SIP_HDR_CONTENT_TYPE] = "Content-Type",
	[SIP_HDR_EXPIRES] = "Expires",
	[SIP_HDR_PATH] = "Path",
	[SIP_HDR_SUPPORTED] = "Supported",
	[SIP_HDR_REQUIRE] = "Require",
	[SIP_HDR_PROXY_REQUIRE] = "Proxy-Require",
	[SIP_HDR_EVENT] = "Event",
	[SIP_HDR_AUTHORIZATION] = "Authorization",
	[SIP_HDR_PROXY_AUTHORIZATION] = "Proxy-Authorization",
	[SIP_HDR_SERVICE_ROUTE] = "Service-Route",
	[SIP_HDR_RETRY_AFTER] = "Retry-After",
};

static uint64_t first8(struct strv name)
{
	uint64_t w = 0;

	for (size_t i = 0; i < name.len && i < 8; i++)
		w |= (uint64_t)(unsigned char)name.ptr[i] << (8 * i);
	return w;
}

enum sip_hdr sip_hdr_find(struct strv name)
{
	char lower[SIP_NAME_LEN_MAX + 1] = {0};
	const struct sip_name_slot *slot;
	struct strv with_colon = {lower, name.len + 1};

	if (name.len == 0 || name.len > SIP_NAME_LEN_MAX)
		return SIP_HDR_OTHER;
	for (size_t i = 0; i < name.len; i++)
		lower[i] = (char)strv_lower(name.ptr[i]);
	lower[name.len] = ':';
	slot = &sip_names[sip_name_slot(first8(with_colon), with_colon.len)];
	if (memcmp(slot->octets, lower, with_colon.len) != 0)
		return SIP_HDR_OTHER;
	return (enum sip_hdr)slot->id;
}

enum sip_method sip_method_find(struct strv name)
{
	const struct sip_method_slot *m;

	m = &sip_methods[sip_method_slot((uint32_t)first8(name))];
	if (name.len == 0 || m->len != name.len || memcmp(m->name, name.ptr, name.len) != 0)
		return SIP_METHOD_OTHER;
	return (enum sip_method)m->method;
}

const char *sip_reason_name(enum sip_reason reason)
{
	return (unsigned int)reason < SIP_REASONS ? reason_names[reason] : "unknown";
}

const char *sip_reason_text(enum sip_reason reason)
{
	return (unsigned int)reason < SIP_REASONS ? reason_texts[reason] : "unknown";
}

const char *sip_method_text(enum sip_method method)
{
	for (unsigned int i = 0; i < SIP_METHOD_SLOTS; i++)
		if (sip_methods[i].len != 0 && sip_methods[i].method == method)
			return sip_methods[i].name;
	return "other";
}

const char *sip_hdr_text(enum sip_hdr hdr)
{
	return (unsigned int)hdr < SIP_HDRS_KNOWN ? hdr_texts[hdr] : "other";
}
