// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/hash_jobs.h"

#ifdef __AVX2__
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

INLINE void one(struct hash_jobs *jobs, unsigned int lane, unsigned int c, unsigned int d)
{
	struct siphash s = siphash_begin_words(jobs->key[0][lane], jobs->key[1][lane]);
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
	words_t low = words_load(&jobs->key[0][first]), high = words_load(&jobs->key[1][first]);

	s->v0 = words_xor(low, words_all(0x736f6d6570736575));
	s->v1 = words_xor(high, words_all(0x646f72616e646f6d));
	s->v2 = words_xor(low, words_all(0x6c7967656e657261));
	s->v3 = words_xor(high, words_all(0x7465646279746573));
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

// LANES jobs. A round waits for the one before it, so several runs go on step by step together.
struct run {
	struct lanes lanes;
	struct hash_jobs *jobs;
	unsigned int first; // job
	uint64_t most; // words of data
};

INLINE void run_begin(struct run *run, struct hash_jobs *jobs, unsigned int first)
{
	run->jobs = jobs;
	run->first = first;
	run->most = 0;
	for (unsigned int i = first; i < first + LANES; i++)
		run->most = jobs->nb_data[i] > run->most ? jobs->nb_data[i] : run->most;
	lanes_begin(&run->lanes, jobs, first);
}

// The i-th word before the data.
INLINE void run_head(struct run *run, unsigned int i, unsigned int c)
{
	const struct hash_jobs *jobs = run->jobs;
	words_t word = words_load(&jobs->head[i][run->first]);

	if (i >= jobs->nb_head)
		return;
	if (i < HASH_JOB_SOME_FROM || i >= HASH_JOB_SOME_END)
		lanes_word(&run->lanes, word, c);
	else if (jobs->some != 0)
		lanes_word_some(&run->lanes, word, some_of_bits(jobs->some >> run->first), c);
}

// The words from `w` on of the data, and the last one.
INLINE void run_data(struct run *run, uint64_t w, unsigned int c)
{
	if (run->most == 0 && w == 0)
		lanes_word(&run->lanes, words_load(&run->jobs->last[run->first]), c);
	else if (w <= run->most)
		lanes_data(&run->lanes, run->jobs, run->first, (unsigned int)w, c);
}

INLINE void run_end(struct run *run)
{
	const struct lanes *s = &run->lanes;
	uint64_t **to = &run->jobs->hash[run->first], hash[LANES];
	unsigned int nb = run->jobs->nb - run->first;

	words_store(hash, words_xor(words_xor(s->v0, s->v1), words_xor(s->v2, s->v3)));
	nb = nb < LANES ? nb : LANES;
	for (unsigned int i = 0; i < nb; i++)
		*to[i] = hash[i];
}

INLINE void side_by_side(struct run *runs, unsigned int nb, unsigned int c, unsigned int d)
{
	uint64_t most = 0;

	for (unsigned int r = 0; r < nb; r++)
		most = runs[r].most > most ? runs[r].most : most;
	for (unsigned int i = 0; i < HASH_JOB_HEAD_MAX; i++)
		for (unsigned int r = 0; r < nb; r++)
			run_head(&runs[r], i, c);
	for (uint64_t w = 0; w <= most; w += WORDS_AT_ONCE)
		for (unsigned int r = 0; r < nb; r++)
			run_data(&runs[r], w, c);
	for (unsigned int r = 0; r < nb; r++)
		runs[r].lanes.v2 = words_xor(runs[r].lanes.v2, words_all(0xff));
	for (unsigned int i = 0; i < d; i++)
		for (unsigned int r = 0; r < nb; r++)
			lanes_round(&runs[r].lanes);
	for (unsigned int r = 0; r < nb; r++)
		run_end(&runs[r]);
}

// Lanes that are left over hash something, too.
INLINE void fill_up(struct hash_jobs *jobs)
{
	for (unsigned int i = jobs->nb; i < HASH_JOBS_MAX; i++) {
		jobs->data[i] = jobs->data[0];
		jobs->nb_data[i] = 0;
	}
}

INLINE void all(struct hash_jobs *jobs, unsigned int c, unsigned int d)
{
	struct run runs[2];

	if (jobs->nb <= ALONE_MAX) {
		for (unsigned int i = 0; i < jobs->nb; i++)
			one(jobs, i, c, d);
		return;
	}
	fill_up(jobs);
	run_begin(&runs[0], jobs, 0);
	if (HASH_JOBS_MAX == LANES || jobs->nb <= LANES) {
		side_by_side(runs, 1, c, d);
	} else {
		run_begin(&runs[1], jobs, LANES);
		side_by_side(runs, 2, c, d);
	}
}

// Of two kinds.
INLINE void both(struct hash_jobs *a, struct hash_jobs *b, unsigned int c, unsigned int d)
{
	struct run runs[2];

	if (a->nb <= ALONE_MAX || b->nb <= ALONE_MAX || a->nb > LANES || b->nb > LANES) {
		all(a, c, d);
		all(b, c, d);
		return;
	}
	fill_up(a);
	fill_up(b);
	run_begin(&runs[0], a, 0);
	run_begin(&runs[1], b, 0);
	side_by_side(runs, 2, c, d);
}
#else
INLINE void all(struct hash_jobs *jobs, unsigned int c, unsigned int d)
{
	for (unsigned int i = 0; i < jobs->nb; i++)
		one(jobs, i, c, d);
}

INLINE void both(struct hash_jobs *a, struct hash_jobs *b, unsigned int c, unsigned int d)
{
	all(a, c, d);
	all(b, c, d);
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

void hash_jobs_24_both(struct hash_jobs *a, struct hash_jobs *b)
{
	both(a, b, 2, 4);
}
