// SPDX-License-Identifier: BSD-3-Clause
// From, To, Call-ID, CSeq, Route and numbers at a glance. Included by parse_body.h, once per
// kernel. What these do not take, the exact functions judge.

// How long the value of header field i is, if no LWS stands at its end; the exact functions trim,
// the fast ones give up on LWS.
static inline unsigned int value_len(const struct sip_msg *msg, unsigned int i)
{
	return msg->hdr_line[i + 1] - 2u - msg->hdr_value[i];
}

// A value that is nothing but 1 to 4 digits.
static inline bool fast_number(
	const struct sip_msg *msg, const char *buf, unsigned int i, uint32_t *value)
{
	unsigned int len = value_len(msg, i), ok = len - 1 < 4;

	*value = number4(buf + msg->hdr_value[i], len, &ok);
	return ok;
}

// Whether [p, p + lt) is a display name that hides no delimiter: words and SP; or "quoted" and
// perhaps a SP. A closing quote behind a backslash may be none. stop: what delimits in it. Senders
// differ in this, so there is no branch on it.
static inline bool fast_display(const char *p, unsigned int lt, uint64_t stop)
{
	int close = (int)lt - 1 - (p[(int)lt - 1] == ' ');
	bool words = (stop & ~k_eq64(p, ' ')) == 0;
	bool quoted = (k_low_bits(k_eq64(p, '"'), lt) == 1 + (1ULL << (close & 63))) &
		(p[close - 1] != '\\');

	return words | quoted;
}

static inline bool is_tag(const char *p)
{
	return (load32(p) | WORD4(' ', ' ', ' ', 0)) == WORD4('t', 'a', 'g', '=');
}

// Where the '<' before gt is, if what delimits behind it is but the ';' of URI parameters. 64: not.
static inline unsigned int open_bracket(const char *p, unsigned int gt, uint64_t stop)
{
	uint64_t open;
	unsigned int lt = last64(stop);

	if (likely(p[lt] == '<'))
		return lt;
	open = k_low_bits(k_eq64(p, '<'), gt);
	if (open == 0)
		return 64;
	lt = last64(open);
	return (stop & ~k_eq64(p, ';')) >> lt == 1 ? lt : 64;
}

// A From or To: [display-name] <URI> [;tag=token], in one window. Read from its end.
static inline bool fast_tag(
	const struct sip_msg *msg, const char *buf, unsigned int i, struct sip_slice *tag)
{
	unsigned int off = msg->hdr_value[i], len = value_len(msg, i), lt, gt, end;
	const char *p = buf + off;
	uint64_t stop = k_low_bits(k_address_stop64(p), len);
	bool semi, ok;

	if (unlikely(len > 64 || stop <= 1))
		return false;
	end = last64(stop);
	semi = p[end] == ';';
	gt = end - semi;
	stop = k_low_bits(stop, gt);
	if (unlikely(p[gt] != '>' || stop == 0))
		return false;
	lt = open_bracket(p, gt, stop);
	// Without a ';' the '>' is the end, and with one there is a tag.
	ok = (int)fast_display(p, lt, k_low_bits(stop, lt)) & (lt + 1 < gt) &
		((gt + 1 == len) | (semi & (len > end + 5) & is_tag(p + end + 1)));
	*tag = semi ? slice_at(off + end + 5, len - end - 5) : slice_at(0, 0);
	return ok;
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

// Digits, one SP, and a method of known length.
static inline bool cseq_number(struct sip_msg *restrict msg, const char *p, unsigned int n)
{
	unsigned int ok = 1;
	uint64_t cseq;

	if (likely(n - 1 < 8)) {
		msg->cseq = number8(p, n, &ok);
		return ok;
	}
	if (n - 1 >= 10)
		return false;
	cseq = number4(p, n - 8, &ok) * 100000000ULL;
	cseq += number8(p + n - 8, 8, &ok);
	msg->cseq = (uint32_t)cseq;
	return ok && cseq <= INT32_MAX;
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
	msg->method_name = msg->cseq_method = slice_at(off + n + 1, len);
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
