// SPDX-License-Identifier: BSD-3-Clause
// What is taken apart on demand, at a glance: values of a list, name-addr, URI, via-parm. Included
// by parse_body.h, once per kernel. Each returns false for what the exact function shall judge.

// Where the value that begins at `from` ends: at the first comma outside quotes and brackets, or at
// `end`. NULL: look closer.
static const char *fast_comma(const char *from, const char *end)
{
	unsigned int marks = 0;
	char open = 0; // the octet that ends what is open

	for (const char *base = from; base < end; base += 64) {
		uint64_t stop = k_address_stop64(base) & ~(k_eq64(base, ';') | k_eq64(base, ' '));

		for (; stop != 0; stop &= stop - 1) {
			const char *p = base + ctz64(stop);

			if (p >= end)
				break;
			if (++marks > FAST_MARKS_MAX)
				return NULL;
			if (open != 0) {
				if (*p == open && *p == '"' && p[-1] == '\\')
					return NULL;
				open = *p == open ? 0 : open;
			} else if (*p == ',') {
				return p;
			} else if (*p == '"' || *p == '<') {
				open = *p == '<' ? '>' : '"';
			}
		}
	}
	return open == 0 ? end : NULL;
}

// <URI> and nothing else.
static bool fast_name_addr(
	const char *buf, const char *from, const char *end, struct sip_name_addr *restrict na)
{
	const char *gt = from + 1;
	uint64_t stop = 0;

	if (end - from < 3 || end - from > 130 || *from != '<' || end[-1] != '>')
		return false;
	for (; stop == 0; gt += 64)
		stop = k_uri_stop64(gt) & ~k_eq64(gt, '?');
	gt += (int)ctz64(stop) - 64;
	if (gt + 1 != end)
		return false;
	na->value = slice_of(buf, from, end);
	na->uri = slice_of(buf, from + 1, gt);
	na->params = slice_at(0, 0);
	na->brackets = true;
	na->star = false;
	return true;
}

// One uri-parameter [name, end), its value behind `equal` if that is not end.
static inline bool fast_uri_param(
	struct sip_uri *restrict uri, const char *name, const char *equal, const char *end)
{
	size_t n = (size_t)(equal - name);
	uint64_t w = n <= 9 ? k_low_bits(load64(name) | SPACES, 8 * (unsigned int)n) : 0;

	if (w == WORD8('l', 'r', 0, 0, 0, 0, 0, 0)) {
		uri->lr = true;
	} else if (w == WORD8('o', 'b', 0, 0, 0, 0, 0, 0)) {
		uri->ob = true;
	} else if (w == WORD8('t', 'r', 'a', 'n', 's', 'p', 'o', 'r')) {
		// Once; if it is that, and not another name of this length.
		if (n != 9 || (name[8] | ' ') != 't' || uri->transport != SIP_TRANSPORT_OTHER ||
			end - equal != 4)
			return false;
		uri->transport = fast_transport_name(equal + 1);
		return uri->transport != SIP_TRANSPORT_OTHER;
	}
	return n != 0 && w != WORD8('m', 'a', 'd', 'd', 'r', 0, 0, 0);
}

// The first '@' of [from, end), or NULL.
static inline const char *find_at(const char *from, const char *end)
{
	for (const char *base = from; base < end; base += 64) {
		uint64_t at = k_eq64(base, '@');

		if (at != 0)
			return base + ctz64(at) < end ? base + ctz64(at) : NULL;
	}
	return NULL;
}

// sip:[user[:password]@]host[:port] and parameters.
static bool fast_uri(
	const char *buf, const char *from, const char *end, struct sip_uri *restrict uri)
{
	bool is_sips = from[3] != ':';
	const char *p = from + 4 + is_sips, *at, *params;
	uint32_t scheme = load32(from) | WORD4(' ', ' ', ' ', 0);
	struct host_port by;
	uint64_t colon;
	struct steps s;

	if (scheme != WORD4('s', 'i', 'p', ':') &&
		(scheme != WORD4('s', 'i', 'p', 's') || from[4] != ':'))
		return false;
	if (end - p < 1)
		return false;
	uri->user = slice_at(0, 0);
	at = find_at(p, end);
	if (at != NULL) {
		if (at == p || *p == ':' || at - p > 64)
			return false;
		colon = k_low_bits(k_eq64(p, ':'), (unsigned int)(at - p));
		uri->user = slice_of(buf, p, colon != 0 ? p + ctz64(colon) : at);
		p = at + 1;
	}
	s = steps_from(p);
	p = fast_host_port(&by, buf, p, &s);
	if (p == NULL || p > end)
		return false;
	uri->host = by.host;
	uri->port = by.port;
	uri->scheme = slice_at((unsigned int)(from - buf), 3 + is_sips);
	uri->maddr = slice_at(0, 0);
	uri->transport = SIP_TRANSPORT_OTHER;
	uri->is_sip = true;
	uri->is_sips = is_sips;
	uri->lr = uri->ob = false;
	params = p;
	for (unsigned int n = 0; p < end && *p == ';'; n++) {
		const char *name = p + 1, *equal = step(&s);

		for (p = equal; p < end && *p != ';'; p = step(&s))
			if (*p == '?' || *p == '@' || !char_is(*p, CH_VALUE))
				return false;
		if (*equal != '=' && equal != p)
			return false;
		if (!fast_uri_param(uri, name, equal, p) || n == FAST_PARAMS_MAX)
			return false;
	}
	uri->params = p != params ? slice_of(buf, params, p) : slice_at(0, 0);
	return p == end;
}

static bool fast_via_value(
	const char *buf, const char *from, const char *end, struct sip_via *restrict via)
{
	return end - from > 12 && fast_via(buf, from, end, via);
}
