// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/next_via.h"

#include "dataplane/dispatch/siphash_inline.h"
#if defined(__AVX512BW__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

// What follows our Via in a response is nearly always what we left there: one Via to a line, no
// white space, no quotes. That is taken apart here; everything else by the parser.

#define PROTOCOL "SIP/2.0/UDP "
#define PROTOCOL_LEN 12
#define PARAMS_MAX 12

struct semicolons {
	unsigned int nb;
	uint32_t at[PARAMS_MAX + 1]; // the last one: the end of the value
};

// Find the ';' in p[from .. len). Returns false at octets that need the parser: white space,
// quotes, comments, further values. May read, not look at, a vector more.
#if defined(__AVX512BW__)
static inline bool find_semicolons(const char *p, uint32_t from, uint32_t len, struct semicolons *s)
{
	s->nb = 0;
	for (uint32_t at = from; at < len; at += 64) {
		__m512i x = _mm512_loadu_si512(p + at);
		uint64_t valid = _bzhi_u64(UINT64_MAX, len - at);
		uint64_t odd = _mm512_cmple_epu8_mask(x, _mm512_set1_epi8(' '));
		uint64_t mask = _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8(';')) & valid;

		odd |= _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('"'));
		odd |= _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8(','));
		odd |= _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('('));
		if ((odd & valid) != 0 || s->nb + (uint32_t)_mm_popcnt_u64(mask) > PARAMS_MAX)
			return false;
		for (; mask != 0; mask &= mask - 1)
			s->at[s->nb++] = at + (uint32_t)_tzcnt_u64(mask);
	}
	s->at[s->nb] = len;
	return true;
}
#elif defined(__SSE2__)
static bool find_semicolons(const char *p, uint32_t from, uint32_t len, struct semicolons *s)
{
	s->nb = 0;
	for (uint32_t at = from; at < len; at += 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)(p + at));
		__m128i odd = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(' ')), x);
		uint32_t mask, valid = len - at >= 16 ? 0xffff : (1u << (len - at)) - 1;

		odd = _mm_or_si128(odd, _mm_cmpeq_epi8(x, _mm_set1_epi8('"')));
		odd = _mm_or_si128(odd, _mm_cmpeq_epi8(x, _mm_set1_epi8(',')));
		odd = _mm_or_si128(odd, _mm_cmpeq_epi8(x, _mm_set1_epi8('(')));
		if ((uint32_t)_mm_movemask_epi8(odd) & valid)
			return false;
		mask = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_set1_epi8(';'))) & valid;
		for (; mask != 0; mask &= mask - 1) {
			if (s->nb == PARAMS_MAX)
				return false;
			s->at[s->nb++] = at + (uint32_t)__builtin_ctz(mask);
		}
	}
	s->at[s->nb] = len;
	return true;
}
#else
static bool find_semicolons(const char *p, uint32_t from, uint32_t len, struct semicolons *s)
{
	s->nb = 0;
	for (uint32_t at = from; at < len; at++) {
		unsigned char c = (unsigned char)p[at];

		if (c <= ' ' || c == '"' || c == ',' || c == '(')
			return false;
		if (c != ';')
			continue;
		if (s->nb == PARAMS_MAX)
			return false;
		s->at[s->nb++] = at;
	}
	s->at[s->nb] = len;
	return true;
}
#endif

// Up to five digits of a message: eight octets before their end are readable.
static bool parse_port(const char *p, uint32_t len, uint16_t *port)
{
	const uint64_t zeros = UINT64_C(0x3030303030303030);
	uint64_t digits, keep;

	if (len == 0 || len > 5)
		return false;
	// The last digit in the highest octet, zeros before the first.
	keep = UINT64_MAX << (64 - 8 * len);
	digits = (load64(p + len - 8) ^ zeros) & keep;
	// An octet above 9 has one of the upper bits, now or with 6 more.
	if (((digits | (digits + UINT64_C(0x0606060606060606))) & UINT64_C(0xf0f0f0f0f0f0f0f0)) !=
		0)
		return false;
	// Neighbours to pairs, pairs to fours, fours to the number.
	digits = (digits * 10 + (digits >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
	digits = (digits * 100 + (digits >> 16)) & UINT64_C(0x0000ffff0000ffff);
	digits = (digits * 10000 + (digits >> 32)) & UINT64_C(0xffffffff);
	*port = (uint16_t)digits;
	return digits != 0 && digits <= UINT16_MAX;
}

static struct sip_slice slice(const struct sip_msg *msg, const char *p, uint32_t len)
{
	return (struct sip_slice){(uint16_t)(p - msg->buf), (uint16_t)len};
}

// An IPv6 reference, as far as its octets tell.
static bool is_reference(const char *p, uint32_t len)
{
	for (uint32_t i = 1; i + 1 < len; i++) {
		unsigned char c = strv_lower(p[i]);

		if ((unsigned char)(c - 'a') > 25 && (unsigned char)(c - '0') > 9 && c != '.' &&
			c != ':')
			return false;
	}
	return len > 2 && p[len - 1] == ']';
}

// A host name or IPv4 address up to a colon or the end, as far as its octets tell. Returns its
// length, or 0. May read, not look at, a vector more.
#if defined(__AVX512BW__)
static inline uint32_t host_len(const char *p, uint32_t len)
{
	for (uint32_t at = 0;; at += 64) {
		__m512i x = _mm512_loadu_si512(p + at);
		__m512i lower = _mm512_or_si512(x, _mm512_set1_epi8(0x20));
		// '-', '.' and digits, with '/' between them.
		uint64_t good = (_mm512_cmplt_epu8_mask(_mm512_sub_epi8(x, _mm512_set1_epi8('-')),
					 _mm512_set1_epi8('9' + 1 - '-')) &
					_mm512_cmpneq_epi8_mask(x, _mm512_set1_epi8('/'))) |
			_mm512_cmplt_epu8_mask(_mm512_sub_epi8(lower, _mm512_set1_epi8('a')),
				_mm512_set1_epi8(26));

		if (len - at > 64 && good == UINT64_MAX)
			continue;
		at += (uint32_t)_tzcnt_u64(~good);
		if (at >= len)
			return len;
		return p[at] == ':' ? at : 0;
	}
}
#elif defined(__SSE2__)
static uint32_t host_len(const char *p, uint32_t len)
{
	for (uint32_t at = 0;; at += 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)(p + at));
		__m128i lower = _mm_or_si128(x, _mm_set1_epi8(0x20));
		__m128i letter = _mm_and_si128(_mm_cmpgt_epi8(lower, _mm_set1_epi8('a' - 1)),
			_mm_cmpgt_epi8(_mm_set1_epi8('z' + 1), lower));
		// '-', '.' and digits, with '/' between them.
		__m128i other = _mm_and_si128(_mm_cmpgt_epi8(x, _mm_set1_epi8('-' - 1)),
			_mm_cmpgt_epi8(_mm_set1_epi8('9' + 1), x));
		uint32_t good;

		other = _mm_andnot_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('/')), other);
		good = (uint32_t)_mm_movemask_epi8(_mm_or_si128(letter, other));
		if (len - at > 16 && good == 0xffff)
			continue;
		at += (uint32_t)__builtin_ctz(~good);
		if (at >= len)
			return len;
		return p[at] == ':' ? at : 0;
	}
}
#else
static uint32_t host_len(const char *p, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++) {
		unsigned char c = strv_lower(p[i]);

		if ((unsigned char)(c - 'a') > 25 && (unsigned char)(c - '0') > 9 && c != '.' &&
			c != '-')
			return c == ':' ? i : 0;
	}
	return len;
}
#endif

// host [ ":" port ]
static bool take_sent_by(
	const struct sip_msg *msg, const char *p, uint32_t len, struct sip_via *via)
{
	uint32_t host = len;

	if (len > 0 && p[0] == '[') {
		while (host > 0 && p[host - 1] != ']')
			host--;
		if (!is_reference(p, host) || (host < len && p[host] != ':'))
			return false;
	} else {
		host = len > 0 ? host_len(p, len) : 0;
	}
	via->sent_by = slice(msg, p, len);
	via->host = slice(msg, p, host);
	return host > 0 && (host == len || parse_port(p + host + 1, len - host - 1, &via->port));
}

#define LOWER UINT64_C(0x2020202020202020)

static bool name_is(uint64_t word, const char name[8], unsigned int len)
{
	uint64_t mask = len == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * len)) - 1;

	return ((word ^ load64(name)) & mask) == 0;
}

enum param {
	PARAM_OTHER, // all but the three that route responses are for the parser
	PARAM_BRANCH,
	PARAM_RECEIVED,
	PARAM_RPORT,
	PARAMS
};

// Which parameter is p[0 .. len)? They stand in any order, so no jump depends on which it is.
static inline enum param which_param(const char *p, uint32_t len)
{
	// What stands behind a short one is readable, and its length is looked at as well.
	uint64_t word = load64(p) | LOWER;
	unsigned int branch = (unsigned int)(len > 7) & name_is(word, "branch=", 7);
	unsigned int received =
		(unsigned int)(len > 9) & name_is(word, "received", 8) & (p[8] == '=');
	unsigned int rport = name_is(word, "rport\0\0", 5) &
		((unsigned int)(len == 5) | ((unsigned int)(len > 5) & (p[5] == '=')));

	return (enum param)(
		PARAM_BRANCH * branch + PARAM_RECEIVED * received + PARAM_RPORT * rport);
}

// What a parameter at p + (param & 0xffff) has behind its first octets.
static inline struct sip_slice param_value(
	const struct sip_msg *msg, const char *p, uint32_t param, uint32_t first)
{
	return slice(msg, p + (param & 0xffff) + first, (param >> 16) - first);
}

static bool take_params(
	const struct sip_msg *msg, const char *p, const struct semicolons *s, struct sip_via *via)
{
	// In one piece each: two halves that have just been stored are not loaded as one.
	uint32_t params[PARAMS] = {0};
	unsigned int seen = 0, bad = 0;

	for (unsigned int i = 0; i < s->nb; i++) {
		uint32_t at = s->at[i] + 1, len = s->at[i + 1] - at;
		enum param which = which_param(p + at, len);

		bad |= (unsigned int)(which == PARAM_OTHER) | (seen >> which & 1);
		seen |= 1u << which;
		params[which] = at | len << 16;
	}
	if (bad)
		return false;
	if (seen >> PARAM_BRANCH & 1)
		via->branch = param_value(msg, p, params[PARAM_BRANCH], 7);
	if (seen >> PARAM_RECEIVED & 1)
		via->received = param_value(msg, p, params[PARAM_RECEIVED], 9);
	if (!(seen >> PARAM_RPORT & 1))
		return true;
	via->rport_param = param_value(msg, p, params[PARAM_RPORT], 0);
	return via->rport_param.len == 5 ||
		parse_port(msg->buf + via->rport_param.off + 6, via->rport_param.len - 6u,
			&via->rport);
}

static bool parse_quickly(
	const struct sip_msg *msg, const char *p, uint32_t len, struct sip_via *via)
{
	struct semicolons s;

	if (len <= PROTOCOL_LEN || memcmp(p, PROTOCOL, PROTOCOL_LEN) != 0 ||
		!find_semicolons(p, PROTOCOL_LEN, len, &s))
		return false;
	*via = (struct sip_via){0};
	if (!take_sent_by(msg, p + PROTOCOL_LEN, s.at[0] - PROTOCOL_LEN, via))
		return false;
	return take_params(msg, p, &s, via);
}

// The next Via header field from header field i on.
static inline unsigned int next_via_line(const struct sip_msg *msg, unsigned int i)
{
#ifdef __AVX512BW__
	// The index has room for a vector here.
	if (msg->nb_hdrs <= 64) {
		uint64_t vias = _mm512_cmpeq_epi8_mask(
			_mm512_loadu_si512(msg->hdr_id), _mm512_set1_epi8(SIP_HDR_VIA));
		uint64_t left = i < 64 ? _bzhi_u64(vias, msg->nb_hdrs) >> i << i : 0;

		return left != 0 ? (unsigned int)_tzcnt_u64(left) : msg->nb_hdrs;
	}
#endif
	while (i < msg->nb_hdrs && msg->hdr_id[i] != SIP_HDR_VIA)
		i++;
	return i;
}

static bool next_via_quickly(
	const struct sip_msg *msg, struct sip_via *next, struct sip_slice *ours)
{
	unsigned int first = next_via_line(msg, 0), second = next_via_line(msg, first + 1);
	uint32_t end;

	if (second >= msg->nb_hdrs)
		return false;
	// Ours is alone on its line: CRLF follows its value.
	end = msg->hdr_line[first + 1];
	if ((uint32_t)msg->via.value.off + msg->via.value.len + 2 != end)
		return false;
	ours->off = msg->hdr_line[first];
	ours->len = (uint16_t)(end - ours->off);
	return parse_quickly(msg, msg->buf + msg->hdr_value[second],
		msg->hdr_line[second + 1] - 2u - msg->hdr_value[second], next);
}

bool next_via(const struct sip_msg *msg, struct sip_via *next, struct sip_slice *ours)
{
	struct sip_iter it = {0};
	struct sip_slice value;
	uint8_t hdr;
	bool bad;

	if (next_via_quickly(msg, next, ours))
		return true;
	if (!sip_next_value(msg, SIP_HDR_VIA, &it, &value, &bad))
		return false;
	hdr = it.hdr;
	ours->off = msg->hdr_line[hdr];
	ours->len = (uint16_t)(msg->hdr_line[hdr + 1] - ours->off);
	if (!sip_next_value(msg, SIP_HDR_VIA, &it, &value, &bad) ||
		sip_via_parse(msg, value, next) != 0)
		return false;
	if (it.hdr == hdr) {
		ours->off = msg->hdr_value[hdr];
		ours->len = (uint16_t)(value.off - ours->off);
	}
	return true;
}
