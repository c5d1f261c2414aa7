// SPDX-License-Identifier: BSD-3-Clause
#include "parser/internal.h"

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

#define NAME(slot, name, hdr)                   \
	[slot] = {name ":", BIT(SIP_HDR_##hdr), \
		{SIP_SINGLE_LANE(SIP_HDR_##hdr) | (uint64_t)SIP_HDR_##hdr << 56}}
#define KNOWN_NAMES(X)                                                                           \
	X(1, "call-id", CALL_ID), X(3, "proxy-authorization", PROXY_AUTHORIZATION),              \
		X(5, "authorization", AUTHORIZATION), X(6, "f", FROM), X(7, "contact", CONTACT), \
		X(10, "record-route", RECORD_ROUTE), X(15, "o", EVENT), X(16, "via", VIA),       \
		X(21, "expires", EXPIRES), X(22, "require", REQUIRE), X(24, "c", CONTENT_TYPE),  \
		X(27, "m", CONTACT), X(28, "service-route", SERVICE_ROUTE),                      \
		X(33, "l", CONTENT_LENGTH), X(35, "from", FROM), X(37, "v", VIA),                \
		X(39, "k", SUPPORTED), X(42, "content-length", CONTENT_LENGTH), X(44, "to", TO), \
		X(45, "path", PATH), X(47, "event", EVENT), X(48, "cseq", CSEQ), X(49, "t", TO), \
		X(51, "retry-after", RETRY_AFTER), X(52, "i", CALL_ID),                          \
		X(56, "proxy-require", PROXY_REQUIRE), X(57, "max-forwards", MAX_FORWARDS),      \
		X(59, "content-type", CONTENT_TYPE), X(60, "supported", SUPPORTED),              \
		X(62, "route", ROUTE)

// Aligned so that one name is one aligned vector.
const struct sip_name_slot sip_names[SIP_NAME_SLOTS]
	__attribute__((aligned(64))) = {[0] = {.present = BIT(SIP_HDR_OTHER)}, KNOWN_NAMES(NAME)};

const struct sip_method_slot sip_methods[SIP_METHOD_SLOTS] __attribute__((aligned(64))) = {
	[0] = {"PRACK", 5, SIP_PRACK},
	[2] = {"PUBLISH", 7, SIP_PUBLISH},
	[3] = {"BYE", 3, SIP_BYE},
	[10] = {"REGISTER", 8, SIP_REGISTER},
	[13] = {"INVITE", 6, SIP_INVITE},
	[15] = {"OPTIONS", 7, SIP_OPTIONS},
	[17] = {"INFO", 4, SIP_INFO},
	[19] = {"CANCEL", 6, SIP_CANCEL},
	[23] = {"NOTIFY", 6, SIP_NOTIFY},
	[24] = {"UPDATE", 6, SIP_UPDATE},
	[25] = {"REFER", 5, SIP_REFER},
	[26] = {"MESSAGE", 7, SIP_MESSAGE},
	[28] = {"SUBSCRIBE", 9, SIP_SUBSCRIBE},
	[31] = {"ACK", 3, SIP_ACK},
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
	char lower[32] = {0};
	const struct sip_name_slot *slot;

	if (name.len == 0 || name.len > sizeof(slot->octets) - 1)
		return SIP_HDR_OTHER;
	for (size_t i = 0; i < name.len; i++)
		lower[i] = (char)strv_lower(name.ptr[i]);
	lower[name.len] = ':';
	slot = &sip_names[sip_name_slot(
		(unsigned char)lower[0] | (uint32_t)(unsigned char)lower[1] << 8, name.len)];
	if (memcmp(slot->octets, lower, name.len + 1) != 0)
		return SIP_HDR_OTHER;
	return (enum sip_hdr)slot->id;
}

enum sip_method sip_method_find(struct strv name)
{
	const struct sip_method_slot *m;

	m = &sip_methods[(first8(name) + name.len) * SIP_METHOD_MULT >> 59];
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
