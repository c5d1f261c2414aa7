// SPDX-License-Identifier: BSD-3-Clause
#ifndef PARSER_CURSOR_H
#define PARSER_CURSOR_H

#include "parser/internal.h"

// A place in a header field's value. It holds the bounds and the first failure: after that every
// call is a no-op that leaves pos at the octet to blame, so a rule is straight-line code.
struct cursor {
	const char *buf;
	uint32_t pos;
	uint32_t end;
	bool failed;
};

static inline struct cursor cursor_init(const struct sip_msg *msg, struct sip_slice s)
{
	return (struct cursor){msg->buf, s.off, (uint32_t)s.off + s.len, false};
}

static inline struct sip_slice slice(uint32_t from, uint32_t to)
{
	return (struct sip_slice){(uint16_t)from, (uint16_t)(to - from)};
}

// The octet at the cursor; -1 at the end and after a failure.
static inline int cursor_peek(const struct cursor *c)
{
	return c->failed || c->pos == c->end ? -1 : (unsigned char)c->buf[c->pos];
}

static inline void cursor_fail(struct cursor *c)
{
	c->failed = true;
}

static inline bool char_is_all4(const char *p, unsigned int class)
{
	const unsigned char *o = (const unsigned char *)p;

	return sip_chars[o[0]] & sip_chars[o[1]] & sip_chars[o[2]] & sip_chars[o[3]] & class;
}

static inline bool char_is_any4(const char *p, unsigned int classes)
{
	const unsigned char *o = (const unsigned char *)p;

	return (sip_chars[o[0]] | sip_chars[o[1]] | sip_chars[o[2]] | sip_chars[o[3]]) & classes;
}

// Everything that is in the class; may be nothing.
static inline struct sip_slice cursor_span(struct cursor *c, unsigned int class)
{
	uint32_t start = c->pos;

	if (c->failed)
		return slice(start, start);
	// Four at a time: what is long is long on purpose.
	while (c->end - c->pos >= 4 && char_is_all4(c->buf + c->pos, class))
		c->pos += 4;
	while (c->pos < c->end && char_is(c->buf[c->pos], class))
		c->pos++;
	return slice(start, c->pos);
}

// At least one octet of the class.
static inline struct sip_slice cursor_some(struct cursor *c, unsigned int class)
{
	struct sip_slice s = cursor_span(c, class);

	if (s.len == 0)
		cursor_fail(c);
	return s;
}

// SWS: line ends stand in a value only as part of folding, so they count as LWS (RFC 3261 25.1).
static inline void cursor_lws(struct cursor *c)
{
	(void)cursor_span(c, CH_LWS);
}

// A separator with SWS around it (SLASH, SEMI, EQUAL, COLON), if it is there.
static inline bool cursor_try_sep(struct cursor *c, char sep)
{
	uint32_t start = c->pos;

	cursor_lws(c);
	if (cursor_peek(c) != sep) {
		if (!c->failed)
			c->pos = start;
		return false;
	}
	c->pos++;
	cursor_lws(c);
	return true;
}

// 1*DIGIT, at most max.
uint32_t cursor_number(struct cursor *c, uint32_t max);

static inline bool char_is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// The offset of the ':' after the scheme of the URI at [start, end), or 0 when there is none.
static inline uint32_t scheme_end(const char *buf, uint32_t start, uint32_t end)
{
	uint32_t pos = start;

	if (start == end || !char_is_alpha(buf[start]))
		return 0;
	while (pos < end && char_is(buf[pos], CH_SCHEME))
		pos++;
	return pos < end && buf[pos] == ':' ? pos : 0;
}

// hostname, IPv4address or IPv6reference.
struct sip_slice cursor_host(struct cursor *c);

// quoted-string with its quotes.
struct sip_slice cursor_quoted(struct cursor *c);

struct param {
	struct sip_slice name;
	struct sip_slice value; // {0, 0} without '='; a quoted-string keeps its quotes
};

// generic-param, the ';' already taken.
struct param cursor_param(struct cursor *c);

#endif
