// SPDX-License-Identifier: BSD-3-Clause
#include "parser/cursor.h"

#include <errno.h>

static uint8_t transport_of(struct strv name)
{
	static const struct {
		struct strv name;
		uint8_t transport;
	} known[] = {
		{{"udp", 3}, SIP_UDP},
		{{"tcp", 3}, SIP_TCP},
		{{"tls", 3}, SIP_TLS},
		{{"sctp", 4}, SIP_SCTP},
		{{"ws", 2}, SIP_WS},
		{{"wss", 3}, SIP_WSS},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strv_ieq(name, known[i].name))
			return known[i].transport;
	return SIP_TRANSPORT_OTHER;
}

// userinfo "@": at most one '@' may stand in a SIP-URI, so two readers cannot split it differently.
static void userinfo(struct cursor *c, struct sip_uri *u)
{
	const char *start = c->buf + c->pos, *end = c->buf + c->end;
	const char *at = memchr(start, '@', (size_t)(end - start)), *second, *colon;

	if (at == NULL)
		return;
	second = memchr(at + 1, '@', (size_t)(end - at - 1));
	// "sip:@host": user is not optional before the '@'.
	if (second != NULL || at == start || *start == ':') {
		c->pos = (uint32_t)((second != NULL ? second : start) - c->buf);
		cursor_fail(c);
		return;
	}
	colon = memchr(start, ':', (size_t)(at - start));
	u->user = slice(c->pos, (uint32_t)((colon != NULL ? colon : at) - c->buf));
	c->pos = (uint32_t)(at - c->buf) + 1;
}

// uri-parameters. One name twice is forbidden (RFC 3261 19.1.1); here it would be two readings.
static void uri_param(struct cursor *c, struct sip_uri *u, bool *has_transport)
{
	struct sip_slice name, value = {0, 0};
	uint32_t start = c->pos;
	struct strv n;

	while (c->pos < c->end && c->buf[c->pos] != '=' && c->buf[c->pos] != '?' &&
		char_is(c->buf[c->pos], CH_VALUE))
		c->pos++;
	name = slice(start, c->pos);
	if (name.len == 0)
		cursor_fail(c);
	if (cursor_peek(c) == '=') {
		start = ++c->pos;
		while (c->pos < c->end && c->buf[c->pos] != '?' &&
			char_is(c->buf[c->pos], CH_VALUE))
			c->pos++;
		value = slice(start, c->pos);
	}
	n = (struct strv){c->buf + name.off, name.len};
	if (strv_ieq(n, STRV("lr"))) {
		u->lr = true; // "lr=on" too: common in the field
	} else if (strv_ieq(n, STRV("ob"))) {
		u->ob = true;
	} else if (strv_ieq(n, STRV("transport"))) {
		if (*has_transport || value.len == 0)
			cursor_fail(c);
		*has_transport = true;
		u->transport = transport_of((struct strv){c->buf + value.off, value.len});
	} else if (strv_ieq(n, STRV("maddr"))) {
		if (u->maddr.off != 0 || value.len == 0)
			cursor_fail(c);
		u->maddr = value;
	}
}

int sip_uri_exact(const struct sip_msg *msg, struct sip_slice uri, struct sip_uri *result)
{
	struct cursor c = cursor_init(msg, uri);
	bool has_transport = false;
	struct strv scheme;
	uint32_t start;

	*result = (struct sip_uri){0};
	start = scheme_end(c.buf, c.pos, c.end);
	if (start == 0)
		return -EBADMSG;
	result->scheme = slice(c.pos, start);
	c.pos = start + 1;
	scheme = sip_strv(msg, result->scheme);
	result->is_sips = strv_ieq(scheme, STRV("sips"));
	result->is_sip = result->is_sips || strv_ieq(scheme, STRV("sip"));
	if (!result->is_sip)
		return c.pos == c.end ? -EBADMSG : 0;

	userinfo(&c, result);
	result->host = cursor_host(&c);
	if (cursor_peek(&c) == ':') {
		c.pos++;
		result->port = (uint16_t)cursor_number(&c, UINT16_MAX);
		if (result->port == 0)
			cursor_fail(&c);
	}
	start = c.pos;
	for (unsigned int n = 0; cursor_peek(&c) == ';'; n++) {
		c.pos++;
		if (n == SIP_PARAMS_MAX)
			cursor_fail(&c);
		uri_param(&c, result, &has_transport);
	}
	if (c.pos > start)
		result->params = slice(start, c.pos);
	// "?" headers belong to nobody here; they end the address.
	return c.failed || (c.pos != c.end && c.buf[c.pos] != '?') ? -EBADMSG : 0;
}

int sip_uri_parse(const struct sip_msg *msg, struct sip_slice uri, struct sip_uri *result)
{
	const char *from = msg->buf + uri.off;

	if (sip_kernel->uri(msg->buf, from, from + uri.len, result))
		return 0;
	return sip_uri_exact(msg, uri, result);
}
