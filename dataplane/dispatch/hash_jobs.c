// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/hash_jobs.h"

#ifdef __AVX2__
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

INLINE void one(struct hash_jobs *jobs, unsigned int lane, unsigned int c, unsigned int d)
{
	struct siphash s = siphash_begin(jobs->key[lane]);
	bool some = jobs->some >> lane & 1;

	for (unsigned int i = 0; i < jobs->nb_head; i++)
		if (some || i < HASH_JOB_SOME_FROM || i >= HASH_JOB_SOME_END)
			siphash_word(&s, jobs->head[i][lane], c);
	for (unsigned int i = 0; i < jobs->nb_data[lane]; i++)
		siphash_word(&s, load64(jobs->data[lane] + 8 * i), c);
	siphash_word(&s, jobs->last[lane], c);
	s.v2 ^= 0xff;
	siphash_rounds(&s, d);
	*jobs->hash[lane] = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

#ifdef __AVX2__
// A word of each of LANES jobs, and a choice among them.
#ifdef __AVX512VL__
#define LANES 8
#define ALONE_MAX 1 // that many are faster one by one
#define WORDS_AT_ONCE 4
typedef __m512i words_t;
typedef __mmask8 some_t;

INLINE words_t words_load(const uint64_t *words)
{
	return _mm512_loadu_si512(words);
}

INLINE void words_store(uint64_t *words, words_t x)
{
	_mm512_storeu_si512(words, x);
}

INLINE words_t words_all(uint64_t word)
{
	return _mm512_set1_epi64((long long)word);
}

INLINE words_t words_add(words_t a, words_t b)
{
	return _mm512_add_epi64(a, b);
}

INLINE words_t words_xor(words_t a, words_t b)
{
	return _mm512_xor_si512(a, b);
}

#define rotl(x, bits) _mm512_rol_epi64((x), (bits))
#define rotl16(x) rotl((x), 16)
#define rotl32(x) rotl((x), 32)

INLINE some_t some_of_bits(unsigned int bits)
{
	return (some_t)bits;
}

INLINE some_t some_from(words_t words, unsigned int least)
{
	return _mm512_cmpge_epu64_mask(words, words_all(least));
}

INLINE some_t some_equal(words_t words, uint64_t word)
{
	return _mm512_cmpeq_epu64_mask(words, words_all(word));
}

INLINE words_t choose(words_t no, words_t yes, some_t which)
{
	return _mm512_mask_mov_epi64(no, which, yes);
}

// Neighbouring words at eight places, each word's eight in one vector.
INLINE void words_gather(const char *const at[LANES], words_t words[WORDS_AT_ONCE])
{
	const __m512i lower = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
	const __m512i upper = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
	__m512i two[4], even[2], odd[2];

	for (unsigned int i = 0; i < 4; i++)
		two[i] = _mm512_inserti64x4(
			_mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)at[i])),
			_mm256_loadu_si256((const __m256i *)at[i + 4]), 1);
	for (unsigned int i = 0; i < 2; i++) {
		even[i] = _mm512_unpacklo_epi64(two[2 * i], two[2 * i + 1]);
		odd[i] = _mm512_unpackhi_epi64(two[2 * i], two[2 * i + 1]);
	}
	words[0] = _mm512_permutex2var_epi64(even[0], lower, even[1]);
	words[1] = _mm512_permutex2var_epi64(odd[0], lower, odd[1]);
	words[2] = _mm512_permutex2var_epi64(even[0], upper, even[1]);
	words[3] = _mm512_permutex2var_epi64(odd[0], upper, odd[1]);
}
#else
#define LANES 4
#define ALONE_MAX 2
#define WORDS_AT_ONCE 2
typedef __m256i words_t;
typedef __m256i some_t;

INLINE words_t words_load(const uint64_t *words)
{
	return _mm256_loadu_si256((const __m256i *)words);
}

INLINE void words_store(uint64_t *words, words_t x)
{
	_mm256_storeu_si256((__m256i *)words, x);
}

INLINE words_t words_all(uint64_t word)
{
	return _mm256_set1_epi64x((long long)word);
}

INLINE words_t words_add(words_t a, words_t b)
{
	return _mm256_add_epi64(a, b);
}

INLINE words_t words_xor(words_t a, words_t b)
{
	return _mm256_xor_si256(a, b);
}

INLINE words_t rotl(words_t x, int bits)
{
	return _mm256_or_si256(_mm256_slli_epi64(x, bits), _mm256_srli_epi64(x, 64 - bits));
}

INLINE words_t rotl16(words_t x)
{
	return _mm256_shuffle_epi8(x,
		_mm256_setr_epi8(6, 7, 0, 1, 2, 3, 4, 5, 14, 15, 8, 9, 10, 11, 12, 13, 6, 7, 0, 1,
			2, 3, 4, 5, 14, 15, 8, 9, 10, 11, 12, 13));
}

INLINE words_t rotl32(words_t x)
{
	return _mm256_shuffle_epi32(x, 0xb1);
}

INLINE some_t some_of_bits(unsigned int bits)
{
	const __m256i bit = _mm256_setr_epi64x(1, 2, 4, 8);

	return _mm256_cmpeq_epi64(_mm256_and_si256(words_all(bits), bit), bit);
}

// Of words below 2^63.
INLINE some_t some_from(words_t words, unsigned int least)
{
	return _mm256_cmpgt_epi64(words, words_all((uint64_t)least - 1));
}

INLINE some_t some_equal(words_t words, uint64_t word)
{
	return _mm256_cmpeq_epi64(words, words_all(word));
}

INLINE words_t choose(words_t no, words_t yes, some_t which)
{
	return _mm256_blendv_epi8(no, yes, which);
}

INLINE void words_gather(const char *const at[LANES], words_t words[WORDS_AT_ONCE])
{
	__m256i two[2];

	for (unsigned int i = 0; i < 2; i++)
		two[i] = _mm256_inserti128_si256(
			_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)at[i])),
			_mm_loadu_si128((const __m128i *)at[i + 2]), 1);
	words[0] = _mm256_unpacklo_epi64(two[0], two[1]);
	words[1] = _mm256_unpackhi_epi64(two[0], two[1]);
}
#endif

// The places are a multiple of the lanes, so that groups of jobs are full.
#define GROUPS_MAX (HASH_JOBS_MAX / LANES)

_Static_assert(8 * WORDS_AT_ONCE <= HASH_JOB_SLACK, "what is read behind the data");

struct lanes {
	words_t v0, v1, v2, v3;
};

INLINE void lanes_round(struct lanes *s)
{
	s->v0 = words_add(s->v0, s->v1);
	s->v2 = words_add(s->v2, s->v3);
	s->v1 = words_xor(rotl(s->v1, 13), s->v0);
	s->v3 = words_xor(rotl16(s->v3), s->v2);
	s->v0 = words_add(rotl32(s->v0), s->v3);
	s->v2 = words_add(s->v2, s->v1);
	s->v3 = words_xor(rotl(s->v3, 21), s->v0);
	s->v1 = words_xor(rotl(s->v1, 17), s->v2);
	s->v2 = rotl32(s->v2);
}

INLINE void lanes_word(struct lanes *s, words_t word, unsigned int c)
{
	s->v3 = words_xor(s->v3, word);
	for (unsigned int i = 0; i < c; i++)
		lanes_round(s);
	s->v0 = words_xor(s->v0, word);
}

// Take in a word in some lanes; the others stay as they are.
INLINE void lanes_word_some(struct lanes *s, words_t word, some_t which, unsigned int c)
{
	struct lanes before = *s;

	lanes_word(s, word, c);
	s->v0 = choose(before.v0, s->v0, which);
	s->v1 = choose(before.v1, s->v1, which);
	s->v2 = choose(before.v2, s->v2, which);
	s->v3 = choose(before.v3, s->v3, which);
}

INLINE void lanes_begin(struct lanes *s, const struct hash_jobs *jobs, unsigned int first)
{
	uint64_t keys[2][LANES];

	for (unsigned int i = 0; i < LANES; i++) {
		keys[0][i] = load64(jobs->key[first + i]);
		keys[1][i] = load64(jobs->key[first + i] + 8);
	}
	s->v0 = words_xor(words_load(keys[0]), words_all(0x736f6d6570736575));
	s->v1 = words_xor(words_load(keys[1]), words_all(0x646f72616e646f6d));
	s->v2 = words_xor(words_load(keys[0]), words_all(0x6c7967656e657261));
	s->v3 = words_xor(words_load(keys[1]), words_all(0x7465646279746573));
}

// The words from `w` on of the data of each job, and their last word.
INLINE void lanes_data(struct lanes *s, const struct hash_jobs *jobs, unsigned int first,
	unsigned int w, unsigned int c)
{
	words_t nb = words_load(&jobs->nb_data[first]), last = words_load(&jobs->last[first]);
	words_t words[WORDS_AT_ONCE];
	const char *at[LANES];

	// Not beyond the data of a job that has less than others.
	for (unsigned int i = 0; i < LANES; i++) {
		uint64_t end = jobs->nb_data[first + i];

		at[i] = jobs->data[first + i] + 8 * (w < end ? w : end);
	}
	words_gather(at, words);
	for (unsigned int i = 0; i < WORDS_AT_ONCE; i++)
		lanes_word_some(
			s, choose(words[i], last, some_equal(nb, w + i)), some_from(nb, w + i), c);
}

INLINE void side_by_side(
	struct hash_jobs *jobs, unsigned int groups, unsigned int c, unsigned int d)
{
	struct lanes s[GROUPS_MAX];
	uint64_t most = 0, hash[HASH_JOBS_MAX];

	for (unsigned int i = 0; i < LANES * groups; i++)
		most = jobs->nb_data[i] > most ? jobs->nb_data[i] : most;
	for (unsigned int g = 0; g < groups; g++)
		lanes_begin(&s[g], jobs, LANES * g);
	for (unsigned int i = 0; i < jobs->nb_head; i++) {
		bool rare = i >= HASH_JOB_SOME_FROM && i < HASH_JOB_SOME_END;

		for (unsigned int g = 0; g < groups && (!rare || jobs->some != 0); g++) {
			words_t word = words_load(&jobs->head[i][LANES * g]);

			if (rare)
				lanes_word_some(
					&s[g], word, some_of_bits(jobs->some >> LANES * g), c);
			else
				lanes_word(&s[g], word, c);
		}
	}
	if (most == 0)
		for (unsigned int g = 0; g < groups; g++)
			lanes_word(&s[g], words_load(&jobs->last[LANES * g]), c);
	else
		for (unsigned int w = 0; w <= most; w += WORDS_AT_ONCE)
			for (unsigned int g = 0; g < groups; g++)
				lanes_data(&s[g], jobs, LANES * g, w, c);
	for (unsigned int g = 0; g < groups; g++)
		s[g].v2 = words_xor(s[g].v2, words_all(0xff));
	for (unsigned int i = 0; i < d; i++)
		for (unsigned int g = 0; g < groups; g++)
			lanes_round(&s[g]);
	for (unsigned int g = 0; g < groups; g++)
		words_store(&hash[LANES * g],
			words_xor(words_xor(s[g].v0, s[g].v1), words_xor(s[g].v2, s[g].v3)));
	for (unsigned int i = 0; i < jobs->nb; i++)
		*jobs->hash[i] = hash[i];
}

INLINE void all(struct hash_jobs *jobs, unsigned int c, unsigned int d)
{
	if (jobs->nb <= ALONE_MAX) {
		for (unsigned int i = 0; i < jobs->nb; i++)
			one(jobs, i, c, d);
		return;
	}
	// Lanes that are left over hash something, too.
	for (unsigned int i = jobs->nb; i < HASH_JOBS_MAX; i++) {
		jobs->key[i] = jobs->key[0];
		jobs->data[i] = jobs->data[0];
		jobs->nb_data[i] = 0;
	}
	if (jobs->nb <= LANES)
		side_by_side(jobs, 1, c, d);
	else
		side_by_side(jobs, GROUPS_MAX, c, d);
}
#else
INLINE void all(struct hash_jobs *jobs, unsigned int c, unsigned int d)
{
	for (unsigned int i = 0; i < jobs->nb; i++)
		one(jobs, i, c, d);
}
#endif

void hash_jobs_13(struct hash_jobs *jobs)
{
	all(jobs, 1, 3);
}

void hash_jobs_24(struct hash_jobs *jobs)
{
	all(jobs, 2, 4);
}
