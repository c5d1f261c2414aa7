// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/request.h"

#include "dataplane/dispatch/copy.h"
#include "dataplane/dispatch/text.h"
#include "dataplane/dispatch/token_inline.h"
#ifdef __AVX512VBMI2__
#include <immintrin.h>
#endif

#define RECORD_ROUTE "Record-Route: <sip:"
#define PATH "Path: <sip:"
#define MAX_FORWARDS "Max-Forwards: 70\r\n"
#define KEEP "=30" // seconds between keep-alives that we recommend (RFC 6223)

// The most that is put in: Via, Record-Routes, Max-Forwards, rport and received. Fixed-size copies
// may scribble up to a whole template beyond it.
#define TEXT_MOST(record_routes)                                                                   \
	(SNAPSHOT_VIA_MAX + TOKEN_TEXT_MAX +                                                       \
		(record_routes) * (sizeof(RECORD_ROUTE) + TOKEN_TEXT_MAX + SNAPSHOT_URI_MAX + 4) + \
		sizeof(MAX_FORWARDS) + 2 * IP_ADDR_TEXT_MAX + SNAPSHOT_VIA_MAX)

_Static_assert(TEXT_MOST(2) <= EDIT_TEXT_MAX, "what every request gets fits");

// Copy a literal and return its end.
#define PUT(p, literal) ((char *)mempcpy((p), (literal), sizeof(literal) - 1))

static char *put_uri(char *p, const struct snapshot_listener *listener)
{
	memcpy(p, listener->uri, SNAPSHOT_URI_MAX);
	return p + listener->uri_len;
}

#define URI_END 3 // ">\r\n" stands behind it in the template

// Requests that create dialogs or refresh their targets (16.6 step 4); an extension method may.
static bool wants_record_route(const struct request *r)
{
	const unsigned int methods = 1u << SIP_METHOD_OTHER | 1u << SIP_INVITE |
		1u << SIP_SUBSCRIBE | 1u << SIP_NOTIFY | 1u << SIP_REFER | 1u << SIP_UPDATE;

	return r->service->flags & SERVICE_RECORD_ROUTE && methods >> r->msg->method & 1;
}

void rewrite_tokens(struct request *r, struct tag_jobs *jobs)
{
	const struct snapshot_listener *from = snapshot_listener(r->snap, r->out->from);
	uint16_t backend = r->to_backend ? r->out->backend : r->source_backend;

	r->branch.listener_id = r->listener->id;
	r->branch.backend_id = r->to_backend ? snapshot_backend(r->snap, backend)->id : 0;
	r->has_branch_tag = branch_tag_job(&jobs->branches, r->key, &r->branch,
		sip_strv(r->msg, r->msg->via.branch), &r->target, &r->branch_tag);
	r->record_route = wants_record_route(r);
	if (!r->record_route)
		return;
	r->route.backend_id = snapshot_backend(r->snap, backend)->id;
	r->route.client_listener_id = r->to_backend ? r->listener->id : from->id;
	r->route.backend_listener_id = r->to_backend ? from->id : r->listener->id;
	r->route.flow = r->to_backend ? r->in->source : r->out->to;
	route_tag_job(&jobs->routes, r->key, &r->route, r->call_digest, &r->route_tag);
}

static char *put_via(struct request *r, char *p)
{
	const struct snapshot_listener *from = snapshot_listener(r->snap, r->out->from);

	memcpy(p, from->via, SNAPSHOT_VIA_MAX);
	p += from->via_len;
	p += r->has_branch_tag
		? branch_token_sign(r->key, &r->branch, r->branch_tag, p)
		: branch_token_format(r->key, &r->branch, r->msg, &r->msg->via, &r->target, p);
	return PUT(p, "\r\n");
}

// One token serves both directions. A second Record-Route only when the two sides have different
// addresses: then each side sees the one that it can reach.
static char *put_record_route(struct request *r, char *p)
{
	const struct snapshot_listener *from = snapshot_listener(r->snap, r->out->from);
	unsigned int len;
	char *user;

	p = PUT(p, RECORD_ROUTE);
	user = p;
	len = route_token_sign(r->key, &r->route, r->route_tag, p);
	p = put_uri(p + len, from) + URI_END;
	if (from == r->listener)
		return p;
	p = PUT(p, RECORD_ROUTE);
	p = mempcpy(p, user, len);
	return put_uri(p, r->listener) + URI_END;
}

// Is `tag` among the option tags of Supported? RFC 3261 section 20.37.
static bool supports(const struct sip_msg *msg, struct strv tag)
{
	struct sip_iter it = {0};
	struct sip_slice value;
	bool bad;

	while (sip_next_value(msg, SIP_HDR_SUPPORTED, &it, &value, &bad))
		if (strv_ieq(sip_strv(msg, value), tag))
			return true;
	return false;
}

// Path for a registration through us (RFC 3327 section 5.2), with "ob" when we are the first hop of
// a user agent that asks for outbound (RFC 5626 section 5.1).
static __attribute__((noinline)) char *put_path(struct request *r, char *p)
{
	const struct snapshot_listener *from = snapshot_listener(r->snap, r->out->from);
	const struct sip_msg *msg = r->msg;
	struct path_token token = {.listener_id = r->listener->id, .flow = r->in->source};
	struct sip_iter it = {0};
	struct sip_slice via;
	bool bad;

	if (!supports(msg, STRV("path")))
		return p;
	p = PUT(p, PATH);
	p += path_token_format(r->key, &token, p);
	p = put_uri(p, from);
	sip_next_value(msg, SIP_HDR_VIA, &it, &via, &bad);
	if (!sip_next_value(msg, SIP_HDR_VIA, &it, &via, &bad) && supports(msg, STRV("outbound")))
		p = PUT(p, ";ob");
	return PUT(p, ">\r\n");
}

// Does the sent-by already say where the request came from?
static bool sent_by_is(const struct sip_msg *msg, const struct ip_addr *source)
{
	struct ip_addr ip;

	return ip_addr_parse(sip_strv(msg, msg->via.host), &ip) == 0 && ip_addr_eq(&ip, source);
}

// A place where something is taken out or put in.
struct change {
	uint16_t off, removed;
	uint8_t what; // enum what
};

enum what {
	PUT_FRONT, // our Via and what goes with it
	PUT_RPORT,
	PUT_RPORT_RECEIVED,
	PUT_RECEIVED,
	PUT_RECEIVED_PARAM,
	PUT_MAX_FORWARDS,
	PUT_KEEP,
	PUT_NOTHING
};

#define CHANGES_MAX (ROUTES_POP_MAX + 2 + URI_CUTS_MAX + 6)

_Static_assert(CHANGES_MAX + 2 <= EDITS_MAX, "each may be an edit, and two for the Request-URI");

struct changes {
	unsigned int nb;
	struct change at[CHANGES_MAX];
};

// In the order of the message; of two at the same place the one that came first is the first.
static inline void change_add(struct changes *c, uint32_t off, uint32_t removed, enum what what)
{
	unsigned int i = c->nb++;

	for (; i > 0 && c->at[i - 1].off > off; i--)
		c->at[i] = c->at[i - 1];
	c->at[i] = (struct change){(uint16_t)off, (uint16_t)removed, (uint8_t)what};
}

// received and rport: what the sender wrote there itself is never trusted.
static inline void change_via(
	struct changes *c, const struct sip_msg *msg, const struct endpoint *source)
{
	const struct sip_via *via = &msg->via;
	bool rport = via->rport_param.len > 0, received = via->received_param.len > 0;

	if (rport)
		change_add(c, via->rport_param.off, via->rport_param.len,
			received ? PUT_RPORT : PUT_RPORT_RECEIVED);
	if (received)
		change_add(c, via->received_param.off, via->received_param.len, PUT_RECEIVED);
	else if (!rport && !sent_by_is(msg, &source->ip))
		change_add(c, (uint32_t)via->sent_by.off + via->sent_by.len, 0, PUT_RECEIVED_PARAM);
}

#define RECEIVED ";received="
#define RECEIVED_LEN (sizeof(RECEIVED) - 1)

#ifdef __AVX512VBMI2__
// An IPv4 address as text in a register, zeros behind it.
static inline __m128i text_ipv4(const struct ip_addr *ip, uint32_t *len)
{
	__m128i x = _mm_setr_epi32((int)load32(text_octets[ip->octets[0]]),
		(int)load32(text_octets[ip->octets[1]]), (int)load32(text_octets[ip->octets[2]]),
		(int)load32(text_octets[ip->octets[3]]));
	__mmask16 used = _mm_test_epi8_mask(x, x);

	// Each number has a dot behind it.
	*len = (uint32_t)__builtin_popcount(used) - 1;
	return _mm_maskz_compress_epi8(used, x);
}

static inline char *put_ip(char *p, const struct ip_addr *ip)
{
	uint32_t len;

	if (ip->family == 6)
		return text_ipv6(p, ip->octets);
	_mm_storeu_si128((__m128i *)p, text_ipv4(ip, &len));
	return p + len;
}

// Is an IPv4 address written like this? 16 octets are readable.
static inline bool is_text_of(const char *text, uint32_t len, const struct ip_addr *ip)
{
	uint32_t wanted;
	__m128i x = text_ipv4(ip, &wanted);
	uint32_t differ = _mm_cmpneq_epi8_mask(x, _mm_loadu_si128((const __m128i *)text));

	return ((len ^ wanted) | _bzhi_u32(differ, wanted)) == 0;
}
#else
#define put_ip text_ip

static inline bool is_text_of(const char *text, uint32_t len, const struct ip_addr *ip)
{
	char wanted[16 + TEXT_SLACK];

	return (size_t)(text_ip(wanted, ip) - wanted) == len && memcmp(wanted, text, len) == 0;
}
#endif

static inline char *put_via_param(char *p, enum what what, const struct endpoint *source)
{
	if (what == PUT_RPORT || what == PUT_RPORT_RECEIVED) {
		p = PUT(p, "rport=");
		p = text_u16(p, source->port);
		if (what == PUT_RPORT)
			return p;
	}
	p = what != PUT_RECEIVED ? PUT(p, RECEIVED) : PUT(p, "received=");
	return put_ip(p, &source->ip);
}

// An edit of its own with what has been written from list->text_len to p.
static void edit_written(struct edit_list *list, const struct change *c, const char *p)
{
	uint32_t len = (uint32_t)(p - list->text) - list->text_len;

	edit_add(list, c->off, c->removed, list->text_len, len);
	list->text_len = (uint16_t)(list->text_len + len);
}

void rewrite_via(struct edit_list *edits, const struct sip_msg *msg, const struct endpoint *source)
{
	struct changes changes;

	changes.nb = 0;
	change_via(&changes, msg, source);
	for (unsigned int i = 0; i < changes.nb; i++)
		edit_written(edits, &changes.at[i],
			put_via_param(edits->text + edits->text_len, (enum what)changes.at[i].what,
				source));
}

// Where the parameter "keep" ends, if it has no value yet; else 0.
static uint32_t find_keep(const struct sip_msg *msg)
{
	const struct sip_via *via = &msg->via;
	uint32_t end = (uint32_t)via->value.off + via->value.len;
	bool quoted = false;

	for (uint32_t i = (uint32_t)via->sent_by.off + via->sent_by.len; i < end; i++) {
		const char *p = msg->buf + i;

		if (*p == '\\' && quoted) {
			i++;
		} else if (*p == '"') {
			quoted = !quoted;
		} else if (*p == ';' && !quoted) {
			do
				i++;
			while (i < end && (msg->buf[i] == ' ' || msg->buf[i] == '\t'));
			if (end - i >= 4 &&
				strv_ieq((struct strv){msg->buf + i, 4}, STRV("keep")) &&
				(end - i == 4 || msg->buf[i + 4] == ';'))
				return i + 4;
			i--;
		}
	}
	return 0;
}

// A sender that offers to send keep-alives learns that we take them (RFC 6223 section 4.4): for
// registrations and for what creates a dialog.
static __attribute__((noinline)) void change_keep(struct changes *c, const struct sip_msg *msg)
{
	uint32_t at;

	if (msg->method != SIP_REGISTER && (msg->method != SIP_INVITE || msg->to_tag.len > 0))
		return;
	at = find_keep(msg);
	if (at != 0)
		change_add(c, at, 0, PUT_KEEP);
}

// Do Route and the Request-URI change places (16.4, 16.6 step 6)?
static inline bool moves_uri(const struct routes *routes)
{
	return routes->restore_uri || routes->strict_next;
}

// Append the Request-URI after 16.4.
static void append_uri(const struct request *r, struct edit_list *edits)
{
	const struct routes *routes = &r->routes;
	struct sip_slice uri = routes->restore_uri ? routes->uri : r->msg->request_uri;
	uint32_t from = uri.off, end = (uint32_t)uri.off + uri.len;

	for (unsigned int i = 0; i < routes->nb_uri_cuts; i++) {
		const struct sip_slice *cut = &routes->uri_cuts[i];

		edit_append(edits, (struct strv){r->msg->buf + from, cut->off - from});
		from = (uint32_t)cut->off + cut->len;
	}
	edit_append(edits, (struct strv){r->msg->buf + from, end - from});
}

static __attribute__((noinline)) void rewrite_uri(struct request *r)
{
	struct edit_list *edits = &r->out->edits;
	const struct routes *routes = &r->routes;
	struct sip_slice uri = r->msg->request_uri;
	uint32_t start = edits->text_len;

	if (routes->strict_next)
		edit_append(edits, sip_strv(r->msg, routes->next_uri));
	else
		append_uri(r, edits);
	edit_add(edits, uri.off, uri.len, start, edits->text_len - start);
	if (!routes->strict_next)
		return;
	// The strict router's URI is in the Request-URI now, which becomes the last Route.
	start = edits->text_len;
	edit_append(edits, STRV("Route: <"));
	append_uri(r, edits);
	edit_append(edits, STRV(">\r\n"));
	edit_add(edits, routes->end, 0, start, edits->text_len - start);
}

static inline char *put_front(struct request *r, char *p)
{
	p = put_via(r, p);
	if (r->record_route)
		p = put_record_route(r, p);
	else if (r->msg->method == SIP_REGISTER && r->to_backend &&
		r->service->flags & SERVICE_PATH)
		p = put_path(r, p);
	if (r->msg->max_forwards < 0)
		p = PUT(p, MAX_FORWARDS);
	return p;
}

static inline char *put_change(struct request *r, enum what what, char *p)
{
	switch (what) {
	case PUT_FRONT:
		return put_front(r, p);
	case PUT_MAX_FORWARDS:
		return text_u8(p, (uint8_t)(r->msg->max_forwards - 1));
	case PUT_KEEP:
		return PUT(p, KEEP);
	case PUT_NOTHING:
		return p;
	default:
		return put_via_param(p, what, &r->in->source);
	}
}

// One edit for the whole front of the message up to the last change: what stays is copied in
// between.
static void rewrite_front(struct request *r, const struct changes *changes)
{
	struct edit_list *edits = &r->out->edits;
	const struct sip_msg *msg = r->msg;
	char *p = edits->text;
	uint32_t from = 0;

	for (unsigned int i = 0; i < changes->nb; i++) {
		const struct change *c = &changes->at[i];

		p = copy_wide(p, msg->buf + from, c->off - from);
		p = put_change(r, (enum what)c->what, p);
		from = (uint32_t)c->off + c->removed;
	}
	edit_front(edits, from, p);
}

// One edit for each change, when changes are far apart or variable texts are among them.
static __attribute__((noinline)) void rewrite_apart(
	struct request *r, const struct changes *changes)
{
	struct edit_list *edits = &r->out->edits;

	for (unsigned int i = 0; i < changes->nb; i++)
		edit_written(edits, &changes->at[i],
			put_change(
				r, (enum what)changes->at[i].what, edits->text + edits->text_len));
	if (moves_uri(&r->routes))
		rewrite_uri(r);
}

// Where in a message the last of such changes may be.
#define PLAIN_MAX (EDIT_TEXT_MAX - TEXT_MOST(2) - COPY_SLACK)

// Is there nothing to change but what nearly every request has, where it nearly always stands: a
// plain Via, then at most one Route to take out, and Max-Forwards?
static inline bool is_plain(const struct request *r)
{
	const struct sip_msg *msg = r->msg;
	const struct routes *routes = &r->routes;
	uint32_t via_end = (uint32_t)msg->via.value.off + msg->via.value.len;
	uint32_t cut = routes->nb_cuts > 0 ? routes->cuts[0].off : via_end;

	return msg->via.plain && msg->max_forwards >= 0 && msg->max_forwards_value.off > via_end &&
		routes->nb_cuts <= 1 && routes->nb_uri_cuts == 0 && !moves_uri(routes) &&
		cut >= via_end && cut <= PLAIN_MAX && msg->max_forwards_value.off <= PLAIN_MAX &&
		((int)(msg->via.rport_param.len > 0) | (int)(r->in->source.ip.family == 4));
}

// Where rport and received go in a Via that is_plain(): whether there is an rport to replace cannot
// be predicted.
static inline uint32_t source_at(const struct sip_via *via)
{
	uint32_t rport = -(uint32_t)(via->rport_param.len > 0);

	OPAQUE(rport);
	return (via->rport_param.off & rport) |
		(((uint32_t)via->sent_by.off + via->sent_by.len) & ~rport);
}

// rport, if it was asked for, and received, unless there is no rport and sent-by says the same: an
// IPv4 address is written in one way only, so what stands there is compared as text.
static inline char *put_source(char *p, const struct sip_msg *msg, const struct endpoint *source)
{
	const struct sip_via *via = &msg->via;
	uint32_t rport = -(uint32_t)(via->rport_param.len > 0), received;
	char *end;

	if (__builtin_expect(source->ip.family == 6, 0))
		return put_via_param(p, PUT_RPORT_RECEIVED, source);
	OPAQUE(rport);
	end = text_u16(PUT(p, "rport="), source->port);
	p += (uint32_t)(end - p) & rport;
	received = rport |
		-(uint32_t)!is_text_of(msg->buf + via->host.off, via->host.len, &source->ip);
	OPAQUE(received);
	end = put_ip(PUT(p, RECEIVED), &source->ip);
	return p + ((uint32_t)(end - p) & received);
}

// The message from `from` up to `to`, and what Max-Forwards becomes if it stands there: `hops` is
// all ones then, else 0.
static inline char *put_upto(
	char *p, const struct sip_msg *msg, uint32_t from, uint32_t to, uint32_t hops)
{
	char *end;

	p = copy_upto(p, msg->buf + from, to - from, 256);
	end = text_u8(p, (uint8_t)(msg->max_forwards - 1));
	return p + ((uint32_t)(end - p) & hops);
}

static inline void rewrite_plain(struct request *r)
{
	const struct sip_msg *msg = r->msg;
	const struct sip_slice *hops = &msg->max_forwards_value, *cut = &r->routes.cuts[0];
	uint32_t from = msg->start_end, to = source_at(&msg->via), first;
	char *p = copy_wide(r->out->edits.text, msg->buf, from);

	p = put_front(r, p);
	p = copy_upto(p, msg->buf + from, to - from, 128);
	p = put_source(p, msg, &r->in->source);
	from = to + msg->via.rport_param.len;
	if (r->routes.nb_cuts == 0) {
		p = put_upto(p, msg, from, hops->off, UINT32_MAX);
		return edit_front(&r->out->edits, (uint32_t)hops->off + hops->len, p);
	}
	// Which of the two comes first cannot be predicted.
	first = -(uint32_t)(hops->off < cut->off);
	OPAQUE(first);
	to = (hops->off & first) | (cut->off & ~first);
	p = put_upto(p, msg, from, to, first);
	from = to + ((hops->len & first) | (cut->len & ~first));
	to = (hops->off & ~first) | (cut->off & first);
	p = put_upto(p, msg, from, to, ~first);
	from = to + ((hops->len & ~first) | (cut->len & first));
	edit_front(&r->out->edits, from, p);
}

void rewrite_request(struct request *r)
{
	const struct sip_msg *msg = r->msg;
	const struct routes *routes = &r->routes;
	struct changes changes;
	const struct change *last;

	if (is_plain(r))
		return rewrite_plain(r);
	changes.nb = 0;
	change_add(&changes, msg->start_end, 0, PUT_FRONT);
	change_via(&changes, msg, &r->in->source);
	if (msg->max_forwards >= 0) // else put in together with our Via
		change_add(&changes, msg->max_forwards_value.off, msg->max_forwards_value.len,
			PUT_MAX_FORWARDS);
	for (unsigned int i = 0; i < routes->nb_cuts; i++)
		change_add(&changes, routes->cuts[i].off, routes->cuts[i].len, PUT_NOTHING);
	for (unsigned int i = 0; i < routes->nb_uri_cuts && !moves_uri(routes); i++)
		change_add(&changes, routes->uri_cuts[i].off, routes->uri_cuts[i].len, PUT_NOTHING);
	if (!msg->via.plain)
		change_keep(&changes, msg);

	last = &changes.at[changes.nb - 1];
	if (!moves_uri(routes) && last->off + TEXT_MOST(2) + COPY_SLACK <= EDIT_TEXT_MAX)
		rewrite_front(r, &changes);
	else
		rewrite_apart(r, &changes);
}
