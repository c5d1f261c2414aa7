// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/request.h"

#include "dataplane/dispatch/next_hdr.h"
#include "dataplane/dispatch/snapshot_find.h"
#include "dataplane/dispatch/text.h"
#include "dataplane/dispatch/token_inline.h"
#include "parser/load.h"

// Where the characters of a token that could be ours would end in "sip:<user>@".
enum {
	URI_USER = 4
};

// Cheap and right for almost all: '@' at the place where it is after one of our tokens.
static bool uri_may_be_ours(const struct sip_msg *msg, struct sip_slice uri)
{
	const char *p = msg->buf + uri.off;
	static const uint8_t lengths[] = {34, 42, 50, 58};

	// Kinds are 'p' to 's'.
	if (uri.len <= URI_USER + lengths[0] || (((p[URI_USER] | 0x20) - 'p') & ~3) != 0)
		return false;
	for (unsigned int i = 0; i < sizeof(lengths); i++)
		if (uri.len > URI_USER + lengths[i] && p[URI_USER + lengths[i]] == '@')
			return true;
	return false;
}

static bool has_params(const struct sip_msg *msg, struct sip_slice uri)
{
	return text_find(msg->buf + uri.off, ';', uri.len) != NULL;
}

static bool has_routes(const struct sip_msg *msg)
{
	return sip_has(msg, SIP_HDR_ROUTE) || uri_may_be_ours(msg, msg->request_uri);
}

bool routes_wanted(const struct request *r)
{
	return has_routes(r->msg) || has_params(r->msg, r->msg->request_uri);
}

static void note_token(struct request *r, enum token_error error)
{
	if (error > r->out->token)
		r->out->token = (uint8_t)error;
}

// Take in what the user part of a URI says, if it is a token of ours. The last one counts: a dialog
// that passed us twice without a proxy of its own in between goes straight to its far end.
static bool take_token(struct request *r, struct strv user)
{
	struct routes *routes = &r->routes;
	struct route_token route;
	struct path_token path;
	enum token_error error = route_token_verify(r->snap, user, r->call_digest, &route);

	if (error == TOKEN_OK) {
		routes->route = route;
		routes->has_route_token = true;
		routes->has_path_token = false;
		return true;
	}
	note_token(r, error);
	if (error != TOKEN_ABSENT)
		return false;
	error = path_token_verify(r->snap, user, &path);
	// The flow of a Path is for our backends. Whoever else knows the token got it from a 200 to
	// REGISTER and may not send through it.
	if (error == TOKEN_OK && r->source_backend == SNAPSHOT_NONE)
		error = TOKEN_FORGED;
	note_token(r, error);
	if (error != TOKEN_OK)
		return false;
	routes->path = path;
	routes->has_path_token = true;
	routes->has_route_token = false;
	return true;
}

// Does this URI mean us: by a token that verifies, or by the address of a listener?
static bool uri_is_ours(struct request *r, struct sip_slice slice, bool *token)
{
	const struct sip_msg *msg = r->msg;
	struct endpoint ep;
	struct sip_uri uri;

	*token = false;
	if (sip_uri_parse(msg, slice, &uri) != 0 || !uri.is_sip)
		return false;
	if (uri.user.len > 0)
		*token = take_token(r, sip_strv(msg, uri.user));
	return *token ||
		(literal_endpoint(msg, uri.host, uri.port, &ep) &&
			find_listener(r->snap, &ep) != SNAPSHOT_NONE);
}

// The values of Route, as many as are looked at. Returns false at one that is malformed.
static bool gather(const struct sip_msg *msg, struct route_value values[ROUTES_MAX],
	unsigned int *nb, bool *complete)
{
	struct sip_iter it = {0};
	struct sip_name_addr na;
	bool bad = false;

	*complete = false;
	for (*nb = 0; *nb < ROUTES_MAX; ++*nb) {
		struct route_value *v = &values[*nb];

		if (!sip_next_value(msg, SIP_HDR_ROUTE, &it, &v->value, &bad)) {
			*complete = true;
			return !bad;
		}
		if (sip_name_addr_parse(msg, v->value, &na) != 0 || !na.brackets)
			return false;
		v->uri = na.uri;
		v->hdr = it.hdr;
	}
	return true;
}

static void cut(struct routes *routes, uint32_t from, uint32_t to)
{
	struct sip_slice *last = routes->nb_cuts > 0 ? &routes->cuts[routes->nb_cuts - 1] : NULL;

	if (last != NULL && (uint32_t)last->off + last->len == from)
		last->len = (uint16_t)(to - last->off);
	else
		routes->cuts[routes->nb_cuts++] =
			(struct sip_slice){(uint16_t)from, (uint16_t)(to - from)};
}

static uint32_t slice_end(struct sip_slice s)
{
	return (uint32_t)s.off + s.len;
}

// Take out values [from, to) of one header field that has values [first, end).
static void cut_line(const struct sip_msg *msg, struct routes *routes,
	const struct route_value *values, const unsigned int at[4])
{
	unsigned int first = at[0], from = at[1], to = at[2], end = at[3];

	if (from == to)
		return;
	if (from == first && to == end)
		cut(routes, msg->hdr_line[values[first].hdr], msg->hdr_line[values[first].hdr + 1]);
	else if (to < end)
		cut(routes, values[from].value.off, values[to].value.off);
	else
		cut(routes, slice_end(values[from - 1].value), slice_end(values[to - 1].value));
}

// Take out the first `front` values, and the last one if `back`.
static void cut_values(const struct sip_msg *msg, struct routes *routes,
	const struct route_value *values, const unsigned int nb, unsigned int front, bool back)
{
	unsigned int keep_end = nb - back;

	for (unsigned int first = 0; first < nb;) {
		unsigned int end = first + 1, from, to;

		while (end < nb && values[end].hdr == values[first].hdr)
			end++;
		// What stays of this header field is [from, to).
		from = front < first ? first : front < end ? front : end;
		to = keep_end < from ? from : keep_end < end ? keep_end : end;
		if (from == to) {
			cut_line(msg, routes, values, (unsigned int[]){first, first, end, end});
		} else {
			cut_line(msg, routes, values, (unsigned int[]){first, first, from, end});
			cut_line(msg, routes, values, (unsigned int[]){first, to, end, end});
		}
		first = end;
	}
}

// Is this next hop a strict router, which wants to be in the Request-URI (16.6 step 6)? Only asked
// of routes that a token or a backend vouches for: what others preload is for our backends to
// judge.
static bool next_is_strict(const struct request *r)
{
	struct sip_uri uri;

	if (!r->routes.has_next ||
		(r->source_backend == SNAPSHOT_NONE && !r->routes.has_route_token))
		return false;
	return sip_uri_parse(r->msg, r->routes.next_uri, &uri) == 0 && uri.is_sip && !uri.lr;
}

// May a URI from Route become the Request-URI? Not with headers ("?", 19.1.1), nor if it is none.
static bool fits_request_line(const struct sip_msg *msg, struct sip_slice slice)
{
	struct sip_uri uri;

	return sip_uri_parse(msg, slice, &uri) == 0 && uri.scheme.len > 0 &&
		memchr(msg->buf + slice.off, '?', slice.len) == NULL;
}

static __attribute__((noinline)) void scan_slowly(struct request *r)
{
	struct route_value values[ROUTES_MAX];
	struct routes *routes = &r->routes;
	const struct sip_msg *msg = r->msg;
	bool complete, token;
	unsigned int nb, pops = 0, limit;

	routes->bad = !gather(msg, values, &nb, &complete);
	if (routes->bad)
		return;

	// A strict router before us has put our Record-Route into the Request-URI, and what was
	// there at the end of Route (16.4).
	if (uri_may_be_ours(msg, msg->request_uri) && uri_is_ours(r, msg->request_uri, &token) &&
		token && nb > 0 && complete) {
		routes->restore_uri = true;
		routes->uri = values[nb - 1].uri;
	}
	limit = nb - routes->restore_uri;
	while (pops < limit && pops < ROUTES_POP_MAX && uri_is_ours(r, values[pops].uri, &token))
		pops++;
	if (pops < limit) {
		routes->has_next = true;
		routes->next_uri = values[pops].uri;
		routes->strict_next = next_is_strict(r);
	}
	routes->bad |= (routes->restore_uri && !fits_request_line(msg, routes->uri)) ||
		(routes->strict_next && !fits_request_line(msg, routes->next_uri));
	if (nb > 0)
		routes->end = msg->hdr_line[values[nb - 1].hdr + 1];
	cut_values(msg, routes, values, nb, pops + routes->strict_next, routes->restore_uri);
}

// Where the value of Route at p ends, if it is written as nearly all are:
// "<sip:[user@]host[:port][;params]>" with nothing around it. NULL: it needs the parser.
static const char *quick_end(const struct sip_msg *msg, const char *p, const char *end)
{
	if (end - p < 8 || load32(p + 1) != load32("sip:"))
		return NULL;
	// The end of the first one is known.
	if (p + 1 == msg->buf + msg->route.off)
		return p + 1 + msg->route.len;
	return *p == '<' ? text_find(p, '>', (size_t)(end - p)) : NULL;
}

// The value behind the one that ends at `close`, if a comma and SPs are all that stands between.
// NULL: not so.
static const char *quick_next(const char *close, const char *end)
{
	const char *p = close + 1;

	if (*p != ',')
		return NULL;
	for (p++; p < end && *p == ' '; p++)
		;
	return p < end ? p : NULL;
}

// The token of a URI that looks like a Record-Route of ours, just as we wrote it at this listener.
// Empty: it does not.
static struct strv quick_user(const struct request *r, struct sip_slice uri)
{
	const struct snapshot_listener *l = r->listener;
	const char *p = r->msg->buf + uri.off + URI_USER;
	uint32_t len = (uint32_t)uri.len - URI_USER - l->uri_len;

	if ((len != 42 && len != 58) || !text_same(p + len, l->uri, l->uri_len))
		len = 0;
	return (struct strv){p, len};
}

// Take it in. The first one's tag may be left to checks.
static bool quick_token(struct request *r, struct strv user, struct hash_jobs *checks)
{
	struct route_token *token = &r->routes.route;

	if (checks == NULL || r->has_check)
		return route_token_verify(r->snap, user, r->call_digest, token) == TOKEN_OK;
	r->has_check = route_token_check(r->snap, user, r->call_digest, token, &r->check, checks) ==
		TOKEN_OK;
	return r->has_check;
}

// The usual case: one Route of ours, alone in its header field.
static bool scan_one(struct request *r, struct hash_jobs *checks)
{
	const struct sip_msg *msg = r->msg;
	unsigned int hdr = msg->hdr_first[SIP_HDR_ROUTE];
	uint32_t line = msg->hdr_line[hdr], end = msg->hdr_line[hdr + 1];
	struct strv user = quick_user(r, msg->route);

	if (user.len == 0 || slice_end(msg->route) + 3 != end || // ">" CRLF
		load32(user.ptr - URI_USER) != load32("sip:") ||
		next_hdr(msg, SIP_HDR_ROUTE, hdr + 1) < msg->nb_hdrs ||
		!quick_token(r, user, checks))
		return false;
	r->routes.has_route_token = true;
	r->routes.cuts[0] = (struct sip_slice){(uint16_t)line, (uint16_t)(end - line)};
	r->routes.nb_cuts = 1;
	return true;
}

// Is this certainly somebody else's loose router, at an IPv4 address that no listener has?
static bool quick_foreign(const struct request *r, struct sip_slice slice)
{
	struct endpoint ep = {.port = SIP_PORT};
	struct sip_uri uri;

	// Tokens of ours, names, ports, maddr and IPv6 references take the longer way, and so does
	// what is no URI: it will be the first Route.
	return !uri_may_be_ours(r->msg, slice) && sip_uri_parse(r->msg, slice, &uri) == 0 &&
		uri.lr && uri.port == 0 && uri.maddr.len == 0 &&
		ip_addr_parse(sip_strv(r->msg, uri.host), &ep.ip) == 0 && ep.ip.family == 4 &&
		find_listener(r->snap, &ep) == SNAPSHOT_NONE;
}

// One value of Route at a glance. Returns false for what needs a closer look.
static bool take_quickly(
	struct request *r, struct sip_slice uri, bool first, struct hash_jobs *checks)
{
	struct routes *routes = &r->routes;
	struct sip_uri unused;
	struct strv user;

	// What stands behind the next hop is the next hop's business, if it is a URI.
	if (routes->has_next)
		return sip_uri_parse(r->msg, uri, &unused) == 0;
	user = quick_user(r, uri);
	if (user.len > 0) {
		routes->has_route_token = quick_token(r, user, checks);
		return routes->has_route_token;
	}
	if (first || !quick_foreign(r, uri))
		return false;
	routes->has_next = true;
	routes->next_uri = uri;
	return true;
}

// Three values at most: Record-Routes of ours in front, then nothing or loose routers.
static bool scan_quickly(struct request *r, struct hash_jobs *checks)
{
	const struct sip_msg *msg = r->msg;
	struct routes *routes = &r->routes;
	unsigned int hdr = msg->hdr_first[SIP_HDR_ROUTE];
	const char *p = NULL; // a value behind another one

	for (unsigned int i = 0; hdr < msg->nb_hdrs; i++) {
		const char *end = msg->buf + msg->hdr_line[hdr + 1] - 2;
		const char *value = p != NULL ? p : msg->buf + msg->hdr_value[hdr];
		const char *close = quick_end(msg, value, end), *next = NULL;
		bool before = routes->has_next;
		struct sip_slice uri;

		if (i == 3 || close == NULL)
			return false;
		if (close + 1 != end && (next = quick_next(close, end)) == NULL)
			return false;
		uri.off = (uint16_t)(value + 1 - msg->buf);
		uri.len = (uint16_t)(close - value - 1);
		if (!take_quickly(r, uri, i == 0, checks))
			return false;
		if (!before && routes->has_next && p != NULL)
			cut(routes, msg->hdr_value[hdr], (uint32_t)(p - msg->buf));
		p = next;
		if (p != NULL)
			continue;
		if (!routes->has_next)
			cut(routes, msg->hdr_line[hdr], msg->hdr_line[hdr + 1]);
		hdr = next_hdr(msg, SIP_HDR_ROUTE, hdr + 1);
	}
	return routes->has_route_token;
}

static bool scan_at_a_glance(struct request *r, struct hash_jobs *checks)
{
	return sip_has(r->msg, SIP_HDR_ROUTE) && !uri_may_be_ours(r->msg, r->msg->request_uri) &&
		(scan_one(r, checks) || scan_quickly(r, checks));
}

// Is there a parameter that begins like maddr?
static bool may_have_maddr(const struct sip_msg *msg, struct sip_slice uri)
{
	const char *p = msg->buf + uri.off, *end = p + uri.len;

	while ((p = text_find(p, ';', (size_t)(end - p))) != NULL) {
		p++;
		if (end - p >= 6 && (p[0] | 0x20) == 'm' && (p[1] | 0x20) == 'a')
			return true;
	}
	return false;
}

// A Request-URI whose maddr is an address of ours, with the port and transport that the request
// came to, goes on without maddr and port (16.4): it has arrived. UDP is the default transport.
static __attribute__((noinline)) void strip_maddr(struct request *r, struct sip_slice slice)
{
	struct routes *routes = &r->routes;
	const struct sip_msg *msg = r->msg;
	struct sip_uri uri;
	struct endpoint ep;
	uint32_t off;

	if (sip_uri_parse(msg, slice, &uri) != 0 || !uri.is_sip || uri.is_sips ||
		(uri.transport != SIP_TRANSPORT_OTHER && uri.transport != SIP_UDP) ||
		!literal_endpoint(msg, uri.maddr, uri.port, &ep) ||
		ep.port != r->listener->local.port || find_listener(r->snap, &ep) == SNAPSHOT_NONE)
		return;
	if (uri.port != 0) {
		off = slice_end(uri.host);
		routes->uri_cuts[routes->nb_uri_cuts++] =
			(struct sip_slice){(uint16_t)off, (uint16_t)(uri.params.off - off)};
	}
	off = uri.maddr.off - (uint32_t)strlen(";maddr=");
	routes->uri_cuts[routes->nb_uri_cuts++] =
		(struct sip_slice){(uint16_t)off, (uint16_t)(slice_end(uri.maddr) - off)};
}

void routes_scan(struct request *r, struct hash_jobs *checks)
{
	struct sip_slice uri;

	if (has_routes(r->msg) && !scan_at_a_glance(r, checks)) {
		r->has_check = false;
		r->routes.nb_cuts = 0;
		r->routes.has_next = false;
		r->routes.has_route_token = false;
		scan_slowly(r);
	}
	uri = r->routes.restore_uri ? r->routes.uri : r->msg->request_uri;
	if (may_have_maddr(r->msg, uri))
		strip_maddr(r, uri);
}
