// SPDX-License-Identifier: BSD-3-Clause
#include "bench/bench-parse-messages.h"

#include "parser/sip_msg.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define MESSAGE_ROOM 8192
#define LINES_MAX 64

struct draft {
	uint64_t random;
	char lines[LINES_MAX][512];
	unsigned int nb_lines;
	const char *method;
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

	va_start(args, format);
	vsnprintf(d->lines[d->nb_lines++], sizeof(d->lines[0]), format, args);
	va_end(args);
}

// Letters and digits, between min and max of them; good until the eighth next call.
static const char *word(struct draft *d, unsigned int min, unsigned int max)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	static char words[8][256];
	static unsigned int next;
	char *w = words[next++ % 8];
	unsigned int n = min + draw(d, max - min + 1);

	for (unsigned int i = 0; i < n; i++)
		w[i] = alphabet[draw(d, sizeof(alphabet) - 1)];
	w[n] = '\0';
	return w;
}

static const char *host(struct draft *d)
{
	static char hosts[8][64];
	static unsigned int next;
	char *h = hosts[next++ % 8];

	if (draw(d, 3) == 0)
		snprintf(h, sizeof(hosts[0]), "%s.example.%s", word(d, 2, 9),
			draw(d, 2) ? "com" : "net");
	else
		snprintf(h, sizeof(hosts[0]), "%u.%u.%u.%u", 10 + draw(d, 200), draw(d, 256),
			draw(d, 256), 1 + draw(d, 254));
	return h;
}

static const char *port(struct draft *d)
{
	static char ports[4][8];
	static unsigned int next;
	char *p = ports[next++ % 4];

	p[0] = '\0';
	if (draw(d, 4) != 0)
		snprintf(p, sizeof(ports[0]), ":%u", draw(d, 2) ? 5060 : 1024 + draw(d, 60000));
	return p;
}

static void via(struct draft *d, const char *name)
{
	static const char *const tails[] = {"", ";rport", ";rport", ""};
	const char *tail = tails[draw(d, 4)];
	bool first = draw(d, 4) == 0;

	line(d, "%s: SIP/2.0/%s %s%s%s;branch=z9hG4bK%s%s", name, draw(d, 6) ? "UDP" : "TCP",
		host(d), port(d), first ? tail : "", word(d, 8, 24), first ? "" : tail);
}

static void address(struct draft *d, const char *name, bool tag)
{
	static const char *const first[] = {"Alice", "Bob", "Reception", "Dr. Strange", ""};
	char display[64] = "", parameter[64] = "";

	switch (draw(d, 4)) {
	case 0:
		break;
	case 1:
		snprintf(display, sizeof(display), "%s ", first[draw(d, 4)]);
		break;
	default:
		snprintf(display, sizeof(display), "\"%s %s\" ", first[draw(d, 5)], word(d, 0, 8));
	}
	if (tag)
		snprintf(parameter, sizeof(parameter), ";tag=%s", word(d, 6, 16));
	line(d, "%s: %s<sip:%s@%s%s>%s", name, display, word(d, 3, 11), host(d), port(d),
		parameter);
}

static void call_id(struct draft *d, const char *name)
{
	if (draw(d, 2))
		line(d, "%s: %s@%s", name, word(d, 10, 28), host(d));
	else
		line(d, "%s: %s-%s-%s", name, word(d, 8, 8), word(d, 4, 4), word(d, 12, 16));
}

static void cseq(struct draft *d)
{
	static const uint32_t magnitudes[] = {10, 100, 10000, 1000000, 0x7fffffff};

	line(d, "CSeq: %u %s", draw(d, magnitudes[draw(d, 5)]), d->method);
}

static void core(struct draft *d, bool to_tag)
{
	via(d, "Via");
	if (draw(d, 8) != 0)
		line(d, "Max-Forwards: %u", draw(d, 3) ? 70 : 1 + draw(d, 255));
	address(d, "From", true);
	address(d, "To", to_tag);
	call_id(d, "Call-ID");
	cseq(d);
}

static void extras(struct draft *d, unsigned int nb)
{
	static const char *const some[] = {
		"Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY, MESSAGE, INFO",
		"Supported: replaces, timer, path, outbound", "Allow-Events: presence, kpml",
		"Session-Expires: 1800;refresher=uac", "Min-SE: 90", "Accept: application/sdp",
		"P-Asserted-Identity: \"Alice\" <sip:+12015550123@example.com>",
		"P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=00101000100010001",
		"Privacy: none", "Date: Sat, 21 Nov 2026 10:44:00 GMT", "Organization: Example",
		"Subject: hello there"};
	unsigned int start = draw(d, 12);

	for (unsigned int i = 0; i < nb; i++)
		line(d, "%s", some[(start + i) % 12]);
	if (draw(d, 3) != 0)
		line(d, "User-Agent: %s/%u.%u", word(d, 4, 12), draw(d, 9), draw(d, 20));
}

static void contact(struct draft *d, const char *name)
{
	line(d, "%s: <sip:%s@%s%s%s>", name, word(d, 3, 11), host(d), port(d),
		draw(d, 2) ? ";transport=udp" : "");
}

static void content(struct draft *d)
{
	if (draw(d, 4) != 0)
		contact(d, "Contact");
	line(d, "Content-Type: application/sdp");
}

static void routes(struct draft *d, unsigned int nb)
{
	for (unsigned int i = 0; i < nb; i++)
		line(d, "Route: <sip:%s%s;lr>", host(d), port(d));
}

static void record_routes(struct draft *d, unsigned int nb)
{
	for (unsigned int i = 0; i < nb; i++)
		line(d, "Record-Route: <sip:%s;lr;ftag=%s>", host(d), word(d, 4, 10));
}

static void compact(struct draft *d)
{
	via(d, "v");
	if (draw(d, 2))
		via(d, "v");
	line(d, "Max-Forwards: 70");
	address(d, "f", true);
	address(d, "t", false);
	call_id(d, "i");
	cseq(d);
	contact(d, "m");
	line(d, "c: application/sdp");
	line(d, "k: timer");
}

static const char *const methods[MESSAGE_KINDS] = {
	"INVITE", "INVITE", "REGISTER", "INVITE", "BYE", "OPTIONS", "INVITE", "INVITE", "INVITE"};

static void header_fields(struct draft *d, enum message_kind kind)
{
	switch (kind) {
	case MESSAGE_INVITE_412:
		core(d, false);
		contact(d, "Contact");
		if (draw(d, 2))
			extras(d, 0);
		break;
	case MESSAGE_INVITE_900:
		core(d, false);
		content(d);
		extras(d, 3);
		break;
	case MESSAGE_REGISTER:
		core(d, false);
		contact(d, "Contact");
		line(d, "Expires: %u", 60 * draw(d, 60));
		line(d,
			"Authorization: Digest username=\"%s\", realm=\"example.com\", "
			"nonce=\"%s\", "
			"uri=\"sip:example.com\", response=\"%s\"",
			word(d, 3, 11), word(d, 16, 24), word(d, 32, 32));
		break;
	case MESSAGE_OK_200:
		via(d, "Via");
		core(d, true);
		record_routes(d, 1);
		content(d);
		break;
	case MESSAGE_BYE:
		core(d, true);
		routes(d, 1);
		break;
	case MESSAGE_OPTIONS:
		core(d, false);
		contact(d, "Contact");
		line(d, "Accept: application/sdp");
		break;
	case MESSAGE_COMPACT:
		compact(d);
		break;
	case MESSAGE_VIAS_20:
		for (unsigned int i = 0; i < 12; i++)
			via(d, "Via");
		core(d, true);
		routes(d, 7);
		break;
	default:
		via(d, "Via");
		via(d, "Via");
		core(d, false);
		record_routes(d, 3);
		content(d);
		extras(d, 12);
		for (unsigned int i = 0; i < 5; i++)
			line(d, "X-Carrier-Data-%u: %s", i, word(d, 180, 220));
	}
}

static size_t body_of(struct draft *d, enum message_kind kind, char *body, size_t room)
{
	static const char attributes[] = "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
					 "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
					 "a=sendrecv\r\n";
	int n = 0;

	if (kind != MESSAGE_INVITE_900 && kind != MESSAGE_OK_200 && kind != MESSAGE_COMPACT &&
		kind != MESSAGE_INVITE_4K)
		return 0;
	n = snprintf(body, room, "v=0\r\no=- %u %u IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\n",
		draw(d, 1000000), draw(d, 1000000), host(d), host(d));
	for (unsigned int m = 0; m < (kind == MESSAGE_INVITE_4K ? 8 : 1); m++)
		n += snprintf(body + n, room - (size_t)n, "m=audio %u RTP/AVP 0 8 101\r\n%s",
			10000 + draw(d, 50000), attributes);
	return (size_t)n;
}

// Not the first `fixed` lines: a top Via stands on top in nearly all messages.
static void shuffle(struct draft *d, unsigned int fixed)
{
	char swap[sizeof(d->lines[0])];

	// Half of the messages keep the customary order.
	if (draw(d, 2))
		return;
	for (unsigned int i = d->nb_lines - 1; i > fixed; i--) {
		unsigned int j = fixed + draw(d, i - fixed + 1);

		memcpy(swap, d->lines[i], sizeof(swap));
		memcpy(d->lines[i], d->lines[j], sizeof(swap));
		memcpy(d->lines[j], swap, sizeof(swap));
	}
}

static size_t compose(struct draft *d, enum message_kind kind, char *out)
{
	char body[4096];
	size_t body_len, n;

	d->nb_lines = 0;
	d->method = methods[kind];
	body_len = body_of(d, kind, body, sizeof(body));
	header_fields(d, kind);
	line(d, "%s: %zu", kind == MESSAGE_COMPACT ? "l" : "Content-Length", body_len);
	shuffle(d, 1);
	if (kind == MESSAGE_OK_200)
		n = (size_t)sprintf(out, "SIP/2.0 200 OK\r\n");
	else
		n = (size_t)sprintf(out, "%s sip:%s@%s%s SIP/2.0\r\n", d->method, word(d, 3, 11),
			host(d), port(d));
	for (unsigned int i = 0; i < d->nb_lines; i++)
		n += (size_t)sprintf(out + n, "%s\r\n", d->lines[i]);
	n += (size_t)sprintf(out + n, "\r\n");
	memcpy(out + n, body, body_len);
	return n + body_len;
}

const char *message_kind_name(enum message_kind kind)
{
	static const char *const names[MESSAGE_KINDS] = {"invite-412", "invite-900", "register",
		"200-ok", "bye", "options", "compact", "vias-20", "invite-4k"};

	return names[kind];
}

void message_set_create(
	struct message_set *set, enum message_kind kind, unsigned int nb, uint64_t seed)
{
	struct draft *d = calloc(1, sizeof(*d));
	size_t used = SIP_PAD;

	*set = (struct message_set){.nb = nb};
	set->room_len = (size_t)nb * (MESSAGE_ROOM + 2 * SIP_PAD);
	set->room = calloc(1, set->room_len);
	set->messages = calloc(nb, sizeof(*set->messages));
	if (d == NULL || set->room == NULL || set->messages == NULL)
		abort();
	d->random = seed * 0x9e3779b97f4a7c15ULL + 1;
	for (unsigned int i = 0; i < nb; i++) {
		size_t len = compose(d, kind, set->room + used);

		set->messages[i] = (struct message){set->room + used, (uint32_t)len};
		set->octets += len;
		// As far apart as packets in a pool of buffers: never in the same cache line, with
		// all offsets in it.
		used += len + 2 * SIP_PAD + i * 13 % 64;
	}
	free(d);
}

void message_set_destroy(struct message_set *set)
{
	free(set->room);
	free(set->messages);
}
