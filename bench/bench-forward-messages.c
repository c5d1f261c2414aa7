// SPDX-License-Identifier: BSD-3-Clause
#include "bench/bench-forward-messages.h"

#include "bench/bench-forward-frames.h"
#include "dataplane/dispatch/decide.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define LINES_MAX 48
#define LINE_MAX 400
#define MESSAGE_MAX 8192
#define MIX_SLOTS 20

struct draft {
	uint64_t random;
	const struct forward_set_options *options;
	struct endpoint client, vip;
	uint32_t serial; // of the message in its set: no two share a Call-ID
	const char *method;
	unsigned int nb_lines;
	char lines[LINES_MAX][LINE_MAX];
	char start[LINE_MAX];
	char body[MESSAGE_MAX];
	unsigned int body_len;
};

static uint32_t draw(struct draft *d, uint32_t below)
{
	d->random ^= d->random << 13;
	d->random ^= d->random >> 7;
	d->random ^= d->random << 17;
	return (uint32_t)(d->random >> 32) % below;
}

__attribute__((format(printf, 2, 3))) static void line(struct draft *d, const char *format, ...)
{
	va_list args;

	if (d->nb_lines == LINES_MAX)
		abort();
	va_start(args, format);
	vsnprintf(d->lines[d->nb_lines++], LINE_MAX, format, args);
	va_end(args);
}

// Letters and digits, between min and max of them; good until the eighth next call.
static const char *word(struct draft *d, unsigned int min, unsigned int max)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	static char words[8][64];
	static unsigned int next;
	char *w = words[next++ % 8];
	unsigned int n = min + draw(d, max - min + 1);

	for (unsigned int i = 0; i < n; i++)
		w[i] = alphabet[draw(d, sizeof(alphabet) - 1)];
	w[n] = '\0';
	return w;
}

struct ip_addr forward_address(const char *base, uint32_t i)
{
	struct ip_addr ip;
	uint8_t *last;
	uint32_t n;

	if (ip_addr_parse(strv_from(base), &ip) != 0)
		abort();
	last = ip.octets + (ip.family == 4 ? 4 : 16) - 1;
	n = (uint32_t)last[-1] * 250 + *last + i;
	last[-1] = (uint8_t)(n / 250);
	*last = (uint8_t)(n % 250 + 1);
	return ip;
}

// A host as a user agent names itself: its address, what it was before a NAT, or a name.
static void own_host(struct draft *d, char out[ENDPOINT_TEXT_MAX])
{
	switch (draw(d, 4)) {
	case 0:
	case 1:
		endpoint_format(&d->client, out);
		break;
	case 2:
		snprintf(out, ENDPOINT_TEXT_MAX, "192.168.%u.%u:%u", draw(d, 256), 1 + draw(d, 250),
			5060 + draw(d, 100));
		break;
	default:
		snprintf(out, ENDPOINT_TEXT_MAX, "%s.example.com", word(d, 3, 9));
	}
}

static void via(struct draft *d)
{
	static const char *const tails[] = {";rport", ";rport", ";rport", ""};
	const char *tail = tails[draw(d, 4)];
	bool first = draw(d, 4) == 0;
	char host[ENDPOINT_TEXT_MAX];

	own_host(d, host);
	line(d, "Via: SIP/2.0/UDP %s%s;branch=z9hG4bK%s%s", host, first ? tail : "", word(d, 8, 20),
		first ? "" : tail);
}

static void address(struct draft *d, const char *name, const char *user, bool tag)
{
	static const char *const first[] = {"Alice", "Bob", "Reception", "Carol", ""};
	char display[64] = "";

	switch (draw(d, 4)) {
	case 0:
		break;
	case 1:
		snprintf(display, sizeof(display), "%s ", first[draw(d, 4)]);
		break;
	default:
		snprintf(display, sizeof(display), "\"%s %s\" ", first[draw(d, 5)], word(d, 0, 6));
	}
	line(d, "%s: %s<sip:%s@example.com>%s%s", name, display, user, tag ? ";tag=" : "",
		tag ? word(d, 6, 12) : "");
}

static void call_id(struct draft *d)
{
	if (draw(d, 2))
		line(d, "Call-ID: %x%s@%u.%u.%u.%u", d->serial, word(d, 6, 16), 10 + draw(d, 200),
			draw(d, 256), draw(d, 256), 1 + draw(d, 250));
	else
		line(d, "Call-ID: %08x-%s-%s", d->serial, word(d, 4, 4), word(d, 12, 16));
}

static void core(struct draft *d, const char *to_user)
{
	via(d);
	if (draw(d, 16) != 0)
		line(d, "Max-Forwards: %u", draw(d, 4) ? 70 : 2 + draw(d, 250));
	address(d, "From", word(d, 3, 9), true);
	address(d, "To", to_user, false);
	call_id(d);
	line(d, "CSeq: %u %s", 1 + draw(d, draw(d, 2) ? 100 : 100000), d->method);
}

static void contact(struct draft *d)
{
	char host[ENDPOINT_TEXT_MAX];

	endpoint_format(&d->client, host);
	line(d, "Contact: <sip:%s@%s>", word(d, 3, 8), host);
}

static void sdp(struct draft *d, unsigned int streams)
{
	char *p = d->body;

	line(d, "Content-Type: application/sdp");
	p += sprintf(p,
		"v=0\r\no=- %u %u IN IP4 10.1.%u.%u\r\ns=-\r\nc=IN IP4 10.1.2.3\r\nt=0 0\r\n",
		draw(d, 1000000), draw(d, 1000000), draw(d, 256), draw(d, 256));
	for (unsigned int i = 0; i < streams; i++)
		p += sprintf(p,
			"m=audio %u RTP/AVP 0 8 101\r\na=rtpmap:8 PCMA/8000\r\n"
			"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=sendrecv\r\n",
			10000 + draw(d, 50000));
	d->body_len = (unsigned int)(p - d->body);
}

static void start_line(struct draft *d, const char *user)
{
	if (user[0] != '\0')
		snprintf(d->start, sizeof(d->start), "%s sip:%s@example.com SIP/2.0", d->method,
			user);
	else
		snprintf(d->start, sizeof(d->start), "%s sip:example.com SIP/2.0", d->method);
}

static void draft_request(struct draft *d, const char *method)
{
	char user[16];

	snprintf(user, sizeof(user), "u%u", draw(d, FORWARD_USERS));
	d->method = method;
	d->nb_lines = 0;
	d->body_len = 0;
	start_line(d, strcmp(method, "REGISTER") == 0 ? "" : user);
	core(d, user);
	contact(d);
}

// Header fields after the top Via in any order; half of the messages keep the customary one.
static void shuffle(struct draft *d, unsigned int fixed)
{
	char swap[LINE_MAX];

	if (draw(d, 2))
		return;
	for (unsigned int i = d->nb_lines - 1; i > fixed; i--) {
		unsigned int j = fixed + draw(d, i - fixed + 1);

		memcpy(swap, d->lines[i], LINE_MAX);
		memcpy(d->lines[i], d->lines[j], LINE_MAX);
		memcpy(d->lines[j], swap, LINE_MAX);
	}
}

// `len`: pad a User-Agent so that the message has this length; 0: as it comes.
static uint32_t write_out(struct draft *d, unsigned int fixed, uint32_t len, char *out)
{
	size_t used = strlen(d->start) + 4 + d->body_len;
	char *p = out;

	line(d, "Content-Length: %u", d->body_len);
	for (unsigned int i = 0; i < d->nb_lines; i++)
		used += strlen(d->lines[i]) + 2;
	if (len >= used + sizeof("User-Agent: x\r\n") - 1)
		line(d, "User-Agent: %.*s", (int)(len - used - (sizeof("User-Agent: \r\n") - 1)),
			"x-phone/1.2.3 (release; build 20261121) with a name that is as long as it "
			"takes to fill the message up to the length that is asked for, and more "
			"and "
			"more of it, until nobody reads on any further");
	shuffle(d, fixed);
	p += sprintf(p, "%s\r\n", d->start);
	for (unsigned int i = 0; i < d->nb_lines; i++)
		p += sprintf(p, "%s\r\n", d->lines[i]);
	p += sprintf(p, "\r\n");
	memcpy(p, d->body, d->body_len);
	return (uint32_t)(p - out) + d->body_len;
}

static void fold(struct draft *d)
{
	for (unsigned int i = 0; i < d->nb_lines; i++) {
		char *l = d->lines[i];
		char *at = strchr(l, ':') + 1;

		if (strncmp(l, "Call-ID", 7) == 0 || strlen(l) + 3 > LINE_MAX)
			continue;
		memmove(at + 2, at, strlen(at) + 1);
		memcpy(at, "\r\n", 2);
	}
}

// An INVITE with one thing wrong; half of them can be answered.
static void break_it(struct draft *d)
{
	static const char *const wrong[] = {"CSeq: 4294967296 INVITE", "Call-ID: a second one",
		"Max-Forwards: many", "Content-Length: 99999", "no colon at all", ": no name",
		"Route: <sip:", "From: <sip:a@example.com"};

	line(d, "%s", wrong[draw(d, 8)]);
}

static uint32_t compose(struct draft *d, enum forward_kind kind, char *out)
{
	uint32_t len = 0;

	draft_request(d,
		kind == FORWARD_REGISTER          ? "REGISTER"
			: kind == FORWARD_OPTIONS ? "OPTIONS"
						  : "INVITE");
	switch (kind) {
	case FORWARD_INVITE_740:
		sdp(d, 1);
		len = 740;
		break;
	case FORWARD_REGISTER:
		line(d, "Expires: %u", 60 * (1 + draw(d, 59)));
		line(d,
			"Authorization: Digest username=\"%s\", realm=\"example.com\", "
			"nonce=\"%s\", uri=\"sip:example.com\", response=\"%s\"",
			word(d, 3, 11), word(d, 16, 24), word(d, 32, 32));
		break;
	case FORWARD_OPTIONS:
		line(d, "Accept: application/sdp");
		break;
	case FORWARD_MALFORMED:
		break_it(d);
		break;
	case FORWARD_VIAS_20:
		for (unsigned int i = 1; i < 20; i++)
			via(d);
		break;
	case FORWARD_FOLDED:
		fold(d);
		break;
	case FORWARD_INVITE_4K:
		for (unsigned int i = 0; i < 3; i++)
			line(d, "X-Carrier-Data-%u: %s%s%s", i, word(d, 60, 60), word(d, 60, 60),
				word(d, 60, 60));
		sdp(d, 22);
		len = 4096;
		break;
	default:
		len = 412;
	}
	return write_out(d, 1, len, out);
}

static void die(const char *what)
{
	fprintf(stderr, "bench-forward: %s\n", what);
	exit(2);
}

// An INVITE as the backend gets it; returns the backend.
static uint16_t forwarded_invite(struct draft *d, char *room, struct sip_msg *msg)
{
	static struct decision decision;
	const struct decide_ctx ctx = {
		.snap = d->options->snap, .bits = d->options->bits, .now_ms = 1000};
	struct decide_in in = {.msg = msg, .source = d->client};
	uint32_t len = compose(d, FORWARD_INVITE_412, room + MESSAGE_MAX);

	in.listener = snapshot_find_listener(ctx.snap, &d->vip);
	if (sip_parse(msg, room + MESSAGE_MAX, len) != SIP_OK)
		die("an INVITE of the bench does not parse");
	decide(&ctx, &in, &decision);
	if (decision.action != ACTION_FORWARD)
		die("an INVITE of the bench is not forwarded");
	len = edit_apply(msg, &decision.edits, room + SIP_PAD);
	if (sip_parse(msg, room + SIP_PAD, len) != SIP_OK)
		die("a forwarded INVITE does not parse");
	return decision.backend;
}

// The header fields `id` of a message, from the first value on; `as` renames them.
static void copy_fields(struct draft *d, const struct sip_msg *msg, enum sip_hdr id, const char *as)
{
	for (unsigned int i = 0; i < msg->nb_hdrs; i++) {
		struct strv value = sip_strv(msg, sip_hdr_value(msg, i));

		if (msg->hdr_id[i] == id)
			line(d, "%s: %.*s", as, (int)value.len, value.ptr);
	}
}

static void copy_to(struct draft *d, const struct sip_msg *msg, const char *tag)
{
	copy_fields(d, msg, SIP_HDR_FROM, "From");
	copy_fields(d, msg, SIP_HDR_TO, "To");
	strcat(strcat(d->lines[d->nb_lines - 1], ";tag="), tag);
	copy_fields(d, msg, SIP_HDR_CALL_ID, "Call-ID");
}

// What belongs to a dialog: its INVITE goes through the decision first.
static uint32_t compose_dialog(
	struct draft *d, enum forward_kind kind, char *out, struct endpoint *source)
{
	static char room[3 * MESSAGE_MAX];
	const struct snapshot_backend *backend;
	struct sip_msg msg;
	char host[ENDPOINT_TEXT_MAX];

	backend = snapshot_backend(d->options->snap, forwarded_invite(d, room, &msg));
	endpoint_format(&backend->addr, host);
	d->nb_lines = 0;
	d->body_len = 0;
	if (kind == FORWARD_OK_200) {
		*source = backend->addr;
		strcpy(d->start, "SIP/2.0 200 OK");
		copy_fields(d, &msg, SIP_HDR_VIA, "Via");
		copy_fields(d, &msg, SIP_HDR_RECORD_ROUTE, "Record-Route");
		copy_to(d, &msg, word(d, 6, 12));
		line(d, "CSeq: %u INVITE", msg.cseq);
		line(d, "Contact: <sip:%s@%s>", word(d, 3, 8), host);
		sdp(d, 1);
		return write_out(d, 2, 0, out);
	}
	d->method = "BYE";
	snprintf(d->start, sizeof(d->start), "BYE sip:%s@%s SIP/2.0", word(d, 3, 8), host);
	via(d);
	line(d, "Max-Forwards: 70");
	copy_fields(d, &msg, SIP_HDR_RECORD_ROUTE, "Route");
	copy_to(d, &msg, word(d, 6, 12));
	line(d, "CSeq: %u BYE", msg.cseq + 1);
	return write_out(d, 1, 0, out);
}

static enum forward_kind mixed(struct draft *d)
{
	// A call is INVITE, 200 and BYE with its 200; registrations outnumber calls.
	static const uint8_t kinds[MIX_SLOTS] = {FORWARD_INVITE_740, FORWARD_INVITE_740,
		FORWARD_INVITE_412, FORWARD_INVITE_412, FORWARD_OK_200, FORWARD_OK_200,
		FORWARD_OK_200, FORWARD_OK_200, FORWARD_OK_200, FORWARD_OK_200, FORWARD_OK_200,
		FORWARD_BYE, FORWARD_BYE, FORWARD_BYE, FORWARD_REGISTER, FORWARD_REGISTER,
		FORWARD_REGISTER, FORWARD_REGISTER, FORWARD_OPTIONS, FORWARD_OPTIONS};

	return kinds[draw(d, MIX_SLOTS)];
}

static char *take_room(struct forward_set *set, uint32_t len)
{
	char *room = set->room + set->room_used;

	set->room_used += len;
	if (set->room_used > set->room_len)
		die("the messages need more room");
	return room;
}

static void add_message(struct forward_set *set, struct draft *d)
{
	const struct forward_set_options *o = d->options;
	struct forward_message *m = &set->messages[set->nb_messages];
	static char text[SIP_PAD + 2 * MESSAGE_MAX];
	struct frame_flow flow;
	char *copy;

	m->kind = (uint8_t)(o->kind == FORWARD_MIX ? mixed(d) : o->kind);
	m->port = m->kind == FORWARD_OK_200 ? FORWARD_INSIDE : FORWARD_OUTSIDE;
	d->serial = set->nb_messages;
	d->client.ip =
		forward_address(o->v6 ? "2001:db8:2::1" : "198.18.0.1", draw(d, FORWARD_CLIENTS));
	d->client.port = (uint16_t)(draw(d, 2) ? FORWARD_SIP_PORT : 1024 + draw(d, 60000));
	m->source = d->client;
	if (m->kind == FORWARD_OK_200 || m->kind == FORWARD_BYE)
		m->len = (uint16_t)compose_dialog(
			d, (enum forward_kind)m->kind, text + SIP_PAD, &m->source);
	else
		m->len = (uint16_t)compose(d, (enum forward_kind)m->kind, text + SIP_PAD);
	copy = take_room(set, m->len + 2 * SIP_PAD);
	m->sip = memcpy(copy + SIP_PAD, text + SIP_PAD, m->len);

	flow = (struct frame_flow){.source = m->source, .to = d->vip, .id = (uint16_t)d->serial};
	m->first_frame = set->nb_frames;
	m->nb_frames = frames_count(m->len, o->v6, o->fragments);
	for (uint32_t i = 0; i < m->nb_frames; i++) {
		struct forward_frame *f = &set->frames[set->nb_frames++];
		char *data = take_room(set, FRAME_HEADERS_MAX + m->len + SIP_PAD);

		f->data = data;
		f->port = m->port;
		f->len = frame_build(&flow, m, m->nb_frames > 1 ? (int)i : -1, data);
	}
	set->octets += m->len;
	set->nb_messages++;
}

void forward_set_create(struct forward_set *set, const struct forward_set_options *options)
{
	static struct draft draft;
	uint32_t each = options->kind >= FORWARD_VIAS_20 ? 24576 : 4096;

	*set = (struct forward_set){.room_len = options->nb * each};
	set->room = calloc(1, set->room_len);
	set->messages = calloc(options->nb, sizeof(*set->messages));
	set->frames = calloc(options->nb * (options->fragments ? 4 : 1), sizeof(*set->frames));
	if (set->room == NULL || set->messages == NULL || set->frames == NULL)
		die("no memory for messages");
	draft.options = options;
	draft.random = options->seed * 0x9e3779b97f4a7c15ULL + 1;
	draft.vip.port = FORWARD_SIP_PORT;
	if (ip_addr_parse(strv_from(options->v6 ? FORWARD_VIP6 : FORWARD_VIP4), &draft.vip.ip) != 0)
		die("VIP");
	for (uint32_t i = 0; i < options->nb; i++)
		add_message(set, &draft);
}

void forward_set_destroy(struct forward_set *set)
{
	free(set->room);
	free(set->messages);
	free(set->frames);
}
