// SPDX-License-Identifier: BSD-3-Clause
#include "parser/cursor.h"

uint32_t cursor_number(struct cursor *c, uint32_t max)
{
	uint64_t n = 0;
	uint32_t start = c->pos;

	while (!c->failed && c->end - c->pos >= 8 && memcmp(c->buf + c->pos, "00000000", 8) == 0)
		c->pos += 8;
	while (c->pos < c->end && !c->failed && char_is(c->buf[c->pos], CH_DIGIT)) {
		n = n * 10 + (uint64_t)(c->buf[c->pos] - '0');
		if (n > max)
			cursor_fail(c);
		else
			c->pos++;
	}
	if (c->pos == start)
		cursor_fail(c);
	return c->failed ? 0 : (uint32_t)n;
}

struct sip_slice cursor_host(struct cursor *c)
{
	uint32_t start = c->pos;

	if (cursor_peek(c) != '[')
		return cursor_some(c, CH_HOST);
	c->pos++;
	// Zone ids and other oddities are the address parser's business; what matters here is that
	// the reference ends where everybody sees it end.
	while (c->pos < c->end && (char_is(c->buf[c->pos], CH_HOST) || c->buf[c->pos] == ':'))
		c->pos++;
	if (cursor_peek(c) != ']' || c->pos == start + 1)
		cursor_fail(c);
	else
		c->pos++;
	return slice(start, c->pos);
}

struct sip_slice cursor_quoted(struct cursor *c)
{
	uint32_t start = c->pos;

	if (cursor_peek(c) != '"') {
		cursor_fail(c);
		return slice(start, start);
	}
	for (c->pos++; c->pos < c->end; c->pos++) {
		if (c->buf[c->pos] == '"') {
			c->pos++;
			return slice(start, c->pos);
		}
		if (c->buf[c->pos] == '\\' && ++c->pos == c->end)
			break;
	}
	c->pos = start;
	cursor_fail(c);
	return slice(start, start);
}

struct param cursor_param(struct cursor *c)
{
	struct param p = {cursor_some(c, CH_TOKEN), {0, 0}};

	if (!cursor_try_sep(c, '='))
		return p;
	if (cursor_peek(c) == '"')
		p.value = cursor_quoted(c);
	else
		p.value = cursor_some(c, CH_VALUE);
	return p;
}
