// SPDX-License-Identifier: BSD-3-Clause
// The top Via at a glance. Included by parse_body.h, once per kernel.
//
// Everything that has a meaning in a via-parm stands between octets that may not stand in a host
// name: they are the steps.

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

// Up to the octet after it, which is the step just taken. NULL: not that.
INLINE const char *fast_host_port(
	struct host_port *result, const char *buf, const char *from, struct steps *s)
{
	const char *p = step(s), *port;
	unsigned int n, ok = 1;
	uint32_t number;

	if (unlikely(*p == '[' && p == from)) {
		p = reference_end(from);
		if (p == NULL)
			return NULL;
		*s = steps_from(p);
		if (step(s) != p)
			return NULL;
	}
	result->host = slice_of(buf, from, p);
	result->port = 0;
	if (unlikely(p == from))
		return NULL;
	if (*p == ':') {
		port = p + 1;
		p = step(s);
		n = (unsigned int)(p - port);
		if (unlikely(n - 1 > 4))
			return NULL;
		number = number8(port, n, &ok);
		if (unlikely(!ok || number - 1 > UINT16_MAX - 1))
			return NULL;
		result->port = (uint16_t)number;
	}
	return p;
}

// One via-params whose name is [name, equal) and that goes up to end, with a value behind '=' if
// equal != end. Those with a meaning may stand once; what is unusual is left to the exact function.
INLINE bool fast_via_param(struct sip_via *restrict via, const char *buf, const char *name,
	const char *equal, const char *end)
{
	unsigned int n = (unsigned int)(equal - name), digits, ok = 1;
	uint64_t w = n <= 8 ? k_low_bits(load64(name) | SPACES, 8 * n) : 0;

	if (w == WORD8('b', 'r', 'a', 'n', 'c', 'h', 0, 0)) {
		ok = via->branch.off == 0 && end - equal > 1;
		via->branch = slice_of(buf, equal + 1, end);
		return ok;
	}
	if (w == WORD8('r', 'p', 'o', 'r', 't', 0, 0, 0)) {
		ok = via->rport_param.off == 0;
		via->rport_param = slice_of(buf, name, end);
		if (end == equal)
			return ok;
		digits = (unsigned int)(end - equal - 1);
		if (unlikely(digits - 1 > 4))
			return false;
		w = number8(equal + 1, digits, &ok);
		via->rport = (uint16_t)w;
		return ok && w <= UINT16_MAX;
	}
	if (w == WORD8('r', 'e', 'c', 'e', 'i', 'v', 'e', 'd')) {
		ok = via->received_param.off == 0 && end - equal > 1;
		via->received = slice_of(buf, equal + 1, end);
		via->received_param = slice_of(buf, name, end);
		return ok;
	}
	// A via-extension, but for these two.
	return n != 0 && w != WORD8('m', 'a', 'd', 'd', 'r', 0, 0, 0) &&
		w != WORD8('t', 't', 'l', 0, 0, 0, 0, 0) && end != equal + 1;
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

// SIP/2.0/UDP host[:port] and parameters up to end; no LWS, nothing quoted.
INLINE bool fast_via(
	const char *buf, const char *value, const char *end, struct sip_via *restrict via)
{
	uint8_t transport = fast_transport_name(value + 8);
	struct host_port sent_by;
	struct steps s;
	const char *p;

	if (unlikely((load64(value) | WORD8(' ', ' ', ' ', 0, 0, 0, 0, 0)) !=
			    WORD8('s', 'i', 'p', '/', '2', '.', '0', '/') ||
		    transport == SIP_TRANSPORT_OTHER || value[11] != ' '))
		return false;
	s = steps_from(value + 12);
	p = fast_host_port(&sent_by, buf, value + 12, &s);
	if (unlikely(p == NULL))
		return false;
	via->sent_by = slice_of(buf, value + 12, p);
	via->host = sent_by.host;
	via->port = sent_by.port;
	via->branch = via->received = via->received_param = slice_at(0, 0);
	via->rport_param = via->maddr = slice_at(0, 0);
	via->rport = 0;
	via->ttl = 0;
	via->transport = transport;
	via->value = slice_of(buf, value, end);
	for (unsigned int n = 0; *p == ';'; n++) {
		const char *name = p + 1, *equal = step(&s);

		p = equal;
		if (*p == '=') {
			// Values hold more than hosts do.
			for (p = step(&s); *p != ';' && p != end; p = step(&s))
				if (!char_is(*p, CH_VALUE))
					return false;
		}
		if (unlikely(!fast_via_param(via, buf, name, equal, p) || n == FAST_PARAMS_MAX))
			return false;
	}
	return p == end;
}
