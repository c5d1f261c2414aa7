// SPDX-License-Identifier: BSD-3-Clause
#include "parser/cursor.h"

#include <errno.h>

// LAQUOT addr-spec RAQUOT, the cursor at '<'. What stands inside is opaque here, and may even lack
// a scheme, as the addresses of RFC 3261 23.4.2 do; sip_uri_parse() is for those who use it.
static void bracketed(struct cursor *c, struct sip_name_addr *na)
{
	c->pos++;
	na->brackets = true;
	na->uri = cursor_some(c, CH_URI);
	if (cursor_peek(c) != '>')
		cursor_fail(c);
	else
		c->pos++;
}

// Neither LWS nor '?' in [start, end).
static void visible(struct cursor *c, uint32_t start, uint32_t end)
{
	struct cursor value = {c->buf, start, end, false};
	const char *question;

	(void)cursor_span(&value, CH_VALUE);
	question = memchr(c->buf + start, '?', value.pos - start);
	if (question == NULL && value.pos == end)
		return;
	c->pos = question != NULL ? (uint32_t)(question - c->buf) : value.pos;
	cursor_fail(c);
}

// [ display-name ] LAQUOT addr-spec RAQUOT / addr-spec. A display name that is no quoted-string
// should be tokens; what decides is that it hides no delimiter, and UTF-8 is common in it.
static void address(struct cursor *c, struct sip_name_addr *na)
{
	uint32_t start = c->pos, end, colon;

	if (cursor_peek(c) == '"') {
		(void)cursor_quoted(c);
		cursor_lws(c);
		if (cursor_peek(c) != '<')
			cursor_fail(c);
	} else {
		while (cursor_span(c, CH_VALUE).len + cursor_span(c, CH_LWS).len > 0)
			;
	}
	if (cursor_peek(c) == '<') {
		bracketed(c, na);
		return;
	}
	// A bare addr-spec: what follows ';' belongs to the header field, and '?' or ',' must stand
	// in brackets (RFC 3261 20).
	if (c->failed || (c->pos != c->end && c->buf[c->pos] != ';')) {
		cursor_fail(c);
		return;
	}
	for (end = c->pos; end > start && char_is(c->buf[end - 1], CH_LWS);)
		end--;
	na->uri = slice(start, end);
	colon = scheme_end(c->buf, start, end);
	if (colon == 0 || colon + 1 == end) {
		c->pos = start;
		cursor_fail(c);
	}
	if (!c->failed)
		visible(c, start, end);
}

// *( SEMI generic-param ) up to the end. Finds `name`, which may stand there once.
static void params(
	struct cursor *c, struct strv name, struct sip_slice *all, struct sip_slice *found)
{
	uint32_t start;

	cursor_lws(c);
	start = c->pos;
	*all = (struct sip_slice){0, 0};
	for (unsigned int n = 0; cursor_try_sep(c, ';'); n++) {
		struct param p = cursor_param(c);

		if (n == SIP_PARAMS_MAX)
			cursor_fail(c);
		if (c->failed || name.len == 0 ||
			!strv_ieq((struct strv){c->buf + p.name.off, p.name.len}, name))
			continue;
		if (found->off != 0 || p.value.len == 0 || c->buf[p.value.off] == '"') {
			c->pos = p.name.off;
			cursor_fail(c);
		}
		*found = p.value;
	}
	if (!c->failed && c->pos > start)
		*all = slice(start, c->pos);
	cursor_lws(c);
}

static void name_addr(
	struct cursor *c, struct sip_name_addr *na, struct strv name, struct sip_slice *found)
{
	*na = (struct sip_name_addr){.value = slice(c->pos, c->end)};
	address(c, na);
	params(c, name, &na->params, found);
	if (!c->failed && c->pos != c->end)
		cursor_fail(c);
}

int sip_name_addr_exact(
	const struct sip_msg *msg, struct sip_slice value, struct sip_name_addr *result)
{
	struct cursor c = cursor_init(msg, value);
	struct sip_slice none = {0, 0};

	if (value.len == 1 && msg->buf[value.off] == '*') {
		*result = (struct sip_name_addr){.value = value, .star = true};
		return 0;
	}
	name_addr(&c, result, (struct strv){NULL, 0}, &none);
	return c.failed ? -EBADMSG : 0;
}

int sip_name_addr_parse(
	const struct sip_msg *msg, struct sip_slice value, struct sip_name_addr *result)
{
	const char *from = msg->buf + value.off;

	if (sip_kernel->name_addr(msg->buf, from, from + value.len, result))
		return 0;
	return sip_name_addr_exact(msg, value, result);
}

bool sip_field_tag(
	struct sip_msg *msg, unsigned int i, struct sip_slice *tag, struct sip_fault *fault)
{
	enum sip_reason reason = msg->hdr_id[i] == SIP_HDR_FROM ? SIP_BAD_FROM : SIP_BAD_TO;
	struct cursor c = cursor_init(msg, sip_hdr_value(msg, i));
	struct sip_name_addr na;

	*tag = (struct sip_slice){0, 0};
	name_addr(&c, &na, STRV("tag"), tag);
	*fault = (struct sip_fault){reason, c.pos};
	return !c.failed;
}

// The first value only: the others are the next hops' business until they come to the top.
bool sip_field_route(struct sip_msg *msg, unsigned int i, struct sip_fault *fault)
{
	struct cursor c = cursor_init(msg, sip_hdr_value(msg, i));
	struct sip_slice none = {0, 0};
	struct sip_name_addr na = {0};
	uint32_t start = c.pos;

	address(&c, &na);
	params(&c, (struct strv){NULL, 0}, &na.params, &none);
	if (!c.failed && !na.brackets) {
		c.pos = start;
		cursor_fail(&c);
	}
	// A comma promises another value.
	if (cursor_peek(&c) == ',') {
		c.pos++;
		cursor_lws(&c);
		if (cursor_peek(&c) == -1 || cursor_peek(&c) == ',')
			cursor_fail(&c);
	} else if (!c.failed && c.pos != c.end) {
		cursor_fail(&c);
	}
	*fault = (struct sip_fault){SIP_BAD_ROUTE, c.pos};
	msg->route = na.uri;
	return !c.failed;
}
