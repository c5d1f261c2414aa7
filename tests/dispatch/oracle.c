// SPDX-License-Identifier: BSD-3-Clause
#include "tests/dispatch/oracle.h"

#include <stdio.h>
#include <stdlib.h>

#include "dataplane/dispatch/next_via.h"
#include "dataplane/dispatch/reply.h"
#include "dataplane/dispatch/request.h"
#include "tests/dispatch/lab.h"
#include "tests/dispatch/messages.h"

#define CALLER6 "[2001:db8:1::10]:5062"
#define BACKEND "10.20.1.11:5060"
#define BACKEND6 "[2001:db8:20::11]:5060"
#define STRANGER "192.0.2.66:5060"
#define STRANGER6 "[2001:db8:bad::66]:5060"

#define OUTSIDE_PORT 0
#define BACKEND_PORT 1

#define MESSAGE_MAX 65535
#define ROOM (MESSAGE_MAX + 4096)
#define SEEDS_MAX 64

static struct lab clusters[2]; // one-sided, two-sided
static char *in_place, *copy, *echo;
static struct {
	uint8_t *data;
	size_t len;
} seeds[SEEDS_MAX];
static unsigned int nb_seeds;

static void seed(uint8_t flags, const char *text)
{
	uint8_t *data = malloc(1 + 2 * strlen(text));
	size_t len = 0;

	data[len++] = flags;
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '\n' && data[len - 1] != '\r')
			data[len++] = '\r';
		data[len++] = (uint8_t)*p;
	}
	seeds[nb_seeds].data = data;
	seeds[nb_seeds++].len = len;
}

// What is changed stands so far behind that a copy of all before it, with what is put in, has no
// room.
static void seed_far(uint8_t flags, const char *routes)
{
	char filler[1081], text[4096];

	memset(filler, 'x', sizeof(filler) - 1);
	filler[sizeof(filler) - 1] = '\0';
	snprintf(text, sizeof(text),
		START("INVITE") TOP_VIA "X: %s\nMax-Forwards: 70\n" IDENTITY("INVITE") "\n",
		filler);
	seed(flags, text);
	snprintf(text, sizeof(text),
		"BYE sip:b@192.0.2.200 SIP/2.0\n" TOP_VIA
		"Max-Forwards: 70\nX: %s\n%s\n" IN_DIALOG("BYE") "\n",
		filler, routes);
	seed(flags, text);
}

// The dialog of one call: the INVITE, what a backend would answer, and BYEs from both sides.
static void seed_call(uint8_t flags, uint16_t listener, const char *caller)
{
	struct lab *lab = &clusters[!!(flags & ORACLE_TWO_SIDED)];
	char text[4096], routes[1024] = "", uri[512];
	const char *p;

	seed(flags, REQUEST("INVITE"));
	seed(flags, REQUEST("CANCEL"));
	seed(flags, REQUEST_WITH("REGISTER", "Supported: path, outbound\n"));
	lab_send(lab, REQUEST("INVITE"), caller, listener);
	snprintf(text, sizeof(text), "SIP/2.0 200 OK\r\n%s", strstr(lab->out, "Via: "));
	seed((uint8_t)(flags | ORACLE_FROM_BACKEND), text);
	for (p = lab->out; (p = strstr(p, "Record-Route: <")) != NULL;) {
		p += strlen("Record-Route: ");
		snprintf(uri, sizeof(uri), "%.*s", (int)strcspn(p, "\r"), p);
		snprintf(routes + strlen(routes), sizeof(routes) - strlen(routes), "%s%s",
			routes[0] != '\0' ? ", " : "Route: ", uri);
	}
	snprintf(text, sizeof(text),
		"BYE sip:b@192.0.2.200 SIP/2.0\n" TOP_VIA
		"%s, <sip:10.20.1.11;lr>\n" IN_DIALOG("BYE") "\n",
		routes);
	seed(flags, text);
	seed((uint8_t)(flags | ORACLE_FROM_BACKEND), text);
	seed_far(flags, routes);
	uri[strlen(uri) - 1] = '\0';
	snprintf(text, sizeof(text),
		"BYE %s SIP/2.0\n" TOP_VIA "%s, <sip:b@192.0.2.200>\n" IN_DIALOG("BYE") "\n",
		uri + 1, routes);
	seed(flags, text);
	lab_send(lab, REQUEST_WITH("REGISTER", "Supported: path\n"), caller, listener);
	p = strstr(lab->out, "Path: <") + strlen("Path: ");
	snprintf(text, sizeof(text),
		"INVITE sip:b@192.168.1.2 SIP/2.0\n" TOP_VIA
		"Route: %.*s\n" IDENTITY("INVITE") "\n",
		(int)strcspn(p, "\r"), p);
	seed(flags, text);
	seed((uint8_t)(flags | ORACLE_FROM_BACKEND), text);
}

void oracle_init(void)
{
	lab_init(&clusters[0], &(struct lab_options){.barred_ports = 1 << OUTSIDE_PORT});
	lab_init(&clusters[1],
		&(struct lab_options){.two_sided = true, .barred_ports = 1 << OUTSIDE_PORT});
	// Every message for itself.
	clusters[0].ctx.txns = clusters[1].ctx.txns = NULL;
	in_place = calloc(1, 3 * ROOM);
	copy = calloc(1, ROOM);
	echo = calloc(1, ROOM + 2 * SIP_PAD);
	seed_call(0, VIP4, CALLER);
	seed_call(ORACLE_IPV6, VIP6, CALLER6);
	seed_call(ORACLE_TWO_SIDED, VIP4, CALLER);
	seed(0, START("INVITE") "Via: SIP/2.0/UDP a;branch=1\n" IDENTITY("INVITE") "\n");
	seed(0,
		START("MESSAGE") "v: SIP/2.0/UDP 192.0.2.1:5070;received=9;branch=z9hG4bK1,\n"
				 " SIP/2.0/TCP b\n" IDENTITY(
					 "MESSAGE") "Content-Length: 4\n\nbody");
	seed(0,
		"INVITE sip:b@192.0.2.9:5060;maddr=203.0.113.5 SIP/2.0\n" TOP_VIA IDENTITY(
			"INVITE") "\n");
	seed(0,
		"OPTIONS sip:" VIP " SIP/2.0\n" TOP_VIA
		"Max-Forwards: 0\n" IDENTITY("OPTIONS") "\n");
	seed(ORACLE_FROM_BACKEND,
		"INVITE sip:b@192.0.2.9 SIP/2.0\n" TOP_VIA
		"Route: <sip:192.0.2.7>, <sip:192.0.2.8;lr>\n" IDENTITY("INVITE") "\n");
}

void oracle_fini(void)
{
	lab_fini(&clusters[0]);
	lab_fini(&clusters[1]);
	free(in_place);
	free(copy);
	free(echo);
	while (nb_seeds > 0)
		free(seeds[--nb_seeds].data);
}

const uint8_t *oracle_seed(unsigned int i, size_t *len)
{
	if (i >= nb_seeds)
		return NULL;
	*len = seeds[i].len;
	return seeds[i].data;
}

static bool same_slice(struct sip_slice a, struct sip_slice b)
{
	return a.off == b.off && a.len == b.len;
}

// Where a response goes is read as the parser reads it: the tag refuses what is quickly taken for a
// branch and is none.
static const char *check_next_via(const struct sip_msg *msg)
{
	struct sip_iter it = {0};
	struct sip_slice value, ours;
	struct sip_via quick, whole;
	bool bad;

	if (!next_via(msg, &quick, &ours))
		return NULL;
	if (!sip_next_value(msg, SIP_HDR_VIA, &it, &value, &bad) ||
		!sip_next_value(msg, SIP_HDR_VIA, &it, &value, &bad) ||
		sip_via_parse(msg, value, &whole) != 0)
		return "a next Via that is none";
	if (!same_slice(quick.sent_by, whole.sent_by) || !same_slice(quick.host, whole.host) ||
		!same_slice(quick.branch, whole.branch) ||
		!same_slice(quick.received, whole.received) ||
		!same_slice(quick.rport_param, whole.rport_param) || quick.port != whole.port ||
		quick.rport != whole.rport)
		return "a next Via that is read in two ways";
	return NULL;
}

static bool is_backend(const struct snapshot *snap, const struct endpoint *ep)
{
	for (uint16_t i = 0; i < snap->backends.nb; i++)
		if (endpoint_eq(&snapshot_backend(snap, i)->addr, ep))
			return true;
	return false;
}

// The flows that tokens in the seeds name: nobody can make others.
static bool is_token_flow(const struct endpoint *ep)
{
	struct endpoint v4 = lab_endpoint(CALLER), v6 = lab_endpoint(CALLER6);
	// Responses in the seeds answer requests with and without rport.
	bool port = ep->port == v4.port || ep->port == 5060 || ep->port == 5070;

	return port && (ip_addr_eq(&ep->ip, &v4.ip) || ip_addr_eq(&ep->ip, &v6.ip));
}

static const char *check_reply(struct lab *lab)
{
	int len = reply_build(&lab->ctx, &lab->in, &lab->d, copy, ROOM);

	if (lab->msg.method == SIP_ACK || lab->msg.method == SIP_CANCEL ||
		lab->msg.kind != SIP_REQUEST)
		return "an answer to what is never answered";
	if (!ip_addr_eq(&lab->d.to.ip, &lab->in.source.ip))
		return "an answer to somebody else";
	if (len > (int)lab->msg.hdr_line[lab->msg.nb_hdrs] + REPLY_GROWTH_MAX)
		return "an answer that is too long";
	return NULL;
}

// Send the response to a forwarded request back: request line replaced, the rest as it is.
static const char *check_echo(struct lab *lab, const struct sip_msg *sent)
{
	static const char ok[] = "SIP/2.0 200 OK\r\n";
	struct decide_in in = {.listener = lab->d.from, .source = lab->d.to, .port = BACKEND_PORT};
	struct endpoint target;
	struct decision d;
	struct sip_msg msg;
	uint32_t len = sent->len - sent->start_end;

	response_target(&lab->msg.via, &lab->in.source, &target);
	if (target.port == 0 || !ip_addr_is_unicast(&target.ip) ||
		snapshot_find_listener(lab->snap, &target) != SNAPSHOT_NONE)
		return NULL;
	memcpy(echo + SIP_PAD, ok, sizeof(ok) - 1);
	memcpy(echo + SIP_PAD + sizeof(ok) - 1, sent->buf + sent->start_end, len);
	if (sip_parse(&msg, echo + SIP_PAD, len + sizeof(ok) - 1) != SIP_OK)
		return NULL;
	in.msg = &msg;
	decide(&lab->ctx, &in, &d);
	if (d.action != ACTION_FORWARD)
		return drop_reason_name((enum drop_reason)d.drop);
	if (!endpoint_eq(&d.to, &target) || d.from != lab->in.listener)
		return "a response that does not return";
	return NULL;
}

static bool same(
	const struct sip_msg *a, struct sip_slice x, const struct sip_msg *b, struct sip_slice y)
{
	return strv_eq(sip_strv(a, x), sip_strv(b, y));
}

static const char *check_sent(struct lab *lab)
{
	const struct sip_msg *msg = &lab->msg;
	struct sip_msg sent;
	char *there = in_place + ROOM;
	uint32_t len;

	if (lab->d.edits.text_len > EDIT_TEXT_MAX)
		return "more text than there is room for";
	len = edit_apply(msg, &lab->d.edits, copy + SIP_PAD);
	if (len != msg->len + (uint32_t)lab->d.edits.growth)
		return "a wrong length";
	memcpy(there, msg->buf, msg->len);
	{
		struct sip_msg moved = *msg;

		moved.buf = there;
		there -= lab->d.edits.growth;
		edit_apply(&moved, &lab->d.edits, there);
	}
	if (memcmp(there, copy + SIP_PAD, len) != 0)
		return "edits in place that differ";
	if (sip_parse(&sent, copy + SIP_PAD, len) != SIP_OK)
		return "a message that does not parse";
	if (sent.kind != msg->kind || sent.method != msg->method || sent.cseq != msg->cseq ||
		!same(&sent, sent.call_id, msg, msg->call_id) ||
		!same(&sent, sent.from_tag, msg, msg->from_tag) ||
		!same(&sent, sent.to_tag, msg, msg->to_tag))
		return "another identity";
	if (sent.body_len != msg->body_len ||
		memcmp(sent.buf + sent.header_len, msg->buf + msg->header_len, msg->body_len) != 0)
		return "another body";
	if (msg->kind == SIP_RESPONSE)
		return check_next_via(msg);
	if (!strv_eq(sip_strv(&sent, sent.via.sent_by),
		    strv_from(snapshot_listener(lab->snap, lab->d.from)->sent_by)))
		return "a Via that is not ours";
	return check_echo(lab, &sent);
}

static const char *check_target(struct lab *lab, bool from_backend)
{
	const struct endpoint *to = &lab->d.to;

	if (!ip_addr_is_unicast(&to->ip) || to->port == 0 ||
		snapshot_find_listener(lab->snap, to) != SNAPSHOT_NONE)
		return "a target that nothing is sent to";
	if (lab->msg.kind == SIP_RESPONSE)
		return is_token_flow(to) ? NULL : "a response to where no token leads";
	if (!from_backend && !is_backend(lab->snap, to))
		return "a request from outside that goes outside";
	return NULL;
}

const char *oracle_check(const uint8_t *data, size_t len)
{
	uint8_t flags = len > 0 ? data[0] : 0;
	struct lab *lab = &clusters[!!(flags & ORACLE_TWO_SIDED)];
	bool v6 = flags & ORACLE_IPV6, spoofed = flags & ORACLE_SPOOFED;
	bool from_backend = flags & ORACLE_FROM_BACKEND && !spoofed;
	enum sip_reason reason;
	const char *wrong;
	char *buf;

	if (len == 0 || len > MESSAGE_MAX)
		return NULL;
	len--;
	buf = malloc(len + 2 * SIP_PAD);
	memset(buf, ';', SIP_PAD);
	memcpy(buf + SIP_PAD, data + 1, len);
	memset(buf + SIP_PAD + len, ';', SIP_PAD);

	lab->in = (struct decide_in){.msg = &lab->msg,
		.listener = v6 ? VIP6 : VIP4,
		.port = from_backend ? BACKEND_PORT : OUTSIDE_PORT};
	lab->in.source = lab_endpoint(from_backend || spoofed ? v6 ? BACKEND6 : BACKEND
			: flags & ORACLE_STRANGER             ? v6 ? STRANGER6 : STRANGER
			: v6                                  ? CALLER6
							      : CALLER);
	reason = sip_parse(&lab->msg, buf + SIP_PAD, len);
	if (reason == SIP_OK)
		decide(&lab->ctx, &lab->in, &lab->d);
	else
		decide_unparsable(&lab->ctx, &lab->in, reason, &lab->d);
	if (spoofed) {
		free(buf);
		return lab->d.action == ACTION_DROP ? NULL : "a forged backend that is served";
	}
	switch (lab->d.action) {
	case ACTION_FORWARD:
		wrong = reason != SIP_OK ? "a refused message sent on" : NULL;
		wrong = wrong != NULL ? wrong : check_target(lab, from_backend);
		wrong = wrong != NULL ? wrong : check_sent(lab);
		break;
	case ACTION_REPLY:
		wrong = check_reply(lab);
		break;
	case ACTION_RESOLVE:
		wrong = from_backend ? NULL : "a name resolved for somebody outside";
		break;
	default:
		wrong = NULL;
	}
	free(buf);
	return wrong;
}
