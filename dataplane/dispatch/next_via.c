// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/next_via.h"

#include "dataplane/dispatch/next_hdr.h"
#include "dataplane/dispatch/siphash_inline.h"
#include "parser/number.h"
#include "parser/opaque.h"

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
#define PARAMS_OCTETS_MAX 128 // with the sent-by

struct semicolons {
	unsigned int nb;
	uint32_t at[16]; // the one after the last: the end of the value
};

_Static_assert(PARAMS_MAX < 16, "and the end of the value");

// Find the ';' in p[from .. len). Returns false at octets that need the parser: white space,
// quotes, comments, further values. May read, not look at, a vector more.
#ifdef __AVX512VBMI2__
// Those of 64 octets, a bit each; what needs the parser is noted in *odd.
static inline uint64_t semicolons_of(__m512i x, uint64_t valid, uint64_t *odd)
{
	*odd |= (_mm512_cmple_epu8_mask(x, _mm512_set1_epi8(' ')) |
			_mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('"')) |
			_mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8(',')) |
			_mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('('))) &
		valid;
	return _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8(';')) & valid;
}

// Reads nothing beyond. Neither where they are nor how many is something that a jump depends on.
static inline bool find_semicolons(const char *p, uint32_t from, uint32_t len, struct semicolons *s)
{
	static const uint8_t places[64] __attribute__((aligned(64))) = {0, 1, 2, 3, 4, 5, 6, 7, 8,
		9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29,
		30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50,
		51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
	const __m512i place = _mm512_load_si512(places);
	uint32_t nb = len - from, nb_first;
	uint64_t valid[2], found[2], odd = 0;
	__m512i end = _mm512_set1_epi8((char)nb), at[2];
	__m128i all;

	if (nb > PARAMS_OCTETS_MAX)
		return false;
	valid[0] = _bzhi_u64(UINT64_MAX, nb);
	valid[1] = _bzhi_u64(UINT64_MAX, nb > 64 ? nb - 64 : 0);
	for (unsigned int i = 0; i < 2; i++)
		found[i] = semicolons_of(
			_mm512_maskz_loadu_epi8(valid[i], p + from + 64 * i), valid[i], &odd);
	nb_first = (uint32_t)_mm_popcnt_u64(found[0]);
	s->nb = nb_first + (uint32_t)_mm_popcnt_u64(found[1]);
	// Their places one after the other, the end behind them.
	at[0] = _mm512_mask_compress_epi8(end, found[0], place);
	at[1] = _mm512_mask_compress_epi8(
		end, found[1], _mm512_add_epi8(place, _mm512_set1_epi8(64)));
	all = _mm_mask_expand_epi8(_mm512_castsi512_si128(at[0]),
		(__mmask16)(0xffffu << (nb_first & 15)), _mm512_castsi512_si128(at[1]));
	_mm512_storeu_si512(
		s->at, _mm512_add_epi32(_mm512_cvtepu8_epi32(all), _mm512_set1_epi32((int)from)));
	return odd == 0 && s->nb <= PARAMS_MAX;
}
#elif defined(__SSE2__)
static bool find_semicolons(const char *p, uint32_t from, uint32_t len, struct semicolons *s)
{
	s->nb = 0;
	if (len - from > PARAMS_OCTETS_MAX)
		return false;
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
	if (len - from > PARAMS_OCTETS_MAX)
		return false;
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

// Up to five digits of a message. One jump for all that may be wrong with them.
static inline bool parse_port(const char *p, uint32_t len, uint16_t *port)
{
	uint32_t fits = -(uint32_t)(len - 1 <= 4); // all ones
	uint64_t number;
	bool good;

	OPAQUE(fits);
	good = number_of(p, len & fits, &number);
	number >>= 32;
	*port = (uint16_t)number;
	return good & (number - 1 < UINT16_MAX); // of nothing, 0
}

// The same where one may be absent, which no jump depends on.
static inline bool optional_port(const char *p, uint32_t len, bool absent, uint16_t *port)
{
	uint32_t there = -(uint32_t)!absent; // all ones
	uint16_t value;
	bool good;

	OPAQUE(there);
	good = parse_port(p, len & there, &value);
	*port = (uint16_t)(value & there);
	return good | absent;
}

static struct sip_slice slice(const struct sip_msg *msg, const char *p, uint32_t len)
{
	return sip_slice_at((uint32_t)(p - msg->buf), len);
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
		uint32_t host, ends;
		uint64_t good = (_mm512_cmplt_epu8_mask(_mm512_sub_epi8(x, _mm512_set1_epi8('-')),
					 _mm512_set1_epi8('9' + 1 - '-')) &
					_mm512_cmpneq_epi8_mask(x, _mm512_set1_epi8('/'))) |
			_mm512_cmplt_epu8_mask(_mm512_sub_epi8(lower, _mm512_set1_epi8('a')),
				_mm512_set1_epi8(26));

		if (len - at > 64 && good == UINT64_MAX)
			continue;
		at += (uint32_t)_tzcnt_u64(~good);
		// Whether a port follows cannot be predicted.
		host = at < len ? at : len;
		ends = -(uint32_t)((int)(host == len) | (int)(p[host] == ':'));
		OPAQUE(ends);
		return host & ends;
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
	return optional_port(p + host + 1, len - host - 1, host == len, &via->port) & (host > 0);
}

#define LOWER UINT64_C(0x2020202020202020)

static bool name_is(uint64_t word, const char name[8], unsigned int len)
{
	uint64_t mask = len == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * len)) - 1;

	return ((word ^ load64(name)) & mask) == 0;
}

// One parameter, p[0 .. len). All but the three that route responses are for the parser.
static inline bool take_param(
	const struct sip_msg *msg, const char *p, uint32_t len, struct sip_via *via)
{
	// What stands behind a short one is readable, and its length is looked at as well.
	uint64_t word = load64(p) | LOWER;

	if (len > 7 && name_is(word, "branch=", 7) && via->branch.len == 0) {
		via->branch = slice(msg, p + 7, len - 7);
		return true;
	}
	if (len > 9 && name_is(word, "received", 8) && p[8] == '=' && via->received.len == 0) {
		via->received = slice(msg, p + 9, len - 9);
		return true;
	}
	if (len < 5 || !name_is(word, "rport\0\0", 5) || via->rport_param.len > 0)
		return false;
	via->rport_param = slice(msg, p, len);
	return len == 5 || (p[5] == '=' && parse_port(p + 6, len - 6, &via->rport));
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
	for (unsigned int i = 0; i < s.nb; i++)
		if (!take_param(msg, p + s.at[i] + 1, s.at[i + 1] - s.at[i] - 1, via))
			return false;
	return true;
}

static bool next_via_quickly(
	const struct sip_msg *msg, struct sip_via *next, struct sip_slice *ours)
{
	unsigned int first = next_hdr(msg, SIP_HDR_VIA, 0),
		     second = next_hdr(msg, SIP_HDR_VIA, first + 1);
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

// Is there nothing behind a value, or another one? With a comma at its end the header field would
// be no Via for whoever reads it as the first.
static bool well_continued(const struct sip_msg *msg, struct sip_iter it)
{
	struct sip_slice value;
	struct sip_via via;
	bool bad;

	return it.last ||
		(sip_next_value(msg, SIP_HDR_VIA, &it, &value, &bad) &&
			sip_via_parse(msg, value, &via) == 0);
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
		sip_via_parse(msg, value, next) != 0 || !well_continued(msg, it))
		return false;
	if (it.hdr == hdr) {
		ours->off = msg->hdr_value[hdr];
		ours->len = (uint16_t)(value.off - ours->off);
	}
	return true;
}
