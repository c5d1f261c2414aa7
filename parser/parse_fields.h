// SPDX-License-Identifier: BSD-3-Clause
// From, To, Call-ID, CSeq, Route and numbers at a glance. Included by parse_body.h, once per
// kernel. What these do not take, the exact functions judge.

// How long the value of header field i is, if no LWS stands at its end; the exact functions trim,
// the fast ones give up on LWS.
static inline unsigned int value_len(const struct sip_msg *msg, unsigned int i)
{
	return msg->hdr_line[i + 1] - 2u - msg->hdr_value[i];
}

// A value that is nothing but 1 to 8 digits.
INLINE bool fast_number(const struct sip_msg *msg, const char *buf, unsigned int i, uint32_t *value)
{
	size_t len = value_len(msg, i);
	uint64_t number;

	if (unlikely(len - 1 > 7 || !number_of(buf + msg->hdr_value[i], len, &number)))
		return false;
	*value = (uint32_t)(number >> 32);
	return true;
}

// Whether [p, p + lt) is a display name that hides no delimiter: words and SP; or "quoted" and
// perhaps a SP. A closing quote behind a backslash may be none. stop: what delimits in it. Senders
// differ in this, so there is no branch on it.
static inline bool fast_display(const char *p, size_t lt, uint64_t stop)
{
	const char *behind = p + lt - (p[(ptrdiff_t)lt - 1] == ' ');
	int words = (stop & ~k_eq64(p, ' ')) == 0;
	int quoted = k_low_bits(k_eq64(p, '"'), (unsigned int)lt) ==
		1 + (1ULL << ((behind - 1 - p) & 63));

	OPAQUE(words);
	OPAQUE(quoted);
	return words | (quoted & (behind[-2] != '\\'));
}

static inline bool is_tag(const char *p)
{
	return (load32(p) | WORD4(' ', ' ', ' ', 0)) == WORD4('t', 'a', 'g', '=');
}

// A From or To: [display-name] <URI> [;tag=token], the last two within 64 octets. Read from the
// end: octets that delimit are bits, and the highest one is the last of the value. Bits before the
// value are met by none of this: SP or a line end stands between. `always`: a tag is expected; of a
// To it cannot be predicted whether there is one, so there is no branch on it.
INLINE bool fast_tag(const struct sip_msg *msg, const char *buf, unsigned int i, bool always,
	struct sip_slice *tag)
{
	size_t off = msg->hdr_value[i], len = value_len(msg, i), behind, at, uri, lt;
	const char *p = buf + off, *window = p + len - 64;
	uint64_t rest = k_address_stop64(window);
	bool semi, ok = true;

	if (unlikely(rest == 0))
		return false;
	behind = clz64(rest);
	at = 63 - behind;
	rest <<= behind;
	semi = window[at] == ';';
	if (always) {
		if (unlikely(!semi || !is_tag(window + at + 1) || behind < 5))
			return false;
		semi = true;
	} else {
		ok = semi ? is_tag(window + at + 1) & (behind > 4) : behind == 0;
	}
	*tag = semi ? slice_at((unsigned int)(off + len - behind + 4), (unsigned int)behind - 4)
		    : slice_at(0, 0);
	at -= semi;
	rest = rest << semi << 1;
	if (unlikely((int64_t)rest <= 0 || window[at] != '>'))
		return false;
	for (;;) {
		uri = clz64(rest);
		at -= uri + 1;
		if (likely(window[at] == '<'))
			break;
		// URI parameters.
		rest = rest << uri << 1;
		if (window[at] != ';' || rest == 0)
			return false;
	}
	lt = at + len - 64;
	return lt < 64 &&
		ok & fast_display(p, lt, k_low_bits(k_address_stop64(p), (unsigned int)lt));
}

// The same for longer values, by a window each for display name, URI and tag.
static __attribute__((noinline)) bool fast_tag_long(
	const struct sip_msg *msg, const char *buf, unsigned int i, struct sip_slice *tag)
{
	unsigned int off = msg->hdr_value[i], len = value_len(msg, i), lt, gt;
	const char *p = buf + off;
	uint64_t stop = k_address_stop64(p), angle = k_eq64(p, '<');

	if (len <= 64 || angle == 0)
		return false;
	// An '<' in a quoted display name is not the one: the exact function shall say.
	lt = ctz64(angle);
	stop = k_low_bits(stop, lt);
	if (stop != 0 && !fast_display(p, lt, stop))
		return false;
	stop = k_address_stop64(p + lt + 1) & ~k_eq64(p + lt + 1, ';');
	if (stop == 0)
		return false;
	gt = lt + 1 + ctz64(stop);
	if (p[gt] != '>' || gt == lt + 1 || gt >= len)
		return false;
	*tag = slice_at(0, 0);
	if (gt + 1 == len)
		return true;
	*tag = slice_at(off + gt + 6, len - gt - 6);
	stop = k_address_stop64(p + gt + 6);
	return len > gt + 6 && p[gt + 1] == ';' && is_tag(p + gt + 2) && stop != 0 &&
		ctz64(stop) == len - gt - 6;
}

static inline bool fast_call_id(struct sip_msg *restrict msg, const char *buf, unsigned int i)
{
	unsigned int off = msg->hdr_value[i], len = value_len(msg, i);

	msg->call_id = slice_at(off, len);
	// The first SP or control is the line end.
	return len - 1 < 63 && k_first(k_space64(buf + off)) == len;
}

// 1 to 10 digits.
INLINE bool cseq_number(struct sip_msg *restrict msg, const char *p, size_t n)
{
	uint64_t number;

	if (unlikely(n - 1 > 9 || !number_of(p, n, &number)))
		return false;
	number = (uint32_t)number * 100000000ULL + (number >> 32);
	msg->cseq = (uint32_t)number;
	return number <= INT32_MAX;
}

// Of a request, the method is the request's, so the SP is where it must be.
static inline bool fast_cseq_request(struct sip_msg *restrict msg, const char *buf, unsigned int i)
{
	unsigned int off = msg->hdr_value[i], method_len = msg->method_name.len,
		     n = value_len(msg, i) - 1 - method_len;
	const char *p = buf + off;

	if (unlikely(method_len > 8 || n > 10 || p[n] != ' ' ||
		    k_low_bits(load64(p + n + 1), 8 * method_len) !=
			    k_low_bits(load64(buf), 8 * method_len)))
		return false;
	msg->cseq_method = slice_at(off + n + 1, method_len);
	return cseq_number(msg, p, n);
}

static inline bool fast_cseq_response(struct sip_msg *restrict msg, const char *buf, unsigned int i)
{
	unsigned int off = msg->hdr_value[i], n = k_first(k_eq64(buf + off, ' ')), len;
	const struct sip_method_slot *m;
	uint64_t w;

	len = value_len(msg, i) - 1 - n;
	if (unlikely(n > 10 || len - 1 > 7))
		return false;
	w = k_low_bits(load64(buf + off + n + 1), 8 * len);
	m = &sip_methods[sip_method_slot((uint32_t)w)];
	if (unlikely(m->len != len || load64(m->name) != w))
		return false;
	msg->method = m->method;
	msg->cseq_method = slice_at(off + n + 1, len);
	msg->method_name = slice_at(off + n + 1, len);
	return cseq_number(msg, buf + off, n);
}

static inline bool fast_cseq(struct sip_msg *restrict msg, const char *buf, unsigned int i)
{
	return msg->kind == SIP_REQUEST ? fast_cseq_request(msg, buf, i)
					: fast_cseq_response(msg, buf, i);
}

// <URI>, and nothing or another value behind it.
static inline bool fast_route(struct sip_msg *restrict msg, const char *buf, unsigned int i)
{
	const char *p = buf + msg->hdr_value[i], *end = buf + msg->hdr_line[i + 1] - 2;
	uint64_t stop = k_uri_stop64(p + 1) & ~k_eq64(p + 1, '?');
	const char *gt = p + 1 + k_first(stop);

	if (unlikely(stop == 0)) {
		stop = k_uri_stop64(p + 65) & ~k_eq64(p + 65, '?');
		gt = p + 65 + k_first(stop);
	}
	if (unlikely(p[0] != '<' || *gt != '>' || gt - p < 2))
		return false;
	msg->route = slice_of(buf, p + 1, gt);
	if (gt + 1 == end)
		return true;
	return gt[1] == ',' && gt[2 + (gt[2] == ' ')] == '<';
}
