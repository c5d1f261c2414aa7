// SPDX-License-Identifier: BSD-3-Clause
#include "parser/cursor.h"

#include <errno.h>

static bool name_is(const struct cursor *c, struct sip_slice s, struct strv name)
{
	return strv_ieq((struct strv){c->buf + s.off, s.len}, name);
}

// A parameter of which one value may carry only one: a second would be a second reading.
static void set_once(struct cursor *c, struct sip_slice *field, struct sip_slice value)
{
	if (c->failed)
		return;
	if (field->off != 0) {
		c->pos = value.off;
		cursor_fail(c);
	}
	*field = value;
}

static struct sip_slice need_value(struct cursor *c, struct param p)
{
	if (p.value.len == 0 || c->buf[p.value.off] == '"') {
		c->pos = p.name.off;
		cursor_fail(c);
	}
	return p.value;
}

static uint32_t number_in(struct cursor *c, struct sip_slice s, uint32_t max)
{
	struct cursor n = {c->buf, s.off, (uint32_t)s.off + s.len, c->failed};
	uint32_t value = cursor_number(&n, max);

	if (!c->failed && (n.failed || n.pos != n.end)) {
		c->pos = n.pos;
		cursor_fail(c);
	}
	return value;
}

// via-ttl, via-maddr, via-received, via-branch, response-port (RFC 3581) or via-extension
static void via_param(struct cursor *c, struct sip_via *via, struct sip_slice *ttl)
{
	struct param p = cursor_param(c);
	struct sip_slice whole;

	if (c->failed)
		return;
	whole = slice(p.name.off, c->pos);
	if (name_is(c, p.name, STRV("branch"))) {
		set_once(c, &via->branch, need_value(c, p));
	} else if (name_is(c, p.name, STRV("rport"))) {
		set_once(c, &via->rport_param, whole);
		if (p.value.off != 0)
			via->rport = (uint16_t)number_in(c, p.value, UINT16_MAX);
	} else if (name_is(c, p.name, STRV("received"))) {
		set_once(c, &via->received_param, whole);
		via->received = need_value(c, p);
	} else if (name_is(c, p.name, STRV("maddr"))) {
		set_once(c, &via->maddr, need_value(c, p));
	} else if (name_is(c, p.name, STRV("ttl"))) {
		set_once(c, ttl, need_value(c, p));
		via->ttl = (uint8_t)number_in(c, *ttl, UINT8_MAX);
	}
}

static uint8_t transport_of(const char *buf, struct sip_slice s)
{
	static const struct strv names[] = {
		[SIP_UDP] = {"UDP", 3},
		[SIP_TCP] = {"TCP", 3},
		[SIP_TLS] = {"TLS", 3},
		[SIP_SCTP] = {"SCTP", 4},
		[SIP_WS] = {"WS", 2},
		[SIP_WSS] = {"WSS", 3},
	};

	for (uint8_t t = SIP_UDP; t <= SIP_WSS; t++)
		if (strv_ieq((struct strv){buf + s.off, s.len}, names[t]))
			return t;
	return SIP_TRANSPORT_OTHER;
}

// White space would be an octet more.
static bool is_plain(const struct sip_via *via)
{
	uint32_t known = (uint32_t)via->sent_by.off + via->sent_by.len - via->value.off;

	known += (uint32_t)sizeof(";branch=") - 1 + via->branch.len;
	if (via->rport_param.len > 0)
		known += (uint32_t)sizeof(";rport") - 1;
	return via->branch.len > 0 && known == via->value.len;
}

// via-parm = sent-protocol LWS sent-by *( SEMI via-params )
static void via_parm(struct cursor *c, struct sip_via *via, unsigned int params_max)
{
	struct sip_slice ttl = {0, 0};
	uint32_t start;

	*via = (struct sip_via){0};
	start = c->pos;
	(void)cursor_some(c, CH_TOKEN);
	if (!cursor_try_sep(c, '/'))
		cursor_fail(c);
	(void)cursor_some(c, CH_TOKEN);
	if (!cursor_try_sep(c, '/'))
		cursor_fail(c);
	via->transport = transport_of(c->buf, cursor_some(c, CH_TOKEN));
	(void)cursor_some(c, CH_LWS);
	via->host = cursor_host(c);
	via->sent_by = via->host;
	if (cursor_try_sep(c, ':')) {
		uint32_t at = c->pos;

		via->port = (uint16_t)cursor_number(c, UINT16_MAX);
		// Port 0 cannot be answered, and "absent" is what 0 means to the reader of this
		// field.
		if (via->port == 0 && !c->failed) {
			c->pos = at;
			cursor_fail(c);
		}
		via->sent_by = slice(via->host.off, c->pos);
	}
	for (unsigned int n = 0; cursor_try_sep(c, ';'); n++) {
		if (n == params_max)
			cursor_fail(c);
		via_param(c, via, &ttl);
	}
	if (c->failed)
		return;
	via->value = slice(start, c->pos);
	via->plain = is_plain(via);
}

int sip_via_exact(const struct sip_msg *msg, struct sip_slice value, struct sip_via *via)
{
	struct cursor c = cursor_init(msg, value);

	via_parm(&c, via, SIP_PARAMS_MAX);
	cursor_lws(&c);
	return c.failed || c.pos != c.end ? -EBADMSG : 0;
}

int sip_via_parse(const struct sip_msg *msg, struct sip_slice value, struct sip_via *via)
{
	const char *from = msg->buf + value.off;

	if (sip_kernel->via(msg->buf, from, from + value.len, via))
		return 0;
	return sip_via_exact(msg, value, via);
}

bool sip_field_via(struct sip_msg *msg, unsigned int i, struct sip_fault *fault)
{
	struct cursor c = cursor_init(msg, sip_hdr_value(msg, i));

	// Whoever receives a request adds received and rport to this one, and reads it again in the
	// response.
	via_parm(&c, &msg->via, SIP_PARAMS_MAX - (msg->kind == SIP_REQUEST ? 2 : 0));
	cursor_lws(&c);
	if (!c.failed && c.pos != c.end) {
		if (c.buf[c.pos] != ',') {
			cursor_fail(&c);
		} else {
			// A comma promises another value. It must be one, or some reader takes the
			// comma for a part of the first. Those behind are the next hops' business.
			struct sip_via second;

			c.pos++;
			cursor_lws(&c);
			via_parm(&c, &second, SIP_PARAMS_MAX);
			cursor_lws(&c);
			if (!c.failed && c.pos != c.end && c.buf[c.pos] != ',')
				cursor_fail(&c);
		}
	}
	*fault = (struct sip_fault){SIP_BAD_VIA, c.pos};
	return !c.failed;
}
