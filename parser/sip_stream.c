// SPDX-License-Identifier: BSD-3-Clause
#include "parser/sip_stream.h"

#include "parser/cursor.h"

#define BODY_MAX (1u << 30) // so that no sum of lengths overflows

void sip_stream_init(struct sip_stream *s, uint32_t max_header_len, uint32_t max_body_len)
{
	*s = (struct sip_stream){
		.max_header_len = max_header_len < SIP_HEADER_SECTION_MAX ? max_header_len
									  : SIP_HEADER_SECTION_MAX,
		.max_body_len = max_body_len < BODY_MAX ? max_body_len : BODY_MAX,
	};
}

static enum sip_stream_result error(struct sip_stream *s, enum sip_reason reason)
{
	s->reason = reason;
	return SIP_STREAM_ERROR;
}

// CRLFs before the start line: two are a ping, one is an answer to ours, or nothing (RFC 3261 7.5).
static enum sip_stream_result leading(
	struct sip_stream *s, const char *buf, size_t len, struct sip_frame *frame)
{
	while (s->skipped < len && (buf[s->skipped] == '\r' || buf[s->skipped] == '\n')) {
		size_t left = len - s->skipped;
		const char *p = buf + s->skipped;

		if (p[0] == '\n' || (left > 1 && p[1] != '\n'))
			return error(s, SIP_BAD_LINE_END);
		if (left == 1 || left == 2 || (left == 3 && p[2] == '\r'))
			return SIP_STREAM_MORE;
		if (p[2] == '\r' && p[3] == '\n') {
			*frame = (struct sip_frame){0, s->skipped + 4};
			s->skipped = 0;
			return SIP_STREAM_PING;
		}
		if (p[2] == '\r')
			return error(s, SIP_BAD_LINE_END);
		s->skipped += 2;
	}
	s->line = s->looked = s->skipped;
	return SIP_STREAM_MESSAGE;
}

// Lines in one header section, folds counted: they cost a look each, and no sane sender needs more.
#define LINES_MAX (1 + 4 * SIP_HDRS_MAX)

// Look at the lines that have come since. Returns MESSAGE when the empty line is there: s->line is
// then the offset after it.
static enum sip_stream_result header_section(struct sip_stream *s, const char *buf, size_t len)
{
	size_t limit = (size_t)s->skipped + s->max_header_len, end = len < limit ? len : limit;
	const char *lf;

	while ((lf = memchr(buf + s->looked, '\n', end - s->looked)) != NULL) {
		uint32_t at = (uint32_t)(lf - buf), start = s->line;

		s->line = s->looked = at + 1;
		if (at == start || lf[-1] != '\r')
			return error(s, SIP_BAD_LINE_END);
		if (at == start + 1)
			return SIP_STREAM_MESSAGE;
		if (++s->lines > LINES_MAX)
			return error(s, SIP_TOO_MANY_HEADERS);
	}
	s->looked = (uint32_t)end;
	return end == limit ? error(s, SIP_HEADERS_TOO_LONG) : SIP_STREAM_MORE;
}

static const char *next_line(const char *p, const char *end)
{
	const char *lf = memchr(p, '\n', (size_t)(end - p));

	return lf == NULL ? end : lf + 1;
}

// A Content-Length's value, folds in it. Returns SIP_OK, or why it is none.
static enum sip_reason body_length(
	const struct sip_stream *s, const char *value, const char *end, uint32_t *length)
{
	struct cursor c = {value, 0, (uint32_t)(end - value), false};

	cursor_lws(&c);
	*length = cursor_number(&c, UINT32_MAX);
	cursor_lws(&c);
	if (c.failed || c.pos != c.end)
		return SIP_BAD_CONTENT_LENGTH;
	return *length > s->max_body_len ? SIP_BODY_TOO_LONG : SIP_OK;
}

// The one Content-Length of a header section: two, or none, and nobody knows where the next message
// begins (RFC 3261 18.3, 20.14). The section ends with an empty line, so every look at the first
// octet of a next line is inside.
static enum sip_reason find_length(
	const struct sip_stream *s, const char *p, const char *end, uint32_t *length)
{
	enum sip_reason reason = SIP_NO_CONTENT_LENGTH;

	for (p = next_line(p, end); p < end - 2;) {
		struct strv name = {p, 0};
		const char *value;

		while (char_is(*p, CH_TOKEN))
			p++;
		name.len = (size_t)(p - name.ptr);
		while (*p == ' ' || *p == '\t')
			p++;
		if (name.len == 0 || *p != ':')
			return SIP_BAD_HEADER_NAME;
		value = p + 1;
		do
			p = next_line(p, end);
		while (*p == ' ' || *p == '\t');
		if (sip_hdr_find(name) != SIP_HDR_CONTENT_LENGTH)
			continue;
		if (reason == SIP_OK)
			return SIP_DUPLICATE_HEADER;
		reason = body_length(s, value, p, length);
		if (reason != SIP_OK)
			return reason;
	}
	return reason;
}

static enum sip_stream_result next(
	struct sip_stream *s, const char *buf, size_t len, struct sip_frame *frame)
{
	enum sip_stream_result result = SIP_STREAM_MESSAGE;
	enum sip_reason reason;
	uint32_t body_len = 0;

	if (s->frame_len == 0) {
		if (s->looked == s->skipped)
			result = leading(s, buf, len, frame);
		if (result == SIP_STREAM_MESSAGE)
			result = header_section(s, buf, len);
		if (result != SIP_STREAM_MESSAGE)
			return result;
		reason = find_length(s, buf + s->skipped, buf + s->line, &body_len);
		if (reason != SIP_OK)
			return error(s, reason);
		s->frame_len = s->line - s->skipped + body_len;
	}
	*frame = (struct sip_frame){s->skipped, s->frame_len};
	return len - s->skipped < s->frame_len ? SIP_STREAM_MORE : SIP_STREAM_MESSAGE;
}

enum sip_stream_result sip_stream_next(
	struct sip_stream *s, const char *buf, size_t len, struct sip_frame *frame)
{
	enum sip_stream_result result = SIP_STREAM_ERROR;

	*frame = (struct sip_frame){0, 0};
	if (s->reason == SIP_OK)
		result = next(s, buf, len, frame);
	if (result == SIP_STREAM_MESSAGE || result == SIP_STREAM_PING)
		sip_stream_init(s, s->max_header_len, s->max_body_len);
	else if (result == SIP_STREAM_ERROR)
		*frame = (struct sip_frame){
			s->skipped, s->line > s->skipped ? s->line - s->skipped : 0};
	return result;
}
