// SPDX-License-Identifier: BSD-3-Clause
// x86-64-v4 with VBMI and VBMI2 (Ice Lake, Zen 4 and later): 64 octets are one vector, a comparison
// is a mask already, and a set of octets is one lookup.
#include "parser/parse_words.h"

#include <immintrin.h>
#include <stdint.h>

// Sets of octets below 0x80, a bit each.
enum {
	IN_TOKEN = 1,
	IN_HOST = 2,
	STOPS_ADDRESS = 0x80, // delimits in a From or To, or may not stand unquoted there
	STOPS_URI = 0x40, // may not stand in a URI, or is '?'
};

#define T IN_TOKEN
#define H (IN_TOKEN | IN_HOST)
#define A STOPS_ADDRESS
#define U STOPS_URI
#define B (STOPS_ADDRESS | STOPS_URI)

static const uint8_t sets[128] __attribute__((aligned(64))) = {
	[0 ... 0x20] = B,
	['"'] = B,
	['<'] = B,
	['>'] = B,
	[0x7f] = B,
	[','] = A,
	[';'] = A,
	['?'] = U,
	['!'] = T,
	['%'] = T,
	['*'] = T,
	['+'] = T,
	['`'] = T,
	['\''] = T,
	['~'] = T,
	['-'] = H,
	['.'] = H,
	['_'] = H,
	['0' ... '9'] = H,
	['A' ... 'Z'] = H,
	['a' ... 'z'] = H,
};

#undef T
#undef H
#undef A
#undef U
#undef B

// The octets below 0x80, to make vectors of one: from memory and not seen through, because the
// compiler makes an immediate anew with two instructions wherever it is used.
static const uint8_t octets[128] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17,
	18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
	64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86,
	87, 88, 89, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107,
	108, 109, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125,
	126, 127};

static inline __m512i all512(uint8_t octet)
{
	__m512i v;

	__asm__("vpbroadcastb %1, %0" : "=v"(v) : "m"(octets[octet]));
	return v;
}

static inline __m256i all256(uint8_t octet)
{
	__m256i v;

	__asm__("vpbroadcastb %1, %0" : "=v"(v) : "m"(octets[octet]));
	return v;
}

static inline __m512i load512(const void *p)
{
	return _mm512_loadu_si512(p);
}

// Which sets each octet is in; the highest bit of an octet is not looked at. The table is where the
// compiler cannot keep a copy of it on the stack: in every seventh process, such copies read back
// in a loop made the whole parser a third slower (Zen 4).
static inline __m512i sets_of(__m512i v)
{
	const __m512i *table = (const __m512i *)(const void *)sets;
	__m512i in;

	__asm__("vmovdqa64 %2, %0\n\tvpermt2b %3, %1, %0"
		: "=&v"(in)
		: "v"(v), "m"(table[0]), "m"(table[1]));
	return in;
}

static inline uint64_t k_eq64(const char *p, char c)
{
	return _mm512_cmpeq_epi8_mask(load512(p), all512((uint8_t)c));
}

static inline uint64_t k_control64(const char *p)
{
	return _mm512_cmplt_epu8_mask(load512(p), all512(0x20));
}

static inline uint64_t k_space64(const char *p)
{
	return _mm512_cmple_epu8_mask(load512(p), all512(0x20));
}

// Octets from 0x80 on stop nothing.
static inline uint64_t k_uri_stop64(const char *p)
{
	__m512i v = load512(p), s = sets_of(v);

	return _mm512_movepi8_mask(_mm512_andnot_si512(v, _mm512_add_epi8(s, s)));
}

static inline uint64_t k_address_stop64(const char *p)
{
	__m512i v = load512(p);

	return _mm512_movepi8_mask(_mm512_andnot_si512(v, sets_of(v)));
}

// Octets from 0x80 on are in neither set, like DEL.
static inline uint64_t k_nonhost64(const char *p)
{
	__m512i v = _mm512_min_epu8(load512(p), all512(0x7f));

	return _mm512_testn_epi8_mask(sets_of(v), all512(IN_HOST));
}

static inline __m256i load256(const void *p)
{
	return _mm256_loadu_si256(p);
}

static inline unsigned int k_token_len(const char *p)
{
	__m256i v = _mm256_min_epu8(load256(p), all256(0x7f));
	__m512i s = sets_of(_mm512_castsi256_si512(v));

	return _tzcnt_u32(_mm256_testn_epi8_mask(_mm512_castsi512_si256(s), all256(IN_TOKEN)));
}

static inline size_t k_name_len(const char *p)
{
	return _tzcnt_u64(_mm256_cmpeq_epi8_mask(load256(p - 1), all256(':')));
}

static inline bool k_is_name(const char *p, const char *name, unsigned int n)
{
	__m256i v = _mm256_or_si256(load256(p), all256(0x20));

	return _bzhi_u32(_mm256_cmpneq_epi8_mask(v, load256(name)), n) == 0;
}

static inline unsigned int k_first(uint64_t w)
{
	return (unsigned int)_tzcnt_u64(w);
}

static inline uint64_t k_low_bits(uint64_t w, unsigned int n)
{
	return _bzhi_u64(w, n);
}

#define INDEX_OCTETS_MAX 8192 // of a header section that the hot index looks at
#define INDEX_LINES_MAX 60 // what it may begin a block with: see write_lines()

// Where lines begin after the LFs of a block, which begins at `base`. Eight are written at once
// whatever there are: a block with more is rare. (More at once would cross cache lines, and what
// crosses one cannot be read back before it has left the store queue.) Returns where the next one
// goes.
static inline uint16_t *write_lines(uint16_t *line, __m128i base, uint64_t lf)
{
	__m512i iota = _mm512_set_epi8(63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49,
		48, 47, 46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28,
		27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6,
		5, 4, 3, 2, 1, 0);
	unsigned int nb = (unsigned int)__builtin_popcountll(lf);
	__m512i at = _mm512_maskz_compress_epi8(lf, iota);

	_mm_storeu_si128((__m128i *)(void *)line,
		_mm_add_epi16(_mm_cvtepu8_epi16(_mm512_castsi512_si128(at)), base));
	for (unsigned int i = 8; unlikely(i < nb); i += 8) {
		at = _mm512_maskz_compress_epi64(0xfe, at);
		_mm_storeu_si128((__m128i *)(void *)(line + i),
			_mm_add_epi16(_mm_cvtepu8_epi16(_mm512_castsi512_si128(at)), base));
	}
	return line + nb;
}

#define KERNEL_HOT_INDEX
#define KERNEL_SEES_CR 1 // an LF without one is a control octet that belongs to no line end
// See parse_index.h.
static inline int hot_index(struct sip_msg *restrict msg, const char *buf, size_t len)
{
	const char *p = buf, *limit = buf + (len < INDEX_OCTETS_MAX ? len : INDEX_OCTETS_MAX);
	const uint16_t *line_limit = msg->hdr_line + INDEX_LINES_MAX;
	const __m512i lfs = all512('\n'), crs = all512('\r'), sp = all512(' ');
	__m128i base = _mm_set1_epi16(1);
	__m512i v;
	uint16_t *line = msg->hdr_line;
	unsigned int controls = 0, last, n;
	__mmask64 lf, eoh;

	for (;; p += 64) {
		v = load512(p);
		lf = _mm512_mask_cmpeq_epi8_mask(
			_mm512_cmpeq_epi8_mask(v, lfs), load512(p - 1), crs);
		// No LF stands before the second octet: it would have ended the start line.
		eoh = _mm512_mask_cmpeq_epi8_mask(lf, load512(p - 2), lfs);
		if (eoh != 0)
			break;
		line = write_lines(line, base, lf);
		controls += (unsigned int)__builtin_popcountll(_mm512_cmplt_epu8_mask(v, sp));
		base = _mm_add_epi16(base, _mm_set1_epi16(64));
		if (unlikely(p + 64 >= limit || line > line_limit))
			return -1;
	}
	last = (unsigned int)_tzcnt_u64(eoh);
	if (unlikely(p + last >= limit))
		return -1;
	line = write_lines(line, base, _bzhi_u64(lf, last));
	n = (unsigned int)(line - msg->hdr_line);
	p += last;
	msg->header_len = (uint16_t)(p - buf + 1);
	controls += (unsigned int)__builtin_popcountll(
		_bzhi_u64(_mm512_cmplt_epu8_mask(v, sp), last + 1));
	// Two octets for each line end and two for the empty line.
	if (unlikely(n == 0 || controls != 2 * (n + 1)))
		return -1;
	return (int)n - 1;
}

#define KERNEL sip_kernel_avx512
#define KERNEL_NAME "avx512"
#include "parser/parse_body.h"
