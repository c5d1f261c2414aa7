// SPDX-License-Identifier: BSD-3-Clause
// The top Via at a glance. Included by parse_body.h, once per kernel.

// The octets that may not stand in a host name, one after the other, from a place in a header
// field's value. The CR of the line end is one of them, so the last step is there.
struct steps {
	const char *base; // of bit 0
	uint64_t bits;
};

static inline struct steps steps_from(const char *p)
{
	return (struct steps){p, k_nonhost64(p)};
}

INLINE const char *step(struct steps *s)
{
	const char *p;

	while (unlikely(s->bits == 0)) {
		s->base += 64;
		s->bits = k_nonhost64(s->base);
	}
	p = s->base + ctz64(s->bits);
	s->bits &= s->bits - 1;
	return p;
}

// The octet after an IPv6reference, `from` at its '['; NULL if it is none.
static COLD const char *reference_end(const char *from)
{
	const char *p = from + 1;

	while (char_is(*p, CH_HOST) || *p == ':')
		p++;
	return *p == ']' && p > from + 1 ? p + 1 : NULL;
}

// host [ ":" port ], of a Via or a URI.
struct host_port {
	struct sip_slice host;
	uint16_t port; // 0 when absent
};

// Up to the octet after it, which is the step just taken. NULL: not that. Whether there is a port
// cannot be predicted, so there is no branch on it.
INLINE const char *fast_host_port(
	struct host_port *result, const char *buf, const char *from, struct steps *s)
{
	const char *p = step(s), *end;
	struct steps behind;
	uint64_t number, has; // has: all ones if there is a port
	size_t n;

	if (unlikely(*p == '[' && p == from)) {
		p = reference_end(from);
		if (p == NULL)
			return NULL;
		*s = steps_from(p);
		if (step(s) != p)
			return NULL;
	}
	result->host = slice_of(buf, from, p);
	if (unlikely(p == from))
		return NULL;
	has = -(uint64_t)(*p == ':');
	OPAQUE(has);
	behind = *s;
	end = p;
	// Where no port is, what comes next may be out of reach.
	if (likely(behind.bits != 0) || has != 0)
		end = step(&behind);
	n = (size_t)(end - p - 1) & has;
	if (unlikely(n > 5 || !number_of(p + 1, n, &number)))
		return NULL;
	number >>= 32;
	if (unlikely(number + has > UINT16_MAX + has))
		return NULL;
	result->port = (uint16_t)number;
	s->base += (size_t)(behind.base - s->base) & has;
	s->bits = (behind.bits & has) | (s->bits & ~has);
	return p + ((size_t)(end - p) & has);
}

// The same of a host name or IPv4 address, with its port in less than 64 octets. All masks are of
// one place, so that what comes behind does not wait for more than one of them. NULL: not that, and
// nothing has been noted.
INLINE const char *fast_sent_by(struct host_port *result, const char *buf, const char *from)
{
	uint64_t nonhost = k_nonhost64(from), number;
	size_t host = k_first(nonhost), end = k_first(nonhost & ~k_eq64(from, ':'));
	uint64_t has = -(uint64_t)(end != host); // all ones if there is a port
	size_t n;

	OPAQUE(has);
	n = (end - host - 1) & has;
	if (unlikely(host - 1 > 62 || end > 62 || n > 5 || !number_of(from + host + 1, n, &number)))
		return NULL;
	number >>= 32;
	if (unlikely(number + has > UINT16_MAX + has))
		return NULL;
	result->host = slice_of(buf, from, from + host);
	result->port = (uint16_t)number;
	return from + end;
}

// rport [ "=" port ], at p.
INLINE bool fast_rport(
	struct sip_via *restrict via, const char *buf, const char *p, unsigned int len)
{
	bool first = via->rport_param.off == 0;
	unsigned int digits = len - 6;
	uint64_t number;

	via->rport_param = slice_of(buf, p, p + len);
	if (len == 5)
		return first;
	if (unlikely(p[5] != '=' || digits - 1 > 4 || !number_of(p + 6, digits, &number)))
		return false;
	via->rport = (uint16_t)(number >> 32);
	return first && number >> 32 <= UINT16_MAX;
}

// Whether p[0 .. len) is a via-extension: a name, and behind '=' a value. What begins like one of
// the parameters with a meaning is not taken here.
static COLD bool fast_via_extension(const char *p, unsigned int len, uint64_t lower)
{
	const char *equal = p + k_first(k_nonhost64(p));

	if ((uint32_t)lower == WORD4('b', 'r', 'a', 'n') ||
		(lower & 0xffffff) == WORD4('t', 't', 'l', 0) ||
		(uint32_t)lower == WORD4('m', 'a', 'd', 'd') ||
		(uint32_t)lower == WORD4('r', 'p', 'o', 'r') ||
		(uint32_t)lower == WORD4('r', 'e', 'c', 'e'))
		return false;
	return equal != p && (equal == p + len || (equal + 1 < p + len && *equal == '='));
}

// One via-params p[0 .. len), without what delimits. Those with a meaning may stand once; what is
// unusual is left to the exact function.
INLINE bool fast_via_param(
	struct sip_via *restrict via, const char *buf, const char *p, unsigned int len)
{
	uint64_t lower = load64(p) | SPACES;

	if ((lower & 0xffffffffffffff) == WORD8('b', 'r', 'a', 'n', 'c', 'h', '=', 0) && len > 7) {
		if (unlikely(via->branch.off != 0))
			return false;
		via->branch = slice_of(buf, p + 7, p + len);
		return true;
	}
	if ((lower & 0xffffffffff) == WORD8('r', 'p', 'o', 'r', 't', 0, 0, 0) && len > 4)
		return fast_rport(via, buf, p, len);
	if (lower == WORD8('r', 'e', 'c', 'e', 'i', 'v', 'e', 'd') && len > 9 && p[8] == '=') {
		if (unlikely(via->received_param.off != 0))
			return false;
		via->received = slice_of(buf, p + 9, p + len);
		via->received_param = slice_of(buf, p, p + len);
		return true;
	}
	return fast_via_extension(p, len, lower);
}

// What nearly all have: a branch, and perhaps an rport without a value before or behind it. Of that
// nothing can be predicted, so there is no branch on it. semis: what delimits behind the ';' at p.
INLINE bool fast_branch_rport(
	struct sip_via *restrict via, const char *buf, const char *p, size_t len, uint64_t semis)
{
	const uint64_t branch_ = WORD8('b', 'r', 'a', 'n', 'c', 'h', '=', 0);
	const uint64_t rport_ = WORD8('r', 'p', 'o', 'r', 't', 0, 0, 0);
	size_t second = k_first(semis), branch, rport, end;
	uint64_t some = -(uint64_t)(semis != 0), mask; // mask: of the octets of an rport
	uint64_t first = -(uint64_t)(((load64(p + 1) | SPACES) & 0xffffffffffffffULL) == branch_);

	OPAQUE(first);
	OPAQUE(some);
	mask = some & 0xffffffffffULL;
	second = (second & some) | (len & ~some);
	branch = second & ~first;
	rport = second & first;
	end = rport | (len & ~first); // of the branch
	if (unlikely((semis & (semis - 1)) != 0 || p[0] != ';' ||
		    ((uint64_t)(p[second] ^ ';') & mask) != 0))
		return false;
	if (unlikely(((load64(p + branch + 1) | SPACES) & 0xffffffffffffffULL) != branch_ ||
		    end - branch < 9 || len - (end - branch) != (mask & 6) ||
		    (((load64(p + rport + 1) | SPACES) ^ rport_) & mask) != 0))
		return false;
	branch += (size_t)(p - buf) + 8;
	via->branch =
		slice_at((unsigned int)branch, (unsigned int)(end - (branch - (size_t)(p - buf))));
	via->plain = true;
	rport += (size_t)(p - buf) + 1;
	via->rport_param = slice_at((unsigned int)(rport & mask), (unsigned int)(mask & 5));
	return true;
}

// What begins at the ';' p and ends at `end`. Nothing in it but ';' delimits: no LWS, nothing
// quoted.
INLINE bool fast_via_params(
	struct sip_via *restrict via, const char *buf, const char *p, const char *end)
{
	size_t len = (size_t)(end - p), at = 0;
	// From their end, which is known before the sent-by has been read.
	uint64_t semis = k_address_stop64(end - 64) >> ((64 - len) & 63) & ~1ULL;

	if (unlikely(len > 64))
		return false;
	if (likely(fast_branch_rport(via, buf, p, len, semis)))
		return true;
	for (; semis != 0; semis &= semis - 1) {
		size_t next = ctz64(semis);

		if (unlikely(p[at] != ';' ||
			    !fast_via_param(via, buf, p + at + 1, (unsigned int)(next - at - 1))))
			return false;
		at = next;
	}
	return p[at] == ';' && fast_via_param(via, buf, p + at + 1, (unsigned int)(len - at - 1));
}

// Three letters.
static inline uint8_t fast_transport_name(const char *p)
{
	uint32_t w = (load32(p) & 0xffffff) | WORD4(' ', ' ', ' ', 0);

	if (likely(w == WORD4('u', 'd', 'p', 0)))
		return SIP_UDP;
	if (w == WORD4('t', 'c', 'p', 0))
		return SIP_TCP;
	return w == WORD4('t', 'l', 's', 0) ? SIP_TLS : SIP_TRANSPORT_OTHER;
}

// Three letters and a SP. What comes cannot be predicted where some send over UDP and some over
// TCP, so there is no branch on it: the second letter, of UDP, TCP and TLS, says which it must be.
INLINE bool fast_via_transport(const char *p, uint8_t *transport)
{
	static const struct {
		uint32_t name;
		uint8_t transport;
	} known[4] = {{WORD4('t', 'c', 'p', ' '), SIP_TCP}, {WORD4('u', 'd', 'p', ' '), SIP_UDP},
		{0, 0}, {WORD4('t', 'l', 's', ' '), SIP_TLS}};
	uint32_t w = load32(p) | WORD4(' ', ' ', ' ', 0);
	unsigned int i = w >> 10 & 3;

	*transport = known[i].transport;
	return known[i].name == w;
}

// SIP/2.0/UDP host[:port] and parameters up to end; no LWS, nothing quoted.
INLINE bool fast_via(
	const char *buf, const char *value, const char *end, struct sip_via *restrict via)
{
	uint8_t transport;
	struct host_port sent_by;
	const char *p;

	if (unlikely((load64(value) | WORD8(' ', ' ', ' ', 0, 0, 0, 0, 0)) !=
			    WORD8('s', 'i', 'p', '/', '2', '.', '0', '/') ||
		    !fast_via_transport(value + 8, &transport)))
		return false;
	p = fast_sent_by(&sent_by, buf, value + 12);
	if (unlikely(p == NULL)) {
		struct steps s = steps_from(value + 12);

		p = fast_host_port(&sent_by, buf, value + 12, &s);
		if (p == NULL)
			return false;
	}
	via->sent_by = slice_of(buf, value + 12, p);
	via->host = sent_by.host;
	via->port = sent_by.port;
	// No parameters.
	memset((char *)via + offsetof(struct sip_via, branch), 0,
		offsetof(struct sip_via, transport) - offsetof(struct sip_via, branch));
	via->transport = transport;
	via->value = slice_of(buf, value, end);
	return p == end || fast_via_params(via, buf, p, end);
}
