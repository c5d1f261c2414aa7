// SPDX-License-Identifier: BSD-3-Clause
// The body of sip_parse(), compiled once per instruction set: a kernel source defines the
// primitives named k_* and KERNEL_PARSE and includes this. Every verdict is taken here or in the
// exact functions, so kernels can differ in nothing but speed.
//
// What a kernel provides, p pointing into the message or its padding:
//   k_eq64(p, c)      bit i: p[i] == c, for 64 octets
//   k_control64(p)    bit i: p[i] < 0x20
//   k_space64(p)      bit i: p[i] <= 0x20
//   k_uri_stop64(p)   bit i: p[i] may not stand in a URI, or is '?'
//   k_value_stop64(p) bit i: p[i] separates something or may not stand in an unquoted value; not
//   ';' k_host64(p)       bit i: p[i] may stand in a host name, at least up to the first that may
//   not k_nontoken32(p)   bit i: p[i] is not in token, for 32 octets k_prefix32(p, n)  how many
//   octets of p, letters in lower case, are those of the known name n struct k_count,
//   k_count_add(count, p), k_count_sum(count)
//                     counts octets < 0x20; one count takes up to INDEX_BLOCKS_MAX blocks
#include "parser/internal.h"

// 0 compiles a kernel that takes no fast path at all: what the others are compared with in tests.
#ifndef KERNEL_FAST
#define KERNEL_FAST 1
#endif

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define COLD __attribute__((noinline, cold))

#define INDEX_BLOCKS_MAX 120 // 8-bit lanes count two octets a block
#define START_MIN 48 // a longest method, "sip:", a window of 64 octets and a version begin before
#define INDEX_LINES_MAX 60 // a block adds up to 64 line ends: what the hot index may begin one with

static inline uint64_t load64(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

static inline uint32_t load32(const char *p)
{
	uint32_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

// The low n octets of w; all of them from 8 on, n up to 31.
static inline uint64_t low_octets(uint64_t w, unsigned int n)
{
	return k_low_bits(w, 8 * n);
}

static inline unsigned int ctz64(uint64_t w)
{
	return (unsigned int)__builtin_ctzll(w);
}

// ASCII letters as little-endian words.
#define WORD4(a, b, c, d) \
	((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
#define WORD8(a, b, c, d, e, f, g, h) \
	((uint64_t)WORD4(a, b, c, d) | (uint64_t)WORD4(e, f, g, h) << 32)

// A request line of the usual form. False: the exact reading decides.
static inline bool start_request(struct sip_msg *msg, const char *buf, size_t len)
{
	unsigned int n, uri, uri_end;
	const struct sip_method_slot *m;
	uint32_t scheme;
	uint64_t stop, w;
	size_t end;

	n = k_token_len(buf);
	uri = n + 1;
	stop = k_uri_stop64(buf + uri);
	uri_end = uri + ctz64(stop | 1ULL << 63);
	w = load64(buf + uri_end + 1) | WORD8(' ', ' ', ' ', 0, 0, 0, 0, 0);
	end = uri_end + 10;
	scheme = load32(buf + uri) | WORD4(' ', ' ', ' ', 0);
	if (n == 0 || buf[n] != ' ' || buf[uri_end] != ' ' || end > len ||
		w != WORD8('s', 'i', 'p', '/', '2', '.', '0', '\r') || buf[end - 1] != '\n' ||
		(scheme != WORD4('s', 'i', 'p', ':') && scheme != WORD4('s', 'i', 'p', 's')))
		return false;
	// "sips" and no colon, or nothing after the colon: not worth a fast path.
	if (uri_end - uri < 6 || (scheme == WORD4('s', 'i', 'p', 's') && buf[uri + 4] != ':'))
		return false;

	w = low_octets(load64(buf), n);
	m = &sip_methods[(w + n) * SIP_METHOD_MULT >> 59];
	msg->kind = SIP_REQUEST;
	msg->status = 0;
	msg->method = m->len == n && low_octets(load64(m->name), n) == w &&
			(n <= 8 || m->name[8] == buf[8])
		? m->method
		: SIP_METHOD_OTHER;
	msg->method_name = (struct sip_slice){0, (uint16_t)n};
	msg->request_uri = (struct sip_slice){(uint16_t)uri, (uint16_t)(uri_end - uri)};
	return true;
}

static inline bool start_fast(struct sip_msg *msg, const char *buf, size_t len)
{
	uint64_t w = load64(buf) | WORD8(' ', ' ', ' ', 0, 0, 0, 0, 0);
	unsigned int a, b, c;

	// No message is that short; for the rest it keeps every look ahead inside the padding.
	if (len < START_MIN)
		return false;
	if (w != WORD8('s', 'i', 'p', '/', '2', '.', '0', ' '))
		return start_request(msg, buf, len);
	a = (unsigned int)(unsigned char)buf[8] - '0';
	b = (unsigned int)(unsigned char)buf[9] - '0';
	c = (unsigned int)(unsigned char)buf[10] - '0';
	if (a - 1 > 5 || b > 9 || c > 9 || buf[11] != ' ')
		return false;
	msg->kind = SIP_RESPONSE;
	msg->status = (uint16_t)(a * 100 + b * 10 + c);
	msg->request_uri = (struct sip_slice){0, 0};
	return true;
}

// Write down where lines begin after the LFs of one block. How many there are, 0 to 3 in nearly
// every block, cannot be predicted, so three are written always and what is too much is written
// over.
static inline unsigned int write_lines(uint16_t *line, unsigned int base, uint64_t lf)
{
	unsigned int nb = (unsigned int)__builtin_popcountll(lf);

	for (unsigned int i = 0; i < 3; i++, lf &= lf - 1)
		line[i] = (uint16_t)(base + k_first(lf) + 1);
	for (unsigned int i = 3; unlikely(i < nb); i++, lf &= lf - 1)
		line[i] = (uint16_t)(base + k_first(lf) + 1);
	return nb;
}

// Record where lines begin, if the header section has neither folding nor any control octet but its
// line ends, and is of ordinary size. Returns the number of header fields, or -1: careful_index()
// shall say. What it accepts has as many control octets as CRs and LFs of line ends; that each LF
// has a CR before it is left to the caller's look at every line.
static inline int hot_index(struct sip_msg *msg, const char *buf, size_t len)
{
	struct k_count count = {0};
	uint64_t previous = 0, lf, eoh;
	uint16_t *line = msg->hdr_line;
	unsigned int n = 0, base = 0, last;
	size_t limit = len < 64 * INDEX_BLOCKS_MAX ? len : 64 * INDEX_BLOCKS_MAX;

	for (;; base += 64) {
		lf = k_eq64(buf + base, '\n');
		eoh = lf & (lf << 2 | previous >> 62);
		if (eoh != 0)
			break;
		k_count_add(&count, buf + base);
		if (unlikely(base + 64 >= limit || n > INDEX_LINES_MAX))
			return -1;
		previous = lf;
		n += write_lines(line + n, base, lf);
	}
	last = ctz64(eoh);
	if (unlikely(base + last >= len || n > INDEX_LINES_MAX))
		return -1;
	n += write_lines(line + n, base, k_low_bits(lf, last));
	msg->header_len = (uint16_t)(base + last + 1);
	// Two octets for each line end and two for the empty line.
	if (unlikely(n == 0 ||
		    k_count_sum(&count) +
				    (unsigned int)__builtin_popcountll(
					    k_control64(buf + base) & ((2ULL << last) - 1)) !=
			    2 * (n + 1) ||
		    buf[msg->header_len - 2] != '\r' || buf[line[0] - 2] != '\r'))
		return -1;
	return (int)n - 1;
}

// One block of the careful index: what is wrong in it, where lines end.
struct block {
	uint64_t ends; // LFs after a CR
	uint64_t folds; // ... that are followed by SP or HT
	uint64_t bad; // LF without CR, CR without LF, forbidden controls
};

static inline struct block look(const char *buf, uint32_t base, uint32_t len)
{
	const char *p = buf + base;
	uint64_t valid = k_low_bits(~0ULL, len - base < 64 ? len - base : 64);
	uint64_t lf = k_eq64(p, '\n') & valid, cr = k_eq64(p, '\r') & valid;
	uint64_t after_cr = base == 0 ? cr << 1 : k_eq64(p - 1, '\r');
	uint64_t last = len - base > 64 ? 0 : 1ULL << (len - base - 1); // the last octet there is
	uint64_t controls = k_control64(p) & valid & ~lf & ~cr & ~k_eq64(p, '\t');
	struct block b;

	// The usual quoted-pair at once: one backslash before it. What else there is, one by one.
	if (controls != 0 && base != 0)
		controls &= ~k_eq64(p - 1, '\\') | k_eq64(p - 2, '\\');
	b.ends = lf & after_cr;
	b.folds = b.ends & ~last & (k_eq64(p + 1, ' ') | k_eq64(p + 1, '\t'));
	b.bad = (lf & ~b.ends) | (cr & ~last & ~k_eq64(p + 1, '\n'));
	for (; controls != 0; controls &= controls - 1)
		if (!sip_control_ok(buf, base + ctz64(controls)))
			b.bad |= controls & -controls;
	return b;
}

// The index of any header section: folding, HT, quoted-pairs; names what is wrong and where.
static COLD int careful_index(
	struct sip_msg *msg, const char *buf, size_t len, struct sip_fault *fault)
{
	uint32_t scan = (uint32_t)(len < SIP_HEADER_SECTION_MAX ? len : SIP_HEADER_SECTION_MAX);
	uint64_t previous = 0;
	unsigned int n = 0;

	for (uint32_t base = 0; base < scan; base += 64) {
		struct block b = look(buf, base, scan);
		uint64_t eoh = b.ends & (b.ends << 2 | previous >> 62);
		uint64_t upto = eoh & -eoh ? (eoh & -eoh) - 1 : ~0ULL; // before the end's LF
		uint64_t starts = b.ends & ~b.folds & upto;

		// The start line does not fold: what follows is a line, and no header field.
		if (n == 0 && (b.ends & upto) != 0)
			starts |= b.ends & -b.ends;
		if (b.bad & upto) {
			uint32_t at = base + ctz64(b.bad & upto);

			*fault = (struct sip_fault){buf[at] == '\r' || buf[at] == '\n'
					? SIP_BAD_LINE_END
					: SIP_BAD_CONTROL,
				at};
			return -1;
		}
		for (; starts != 0; starts &= starts - 1) {
			if (n > SIP_HDRS_MAX) {
				*fault = (struct sip_fault){
					SIP_TOO_MANY_HEADERS, msg->hdr_line[SIP_HDRS_MAX]};
				return -1;
			}
			msg->hdr_line[n++] = (uint16_t)(base + ctz64(starts) + 1);
		}
		if (eoh != 0) {
			msg->header_len = (uint16_t)(base + ctz64(eoh) + 1);
			return (int)n - 1;
		}
		previous = b.ends;
	}
	*fault = (struct sip_fault){scan < len ? SIP_HEADERS_TOO_LONG : SIP_TRUNCATED, scan};
	return -1;
}

struct seen {
	uint32_t present; // bit id: there is one
	uint32_t twice; // bit id: ... and another
	uint8_t first[32]; // by id, of those present
};

// Name and value of header field i, if it looks like nearly all do: a token of up to 31 octets, a
// colon, at most one SP, a value, and CRLF before `next`. Returns its id, or -1.
static inline int classify(struct sip_msg *msg, const char *buf, unsigned int i, unsigned int next)
{
	unsigned int line = msg->hdr_line[i];
	const char *p = buf + line;
	unsigned int n = k_token_len(p), slot, skip;
	int id;

	slot = sip_name_slot(load32(p) & 0xffff, n);
	skip = n + 1 + (p[n + 1] == ' ');
	if (unlikely(p[n] != ':' || n == 0 || (unsigned char)p[skip] <= ' ' ||
		    buf[next - 2] != '\r'))
		return -1;
	// Which header fields are known ones is hard to predict: no branch.
	id = sip_name_id[slot] & -(int)(k_prefix32(p, sip_name_octets[slot]) > n);
	msg->hdr_id[i] = (uint8_t)id;
	msg->hdr_value[i] = (uint16_t)(line + skip);
	return id;
}

// Backwards, so that first[] is what its name says. Returns false when the index must be made again
// with care: a line that begins with LWS, or ends without CR.
static inline bool classify_all(struct sip_msg *msg, const char *buf, bool careful,
	struct seen *seen, struct sip_fault *fault)
{
	uint32_t present = 0, twice = 0;
	unsigned int next = msg->hdr_line[msg->nb_hdrs];

	for (unsigned int i = msg->nb_hdrs; i-- > 0; next = msg->hdr_line[i]) {
		int id = KERNEL_FAST ? classify(msg, buf, i, next) : -1;

		if (unlikely(id < 0)) {
			struct sip_fault bad;

			if (!careful &&
				(char_is(buf[msg->hdr_line[i]], CH_LWS) || buf[next - 2] != '\r'))
				return false;
			if (!sip_name_slow(msg, i, &bad))
				*fault = bad;
			id = msg->hdr_id[i];
		}
		twice |= present & BIT(id);
		present |= BIT(id);
		seen->first[id] = (uint8_t)i;
	}
	seen->present = present;
	seen->twice = twice;
	return true;
}

// Leading CRLFs are no part of the message (RFC 3261 7.5).
static COLD enum sip_reason skip_leading(struct sip_msg *msg, const char *buf, size_t len)
{
	size_t n = 0, blank;

	while (n + 64 <= len && k_space64(buf + n) == ~0ULL &&
		(k_eq64(buf + n, '\r') | k_eq64(buf + n, '\n')) == ~0ULL)
		n += 64;
	while (n < len && (buf[n] == '\r' || buf[n] == '\n'))
		n++;
	msg->buf = buf + n;
	msg->skipped = (uint16_t)n;
	for (blank = n; blank < len && char_is(buf[blank], CH_LWS);)
		blank++;
	if (blank == len)
		return sip_reject(msg, (struct sip_fault){SIP_EMPTY, 0}, false);
	if (n > UINT16_MAX)
		return sip_reject(msg, (struct sip_fault){SIP_HEADERS_TOO_LONG, 0}, false);
	return SIP_OK;
}

// The value of header field i: where it starts and how long it is, if no LWS stands at its end; the
// exact functions trim, the fast ones below give up on LWS.
static inline unsigned int value_len(const struct sip_msg *msg, unsigned int i)
{
	return msg->hdr_line[i + 1] - 2u - msg->hdr_value[i];
}

static inline struct sip_slice slice_at(unsigned int off, unsigned int len)
{
	return (struct sip_slice){(uint16_t)off, (uint16_t)len};
}

// How many digits p begins with, 0 to 7, and what they say. After eight or more it is 7, and the
// next octet is not what the caller wants to see there.
static inline unsigned int digits7(const char *p, uint32_t *value)
{
	uint64_t w = load64(p) ^ 0x3030303030303030ULL;
	uint64_t other = ((w & 0x7f7f7f7f7f7f7f7fULL) + 0x7676767676767676ULL) | w;
	unsigned int n = ctz64((other & 0x8080808080808080ULL) | 1ULL << 63) / 8;

	// To the high end, zeros in front; then tens, hundreds and ten thousands at once.
	w = n != 0 ? w << ((64 - 8 * n) & 63) : 0;
	w = w * 10 + (w >> 8);
	w = ((w & 0x000000ff000000ffULL) * (100 + (1000000ULL << 32)) +
		    (w >> 16 & 0x000000ff000000ffULL) * (1 + (10000ULL << 32))) >>
		32;
	*value = (uint32_t)w;
	return n;
}

// A value that is nothing but a few digits.
static inline bool fast_number(const struct sip_msg *msg, unsigned int i, uint32_t *value)
{
	return digits7(msg->buf + msg->hdr_value[i], value) == value_len(msg, i) &&
		value_len(msg, i) != 0;
}

enum {
	VIA_BRANCH,
	VIA_RPORT,
	VIA_RECEIVED,
	VIA_OTHER
};

// Which via-param [p, p + len) is, without a branch: their order is anybody's.
static inline unsigned int via_param_kind(const char *p, unsigned int len)
{
	uint64_t w = load64(p) | WORD8(' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ');
	uint64_t w5 = w & 0xffffffffffULL, w7 = w & 0xffffffffffffffULL;
	unsigned int kind = VIA_OTHER;

	kind = w7 == WORD8('b', 'r', 'a', 'n', 'c', 'h', '=', 0) && len > 7 ? VIA_BRANCH : kind;
	kind = w5 == WORD8('r', 'p', 'o', 'r', 't', 0, 0, 0) && (len == 5 || p[5] == '=')
		? VIA_RPORT
		: kind;
	kind = w == WORD8('r', 'e', 'c', 'e', 'i', 'v', 'e', 'd') && p[8] == '=' && len > 9
		? VIA_RECEIVED
		: kind;
	return kind;
}

// A via-extension: a token, perhaps '=' and octets. Those that have a meaning, or should have one,
// are left to the exact function.
static COLD bool is_plain_param(const char *p, unsigned int len)
{
	static const struct strv special[] = {
		{"branch", 6}, {"rport", 5}, {"received", 8}, {"maddr", 5}, {"ttl", 3}};
	unsigned int n = k_token_len(p);

	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (strv_ieq((struct strv){p, n}, special[i]))
			return false;
	return n > 0 && (n == len || (p[n] == '=' && n + 1 < len));
}

// branch, rport and received, each at most once, and extensions; semi has the ';' between them.
static inline bool fast_via_params(
	struct sip_via *via, const char *buf, unsigned int at, unsigned int end, uint64_t semi)
{
	struct sip_slice slots[4] = {{0, 0}, {0, 0}, {0, 0}, {0, 0}};
	unsigned int seen = 0, twice = 0;
	uint32_t port = 0;

	for (;;) {
		unsigned int len = semi != 0 ? k_first(semi) : end - at;
		unsigned int kind = via_param_kind(buf + at, len);

		if (unlikely(kind == VIA_OTHER && !is_plain_param(buf + at, len)))
			return false;
		twice |= seen & BIT(kind);
		seen |= BIT(kind);
		slots[kind] = slice_at(at, len);
		if (semi == 0)
			break;
		at += len + 1;
		semi = semi >> len >> 1;
	}
	if (unlikely(twice & ~BIT(VIA_OTHER)))
		return false;
	if (unlikely(slots[VIA_RPORT].len > 5)) {
		unsigned int n = digits7(buf + slots[VIA_RPORT].off + 6, &port);

		if (n == 0 || n + 6 != slots[VIA_RPORT].len || port > UINT16_MAX)
			return false;
	}
	via->rport = (uint16_t)port;
	via->rport_param = slots[VIA_RPORT];
	via->received_param = slots[VIA_RECEIVED];
	if (seen & BIT(VIA_RECEIVED))
		via->received =
			slice_at(slots[VIA_RECEIVED].off + 9u, slots[VIA_RECEIVED].len - 9u);
	if (likely(seen & BIT(VIA_BRANCH)))
		via->branch = slice_at(slots[VIA_BRANCH].off + 7u, slots[VIA_BRANCH].len - 7u);
	return true;
}

// How long an IPv6reference is, with its brackets; 0 if it is none.
static inline unsigned int reference_len(const char *p)
{
	unsigned int n = 1;

	while (n < 60 && (char_is(p[n], CH_HOST) || p[n] == ':'))
		n++;
	return p[n] == ']' && n > 1 ? n + 1 : 0;
}

// SIP/2.0/UDP host[:port] and the usual parameters, no LWS, nothing quoted, one value.
static inline bool fast_via(struct sip_msg *msg, const char *buf, unsigned int i)
{
	struct sip_via *via = &msg->via;
	unsigned int off = msg->hdr_value[i], at = off + 12, end = msg->hdr_line[i + 1] - 2u, host,
		     n;
	uint64_t protocol = load64(buf + off) | WORD8(' ', ' ', ' ', 0, 0, 0, 0, 0), semi;
	uint32_t w = load32(buf + off + 8) | WORD4(' ', ' ', ' ', 0), port, has_port;
	uint8_t transport = SIP_TRANSPORT_OTHER;

	transport = w == WORD4('u', 'd', 'p', ' ') ? SIP_UDP : transport;
	transport = w == WORD4('t', 'c', 'p', ' ') ? SIP_TCP : transport;
	transport = w == WORD4('t', 'l', 's', ' ') ? SIP_TLS : transport;
	if (protocol != WORD8('s', 'i', 'p', '/', '2', '.', '0', '/') ||
		transport == SIP_TRANSPORT_OTHER || end - at - 1 > 63 ||
		k_low_bits(k_value_stop64(buf + at), end - at) != 0)
		return false;
	host = k_first(~k_host64(buf + at) | 1ULL << 63);
	if (buf[at] == '[')
		host = reference_len(buf + at);
	n = digits7(buf + at + host + 1, &port);
	has_port = buf[at + host] == ':';
	if (host == 0 || (has_port & (n == 0 || port - 1 > UINT16_MAX - 1)))
		return false;
	memset(via, 0, sizeof(*via));
	via->transport = transport;
	via->value = slice_at(off, end - off);
	via->host = slice_at(at, host);
	via->port = (uint16_t)(port & -has_port);
	host += (1 + n) & -has_port;
	via->sent_by = slice_at(at, host);
	if (at + host == end)
		return true;
	semi = k_low_bits(k_eq64(buf + at, ';'), end - at) >> host;
	if (!(semi & 1))
		return false;
	return fast_via_params(via, buf, at + host + 1, end, semi >> 1);
}

static inline bool is_tag(const char *p)
{
	return ((load64(p) & 0xffffffffffULL) | WORD8(0, ' ', ' ', ' ', 0, 0, 0, 0)) ==
		WORD8(';', 't', 'a', 'g', '=', 0, 0, 0);
}

// A From or To: [display-name] <URI> [;tag=token], in one window.
static inline bool fast_tag(
	const struct sip_msg *msg, const char *buf, unsigned int i, struct sip_slice *tag)
{
	unsigned int off = msg->hdr_value[i], len = value_len(msg, i), lt, gt, tail, quoted;
	const char *p = buf + off;
	uint64_t stop, semi, quote, outside;

	// What delimits, from the back: '>', then '<'. So nothing stands in the URI or behind it
	// that might not.
	stop = k_low_bits(k_value_stop64(p), len);
	if (unlikely(len > 64 || (stop & (stop - 1)) == 0))
		return false;
	gt = 63 - (unsigned int)__builtin_clzll(stop);
	stop ^= 1ULL << gt;
	lt = 63 - (unsigned int)__builtin_clzll(stop);
	semi = k_low_bits(k_eq64(p, ';'), len);
	quote = k_low_bits(k_eq64(p, '"'), lt);

	// The display name: "quoted" and SP; or words without ';' or ','. A closing quote behind a
	// backslash may be none.
	quoted = ctz64((quote & ~1ULL) | 1ULL << 63) + 1;
	outside = k_low_bits(~k_eq64(p, ' '), lt);
	outside &= quote & 1 ? ~0ULL << (quoted & 63) : stop | semi;
	outside |= quote & 1 & ((quoted > lt) | (p[quoted - 2] == '\\'));
	tail = len - gt - 1;
	if (unlikely(p[gt] != '>' || p[lt] != '<' || gt == lt + 1 || outside != 0))
		return false;
	*tag = tail ? slice_at(off + gt + 6, tail - 5) : slice_at(0, 0);
	return (tail == 0) | ((tail > 5) & (semi >> gt >> 1 == 1) & is_tag(p + gt + 1));
}

// The same for longer values, by a window each for display name, URI and tag.
static __attribute__((noinline)) bool fast_tag_long(
	const struct sip_msg *msg, const char *buf, unsigned int i, struct sip_slice *tag)
{
	unsigned int off = msg->hdr_value[i], len = value_len(msg, i), lt, gt, quoted = 0;
	const char *p = buf + off;
	uint64_t stop = k_value_stop64(p), quote = k_eq64(p, '"'), other = ~k_eq64(p, ' ');

	if (quote & 1)
		quoted = ctz64((quote & ~1ULL) | 1ULL << 63) + 1;
	if (len <= 64 || quoted > 63 || (quoted != 0 && p[quoted - 2] == '\\'))
		return false;
	// The first that delimits and is no SP; nothing but SP between it and the closing quote.
	lt = ctz64((stop & other & ~0ULL << quoted) | 1ULL << 63);
	other &= quoted != 0 ? ~0ULL << quoted : k_eq64(p, ';');
	if (p[lt] != '<' || k_low_bits(other, lt) != 0)
		return false;
	gt = lt + 1 + ctz64(k_value_stop64(p + lt + 1) | 1ULL << 63);
	if (p[gt] != '>' || gt == lt + 1 || gt >= len)
		return false;
	*tag = slice_at(0, 0);
	if (gt + 1 == len)
		return true;
	*tag = slice_at(off + gt + 6, len - gt - 6);
	return len > gt + 6 && len - gt < 69 && is_tag(p + gt + 1) &&
		ctz64(k_value_stop64(p + gt + 6) | k_eq64(p + gt + 6, ';') | 1ULL << 63) ==
		len - gt - 6;
}

static inline bool fast_call_id(struct sip_msg *msg, const char *buf, unsigned int i)
{
	unsigned int off = msg->hdr_value[i], len = value_len(msg, i);

	msg->call_id = slice_at(off, len);
	// The first SP or control is the line end.
	return len - 1 < 63 && ctz64(k_space64(buf + off) | 1ULL << 63) == len;
}

static inline bool fast_cseq(struct sip_msg *msg, const char *buf, unsigned int i)
{
	const char *p = buf + msg->hdr_value[i];
	unsigned int n = digits7(p, &msg->cseq), at, len;
	uint64_t w, cseq = msg->cseq;

	for (; n >= 7 && n < 10 && char_is(p[n], CH_DIGIT); n++)
		cseq = cseq * 10 + (uint64_t)(p[n] - '0');
	msg->cseq = (uint32_t)cseq;
	at = msg->hdr_value[i] + n + 1;
	len = msg->hdr_line[i + 1] - 2u - at;
	if (n == 0 || buf[at - 1] != ' ' || cseq > INT32_MAX || len - 1 > 15)
		return false;
	w = low_octets(load64(buf + at), len);
	msg->cseq_method = slice_at(at, len);
	if (msg->kind == SIP_REQUEST)
		return len == msg->method_name.len && len <= 8 && w == low_octets(load64(buf), len);
	if (len - 1 > 7)
		return false;
	msg->method_name = msg->cseq_method;
	msg->method = sip_methods[(w + len) * SIP_METHOD_MULT >> 59].method;
	return low_octets(load64(sip_methods[(w + len) * SIP_METHOD_MULT >> 59].name), len) == w &&
		sip_methods[(w + len) * SIP_METHOD_MULT >> 59].len == len;
}

// <URI>, and nothing or another value behind it.
static inline bool fast_route(const struct sip_msg *msg, const char *buf, unsigned int i)
{
	const char *p = buf + msg->hdr_value[i];
	unsigned int len = value_len(msg, i);
	uint64_t stop = k_value_stop64(p) & ~1ULL;
	unsigned int gt = ctz64(stop | 1ULL << 63);

	return p[0] == '<' && gt > 1 && gt < len && p[gt] == '>' && gt + 1 == len;
}

// Max-Forwards, Route, Content-Length.
static inline bool parse_optional(
	struct sip_msg *msg, const char *buf, const struct seen *seen, struct sip_fault *fault)
{
	const uint8_t *first = seen->first;
	uint32_t number;

	msg->max_forwards = -1;
	if (seen->present & BIT(SIP_HDR_MAX_FORWARDS)) {
		unsigned int i = first[SIP_HDR_MAX_FORWARDS];

		if (likely(KERNEL_FAST && fast_number(msg, i, &number) && number <= UINT8_MAX)) {
			msg->max_forwards = (int16_t)number;
			msg->max_forwards_value = slice_at(msg->hdr_value[i], value_len(msg, i));
		} else if (!sip_field_max_forwards(msg, i, fault)) {
			return false;
		}
	}
	if (seen->present & BIT(SIP_HDR_ROUTE) &&
		!(KERNEL_FAST && fast_route(msg, buf, first[SIP_HDR_ROUTE])) &&
		!sip_field_route(msg, first[SIP_HDR_ROUTE], fault))
		return false;
	msg->has_content_length = seen->present >> SIP_HDR_CONTENT_LENGTH & 1;
	if (msg->has_content_length) {
		unsigned int i = first[SIP_HDR_CONTENT_LENGTH];

		if (likely(KERNEL_FAST && fast_number(msg, i, &number)))
			msg->content_length = number;
		else if (!sip_field_content_length(msg, i, fault))
			return false;
	}
	return true;
}

static inline bool parse_tag(struct sip_msg *msg, const char *buf, unsigned int i,
	struct sip_slice *tag, struct sip_fault *fault)
{
	return (KERNEL_FAST &&
		       (likely(fast_tag(msg, buf, i, tag)) || fast_tag_long(msg, buf, i, tag))) ||
		sip_field_tag(msg, i, tag, fault);
}

static inline bool parse_fields(
	struct sip_msg *msg, const char *buf, const struct seen *seen, struct sip_fault *fault)
{
	const uint8_t *first = seen->first;

	if (unlikely(
		    (seen->present & SIP_MANDATORY) != SIP_MANDATORY || seen->twice & SIP_SINGLE)) {
		sip_fault_presence(msg, fault);
		return false;
	}
	if (!(KERNEL_FAST && fast_via(msg, buf, first[SIP_HDR_VIA])) &&
		!sip_field_via(msg, first[SIP_HDR_VIA], fault))
		return false;
	if (!parse_tag(msg, buf, first[SIP_HDR_FROM], &msg->from_tag, fault))
		return false;
	if (!parse_tag(msg, buf, first[SIP_HDR_TO], &msg->to_tag, fault))
		return false;
	if (!(KERNEL_FAST && fast_call_id(msg, buf, first[SIP_HDR_CALL_ID])) &&
		!sip_field_call_id(msg, first[SIP_HDR_CALL_ID], fault))
		return false;
	if (!(KERNEL_FAST && fast_cseq(msg, buf, first[SIP_HDR_CSEQ])) &&
		!sip_field_cseq(msg, first[SIP_HDR_CSEQ], fault))
		return false;
	return parse_optional(msg, buf, seen, fault);
}

enum sip_reason KERNEL_PARSE(struct sip_msg *msg, const char *buf, size_t len)
{
	struct sip_fault start = {SIP_OK, 0}, fault = {SIP_OK, 0};
	bool careful = false;
	struct seen seen;
	uint32_t end;
	int nb;

	msg->buf = buf;
	msg->skipped = 0;
	if (unlikely(len == 0 || (unsigned char)buf[0] <= ' ')) {
		enum sip_reason reason = skip_leading(msg, buf, len);

		if (reason != SIP_OK)
			return reason;
		buf += msg->skipped;
		len -= msg->skipped;
	}
	if (unlikely(!KERNEL_FAST || !start_fast(msg, buf, len))) {
		(void)sip_start_line(msg, buf, len, &start, &end);
		if (end == 0)
			return sip_reject(msg, start, false);
	}
	nb = KERNEL_FAST ? hot_index(msg, buf, len) : -1;
again:
	if (unlikely(nb < 0)) {
		careful = true;
		nb = careful_index(msg, buf, len, &fault);
		if (nb < 0) {
			// A Status-Line was taken before its end was seen; perhaps it has none.
			if (start.reason == SIP_OK)
				(void)sip_start_line(msg, buf, len, &start, &end);
			return sip_reject(msg, start.reason ? start : fault, false);
		}
	}
	msg->nb_hdrs = (uint8_t)nb;
	msg->start_end = msg->hdr_line[0];
	if (unlikely(!classify_all(msg, buf, careful, &seen, &fault))) {
		nb = -1;
		goto again;
	}
	msg->present = seen.present & ~BIT(SIP_HDR_OTHER);
	msg->len = (uint32_t)len;
	msg->body_len = (uint32_t)len - msg->header_len;
	if (unlikely(start.reason || fault.reason || !parse_fields(msg, buf, &seen, &fault)))
		return sip_reject(msg, start.reason ? start : fault, true);
	if (msg->has_content_length) {
		if (unlikely(msg->content_length > msg->body_len)) {
			fault = (struct sip_fault){SIP_BODY_TOO_SHORT, (uint32_t)len};
			return sip_reject(msg, fault, true);
		}
		msg->body_len = msg->content_length;
		msg->len = msg->header_len + msg->content_length;
	}
	return SIP_OK;
}
