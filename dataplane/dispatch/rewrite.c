// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/request.h"

#include "dataplane/dispatch/text.h"

#define RECORD_ROUTE "Record-Route: <sip:"
#define PATH "Path: <sip:"
#define MAX_FORWARDS "Max-Forwards: 70\r\n"
#define KEEP "=30" // seconds between keep-alives that we recommend (RFC 6223)

// The most that is put in after the start line: Via, two Record-Routes and Max-Forwards. Fixed-size
// copies may scribble up to a whole template beyond it.
_Static_assert(SNAPSHOT_VIA_MAX + TOKEN_TEXT_MAX +
			2 * (sizeof(RECORD_ROUTE) + TOKEN_TEXT_MAX + SNAPSHOT_URI_MAX + 4) +
			sizeof(MAX_FORWARDS) + IP_ADDR_TEXT_MAX + 64 <=
		EDIT_TEXT_MAX,
	"what every request gets fits");

// Copy a literal and return its end.
#define PUT(p, literal) ((char *)mempcpy((p), (literal), sizeof(literal) - 1))

static char *put_uri(char *p, const struct snapshot_listener *listener)
{
	memcpy(p, listener->uri, SNAPSHOT_URI_MAX);
	return p + listener->uri_len;
}

// Requests that create dialogs or refresh their targets (16.6 step 4); an extension method may.
static bool wants_record_route(const struct request *r)
{
	const unsigned int methods = 1u << SIP_METHOD_OTHER | 1u << SIP_INVITE |
		1u << SIP_SUBSCRIBE | 1u << SIP_NOTIFY | 1u << SIP_REFER | 1u << SIP_UPDATE;

	return r->service->flags & SERVICE_RECORD_ROUTE && methods >> r->msg->method & 1;
}

// The tokens of a request, and their tags where both are made at once.
struct tokens {
	struct branch_token branch;
	struct route_token route;
	uint64_t tags[2];
	bool paired;
};

static inline void make_tokens(struct request *r, bool record_route, struct tokens *t)
{
	const struct snapshot_listener *from = snapshot_listener(r->snap, r->out->from);
	uint16_t backend = r->to_backend ? r->out->backend : r->source_backend;

	t->branch.listener_id = r->listener->id;
	t->branch.backend_id = r->to_backend ? snapshot_backend(r->snap, backend)->id : 0;
	t->paired = false;
	if (!record_route)
		return;
	t->route.backend_id = snapshot_backend(r->snap, backend)->id;
	t->route.client_listener_id = r->to_backend ? r->listener->id : from->id;
	t->route.backend_listener_id = r->to_backend ? from->id : r->listener->id;
	t->route.flow = r->to_backend ? r->in->source : r->out->to;
	t->paired = token_tags(r->key,
		&(struct token_pair){&t->branch, &t->route, sip_strv(r->msg, r->msg->via.branch),
			&r->target, r->call_digest},
		t->tags);
}

static char *put_via(struct request *r, const struct tokens *t, char *p)
{
	const struct snapshot_listener *from = snapshot_listener(r->snap, r->out->from);

	memcpy(p, from->via, SNAPSHOT_VIA_MAX);
	p += from->via_len;
	p += t->paired
		? branch_token_sign(r->key, &t->branch, t->tags[0], p)
		: branch_token_format(r->key, &t->branch, r->msg, &r->msg->via, &r->target, p);
	return PUT(p, "\r\n");
}

// One token serves both directions. A second Record-Route only when the two sides have different
// addresses: then each side sees the one that it can reach.
static char *put_record_route(struct request *r, const struct tokens *t, char *p)
{
	const struct snapshot_listener *from = snapshot_listener(r->snap, r->out->from);
	unsigned int len;
	char *user;

	p = PUT(p, RECORD_ROUTE);
	user = p;
	len = t->paired ? route_token_sign(r->key, &t->route, t->tags[1], p)
			: route_token_format(r->key, &t->route, r->call_digest, p);
	p = put_uri(p + len, from);
	p = PUT(p, ">\r\n");
	if (from == r->listener)
		return p;
	p = PUT(p, RECORD_ROUTE);
	p = mempcpy(p, user, len);
	p = put_uri(p, r->listener);
	return PUT(p, ">\r\n");
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

// Add what has been written from list->text_len to p at `off`.
static void add_text(struct edit_list *list, uint32_t off, uint32_t removed, const char *p)
{
	uint32_t len = (uint32_t)(p - list->text) - list->text_len;

	edit_add(list, off, removed, list->text_len, len);
	list->text_len = (uint16_t)(list->text_len + len);
}

// Does the sent-by already say where the request came from?
static bool sent_by_is(const struct sip_msg *msg, const struct ip_addr *source)
{
	struct ip_addr ip;

	return ip_addr_parse(sip_strv(msg, msg->via.host), &ip) == 0 && ip_addr_eq(&ip, source);
}

void rewrite_via(struct edit_list *edits, const struct sip_msg *msg, const struct endpoint *source)
{
	const struct sip_via *via = &msg->via;
	bool rport = via->rport_param.len > 0, received = via->received_param.len > 0;
	char *p = edits->text + edits->text_len;

	// What the sender wrote there itself is never trusted.
	if (rport) {
		p = PUT(p, "rport=");
		p = text_u16(p, source->port);
		if (!received) {
			p = PUT(p, ";received=");
			p = text_ip(p, &source->ip);
		}
		add_text(edits, via->rport_param.off, via->rport_param.len, p);
	}
	if (received) {
		p = PUT(p, "received=");
		p = text_ip(p, &source->ip);
		add_text(edits, via->received_param.off, via->received_param.len, p);
	} else if (!rport && !sent_by_is(msg, &source->ip)) {
		p = PUT(p, ";received=");
		p = text_ip(p, &source->ip);
		add_text(edits, (uint32_t)via->sent_by.off + via->sent_by.len, 0, p);
	}
}

static void rewrite_max_forwards(struct edit_list *edits, const struct sip_msg *msg)
{
	char *p = edits->text + edits->text_len;

	if (msg->max_forwards < 0)
		return; // put in together with our Via
	p = text_u8(p, (uint8_t)(msg->max_forwards - 1));
	add_text(edits, msg->max_forwards_value.off, msg->max_forwards_value.len, p);
}

// Is there more in the top Via than branch, rport and received? True as well when it is written
// with white space.
static bool via_has_more(const struct sip_via *via)
{
	uint32_t known = (uint32_t)via->sent_by.off - via->value.off + via->sent_by.len;

	if (via->branch.len > 0)
		known += sizeof(";branch=") - 1 + via->branch.len;
	if (via->rport_param.len > 0)
		known += 1u + via->rport_param.len;
	if (via->received_param.len > 0)
		known += 1u + via->received_param.len;
	return known != via->value.len;
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
static __attribute__((noinline)) void rewrite_keep(struct request *r)
{
	const struct sip_msg *msg = r->msg;
	uint32_t at;

	if (msg->method != SIP_REGISTER && (msg->method != SIP_INVITE || msg->to_tag.len > 0))
		return;
	at = find_keep(msg);
	if (at != 0)
		edit_replace(&r->out->edits, at, 0, STRV(KEEP));
}

// The Request-URI after 16.4 and 16.6 step 6, and Routes taken out.
static __attribute__((noinline)) void rewrite_routes(struct request *r)
{
	struct edit_list *edits = &r->out->edits;
	const struct routes *routes = &r->routes;
	const struct sip_msg *msg = r->msg;
	struct sip_slice uri = routes->restore_uri ? routes->uri : msg->request_uri;

	if (routes->strict_next) {
		// The strict router's URI goes into the Request-URI, which becomes the last Route.
		edit_replace(edits, msg->request_uri.off, msg->request_uri.len,
			sip_strv(msg, routes->next_uri));
		edit_replace(edits, routes->end, 0, STRV("Route: <"));
		edit_replace(edits, routes->end, 0, sip_strv(msg, uri));
		edit_replace(edits, routes->end, 0, STRV(">\r\n"));
	} else if (routes->restore_uri) {
		edit_replace(edits, msg->request_uri.off, msg->request_uri.len, sip_strv(msg, uri));
	}
	for (unsigned int i = 0; i < routes->nb_cuts; i++)
		edit_add(edits, routes->cuts[i].off, routes->cuts[i].len, 0, 0);
}

void rewrite_request(struct request *r)
{
	const struct sip_msg *msg = r->msg;
	struct edit_list *edits = &r->out->edits;
	bool record_route = wants_record_route(r);
	char *p = edits->text;
	struct tokens tokens;

	make_tokens(r, record_route, &tokens);
	p = put_via(r, &tokens, p);
	if (record_route)
		p = put_record_route(r, &tokens, p);
	else if (msg->method == SIP_REGISTER && r->to_backend && r->service->flags & SERVICE_PATH)
		p = put_path(r, p);
	if (msg->max_forwards < 0)
		p = PUT(p, MAX_FORWARDS);
	add_text(edits, msg->start_end, 0, p);

	rewrite_via(edits, msg, &r->in->source);
	rewrite_max_forwards(edits, msg);
	if (r->routes.nb_cuts > 0 || r->routes.restore_uri)
		rewrite_routes(r);
	if (via_has_more(&msg->via))
		rewrite_keep(r);
}
