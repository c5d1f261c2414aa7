// SPDX-License-Identifier: BSD-3-Clause
#include "parser/cursor.h"

// The exact reading of the start line, for whatever the kernels do not take at a glance.

static enum sip_reason fail(struct sip_fault *fault, enum sip_reason reason, uint32_t off)
{
	*fault = (struct sip_fault){reason, off};
	return reason;
}

static struct strv sub(const char *buf, uint32_t from, uint32_t to)
{
	return (struct strv){buf + from, to - from};
}

// Status-Line = SIP-Version SP Status-Code SP Reason-Phrase CRLF (RFC 3261 7.2). The SP after the
// code is not missed when the line ends there.
static enum sip_reason status_line(
	struct sip_msg *msg, const char *buf, uint32_t end, struct sip_fault *fault)
{
	uint32_t pos = 8;

	msg->kind = SIP_RESPONSE;
	msg->method = SIP_METHOD_OTHER;
	msg->method_name = msg->request_uri = slice(0, 0);
	if (end < 8 || !strv_ieq(sub(buf, 0, 8), STRV("SIP/2.0 ")))
		return fail(fault, SIP_NOT_SIP, 0);
	while (pos < end && pos < 11 && char_is(buf[pos], CH_DIGIT))
		pos++;
	if (pos != 11 || (pos < end && buf[pos] != ' '))
		return fail(fault, SIP_BAD_STATUS, pos);
	msg->status = (uint16_t)((buf[8] - '0') * 100 + (buf[9] - '0') * 10 + buf[10] - '0');
	if (msg->status < 100 || msg->status > 699)
		return fail(fault, SIP_BAD_STATUS, 8);
	return SIP_OK;
}

// "SIP" "/" 1*DIGIT "." 1*DIGIT
static bool is_version(struct strv s)
{
	size_t i = 4, digits = 0;

	if (s.len < 4 || !strv_ieq((struct strv){s.ptr, 4}, STRV("SIP/")))
		return false;
	for (; i < s.len && char_is(s.ptr[i], CH_DIGIT); i++)
		digits++;
	if (digits == 0 || i == s.len || s.ptr[i] != '.' || ++i == s.len)
		return false;
	while (i < s.len && char_is(s.ptr[i], CH_DIGIT))
		i++;
	return i == s.len;
}

// No URI headers in a Request-URI (RFC 3261 19.1.1): '?' may stand in its user part only.
static bool has_headers(const char *buf, uint32_t pos, uint32_t end)
{
	bool found = false;

	if (memchr(buf + pos, '?', end - pos) == NULL)
		return false;
	for (; pos < end; pos++) {
		if (buf[pos] == '@')
			found = false;
		else if (buf[pos] == '?')
			found = true;
	}
	return found;
}

static enum sip_reason request_uri(
	const char *buf, uint32_t start, uint32_t end, struct sip_fault *fault)
{
	uint32_t colon = scheme_end(buf, start, end);
	struct cursor c = {buf, start, end, false};
	struct strv scheme;

	if (colon == 0)
		return fail(fault, SIP_BAD_REQUEST_URI, start);
	(void)cursor_span(&c, CH_URI);
	if (c.pos != end)
		return fail(fault, SIP_BAD_REQUEST_URI, c.pos);
	scheme = sub(buf, start, colon);
	if ((strv_ieq(scheme, STRV("sip")) || strv_ieq(scheme, STRV("sips"))) &&
		has_headers(buf, colon, end))
		return fail(fault, SIP_BAD_REQUEST_URI, colon);
	return SIP_OK;
}

// Request-Line = Method SP Request-URI SP SIP-Version CRLF (RFC 3261 7.1)
static enum sip_reason request_line(
	struct sip_msg *msg, const char *buf, uint32_t end, struct sip_fault *fault)
{
	const char *first_sp = memchr(buf, ' ', end), *last_sp = memrchr(buf, ' ', end);
	struct cursor token;
	uint32_t method, uri, last;

	msg->kind = SIP_REQUEST;
	msg->status = 0;
	method = first_sp != NULL ? (uint32_t)(first_sp - buf) : end;
	token = (struct cursor){buf, 0, method, false};
	uri = method + 1;
	last = last_sp != NULL ? (uint32_t)(last_sp - buf) + 1 : 0;
	if (method == 0 || last <= uri || !is_version(sub(buf, last, end))) {
		msg->method_name = slice(0, 0);
		return fail(fault, SIP_NOT_SIP, 0);
	}
	msg->method_name = slice(0, method);
	msg->request_uri = slice(uri, last - 1);
	msg->method = (uint8_t)sip_method_find(sub(buf, 0, method));
	if (cursor_span(&token, CH_TOKEN).len != method) {
		msg->method_name = slice(0, 0);
		return fail(fault, SIP_BAD_METHOD, token.pos);
	}
	if (!strv_ieq(sub(buf, last, end), STRV("SIP/2.0")))
		return fail(fault, SIP_BAD_VERSION, last);
	return request_uri(buf, uri, last - 1, fault);
}

enum sip_reason sip_start_line(
	struct sip_msg *msg, const char *buf, size_t len, struct sip_fault *fault, uint32_t *end)
{
	size_t scan = len < SIP_HEADER_SECTION_MAX ? len : SIP_HEADER_SECTION_MAX;
	const char *lf = memchr(buf, '\n', scan);
	enum sip_reason reason;
	uint32_t line_end;

	*end = 0;
	*fault = (struct sip_fault){SIP_OK, 0};
	msg->kind = SIP_REQUEST;
	msg->method_name = slice(0, 0);
	if (lf == NULL && !char_is(buf[0], CH_TOKEN))
		return fail(fault, SIP_NOT_SIP, 0);
	if (lf == NULL && scan < len)
		return fail(fault, SIP_HEADERS_TOO_LONG, SIP_HEADER_SECTION_MAX);
	if (lf == NULL)
		return fail(fault, SIP_TRUNCATED, (uint32_t)len);
	line_end = (uint32_t)(lf - buf);
	if (line_end > 0 && buf[line_end - 1] == '\r')
		line_end--;
	if (line_end >= 4 && strv_ieq(sub(buf, 0, 4), STRV("SIP/")))
		reason = status_line(msg, buf, line_end, fault);
	else
		reason = request_line(msg, buf, line_end, fault);
	if (reason != SIP_NOT_SIP)
		*end = (uint32_t)(lf - buf) + 1;
	return reason;
}
