// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/hash_jobs.h"

#ifdef __AVX2__
#include <immintrin.h>
#endif

static inline __attribute__((always_inline)) void one(
	const struct hash_job *job, unsigned int c, unsigned int d)
{
	struct siphash s = siphash_begin(job->key);

	for (unsigned int i = 0; i < job->nb; i++)
		siphash_word(&s, job->words[i], c);
	s.v2 ^= 0xff;
	siphash_rounds(&s, d);
	*job->hash = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

#ifdef __AVX512VL__
#define ALONE_MAX 1 // that many are faster one by one

// Eight hashes, one to each 64-bit lane.
struct lanes {
	__m512i v0, v1, v2, v3;
};

static inline __attribute__((always_inline)) void lanes_round(struct lanes *s)
{
	s->v0 = _mm512_add_epi64(s->v0, s->v1);
	s->v2 = _mm512_add_epi64(s->v2, s->v3);
	s->v1 = _mm512_xor_si512(_mm512_rol_epi64(s->v1, 13), s->v0);
	s->v3 = _mm512_xor_si512(_mm512_rol_epi64(s->v3, 16), s->v2);
	s->v0 = _mm512_add_epi64(_mm512_rol_epi64(s->v0, 32), s->v3);
	s->v2 = _mm512_add_epi64(s->v2, s->v1);
	s->v3 = _mm512_xor_si512(_mm512_rol_epi64(s->v3, 21), s->v0);
	s->v1 = _mm512_xor_si512(_mm512_rol_epi64(s->v1, 17), s->v2);
	s->v2 = _mm512_rol_epi64(s->v2, 32);
}

// Four words of each of two jobs that are four lanes apart.
static inline __attribute__((always_inline)) __m512i two_jobs(
	struct hash_job *const *j, unsigned int w)
{
	return _mm512_inserti64x4(
		_mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)&j[0]->words[w])),
		_mm256_loadu_si256((const __m256i *)&j[4]->words[w]), 1);
}

// Four neighbouring words of eight jobs, each word's eight in one vector.
static inline __attribute__((always_inline)) void gather(
	struct hash_job *const jobs[HASH_JOBS_MAX], unsigned int w, __m512i words[4])
{
	const __m512i lower = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
	const __m512i upper = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
	__m512i a = two_jobs(jobs, w), b = two_jobs(jobs + 1, w), c = two_jobs(jobs + 2, w),
		d = two_jobs(jobs + 3, w);
	__m512i even_ab = _mm512_unpacklo_epi64(a, b), even_cd = _mm512_unpacklo_epi64(c, d);
	__m512i odd_ab = _mm512_unpackhi_epi64(a, b), odd_cd = _mm512_unpackhi_epi64(c, d);

	words[0] = _mm512_permutex2var_epi64(even_ab, lower, even_cd);
	words[1] = _mm512_permutex2var_epi64(odd_ab, lower, odd_cd);
	words[2] = _mm512_permutex2var_epi64(even_ab, upper, even_cd);
	words[3] = _mm512_permutex2var_epi64(odd_ab, upper, odd_cd);
}

static inline __attribute__((always_inline)) void lanes_word(
	struct lanes *s, __m512i word, unsigned int c)
{
	s->v3 = _mm512_xor_si512(s->v3, word);
	for (unsigned int i = 0; i < c; i++)
		lanes_round(s);
	s->v0 = _mm512_xor_si512(s->v0, word);
}

// Take in a word; lanes that have had all of theirs stay as they are.
static inline __attribute__((always_inline)) void lanes_word_if(
	struct lanes *s, __m512i word, __mmask8 more, unsigned int c)
{
	struct lanes before = *s;

	lanes_word(s, word, c);
	s->v0 = _mm512_mask_mov_epi64(before.v0, more, s->v0);
	s->v1 = _mm512_mask_mov_epi64(before.v1, more, s->v1);
	s->v2 = _mm512_mask_mov_epi64(before.v2, more, s->v2);
	s->v3 = _mm512_mask_mov_epi64(before.v3, more, s->v3);
}

static inline __attribute__((always_inline)) struct lanes lanes_begin(
	const struct hash_jobs *jobs, struct hash_job *const j[HASH_JOBS_MAX])
{
	__m512i k0, k1;

	if (jobs->keys == 0) {
		k0 = _mm512_set1_epi64((long long)load64(j[0]->key));
		k1 = _mm512_set1_epi64((long long)load64(j[0]->key + 8));
	} else {
		uint64_t keys[2][HASH_JOBS_MAX];

		for (unsigned int i = 0; i < HASH_JOBS_MAX; i++) {
			keys[0][i] = load64(j[i]->key);
			keys[1][i] = load64(j[i]->key + 8);
		}
		k0 = _mm512_loadu_si512(keys[0]);
		k1 = _mm512_loadu_si512(keys[1]);
	}
	return (struct lanes){
		.v0 = _mm512_xor_si512(k0, _mm512_set1_epi64(0x736f6d6570736575)),
		.v1 = _mm512_xor_si512(k1, _mm512_set1_epi64(0x646f72616e646f6d)),
		.v2 = _mm512_xor_si512(k0, _mm512_set1_epi64(0x6c7967656e657261)),
		.v3 = _mm512_xor_si512(k1, _mm512_set1_epi64(0x7465646279746573)),
	};
}

static inline __attribute__((always_inline)) void side_by_side(
	struct hash_jobs *jobs, unsigned int c, unsigned int d)
{
	struct hash_job *j[HASH_JOBS_MAX];
	uint64_t hash[HASH_JOBS_MAX];
	struct lanes s;
	__m256i nb;

	// Lanes that are left over do the first job once more.
	for (unsigned int i = 0; i < HASH_JOBS_MAX; i++)
		j[i] = &jobs->jobs[i < jobs->nb ? i : 0];
	nb = _mm256_setr_epi32((int)j[0]->nb, (int)j[1]->nb, (int)j[2]->nb, (int)j[3]->nb,
		(int)j[4]->nb, (int)j[5]->nb, (int)j[6]->nb, (int)j[7]->nb);
	s = lanes_begin(jobs, j);
	for (unsigned int w = 0; w < jobs->most; w += 4) {
		__m512i words[4];

		gather(j, w, words);
		for (unsigned int i = 0; i < 4 && w + i < jobs->most; i++) {
			if (w + i < jobs->least)
				lanes_word(&s, words[i], c);
			else
				lanes_word_if(&s, words[i],
					_mm256_cmpgt_epi32_mask(
						nb, _mm256_set1_epi32((int)(w + i))),
					c);
		}
	}
	s.v2 = _mm512_xor_si512(s.v2, _mm512_set1_epi64(0xff));
	for (unsigned int i = 0; i < d; i++)
		lanes_round(&s);
	_mm512_storeu_si512(
		hash, _mm512_xor_si512(_mm512_xor_si512(s.v0, s.v1), _mm512_xor_si512(s.v2, s.v3)));
	for (unsigned int i = 0; i < jobs->nb; i++)
		*jobs->jobs[i].hash = hash[i];
}

static inline __attribute__((always_inline)) void all(
	struct hash_jobs *jobs, unsigned int c, unsigned int d)
{
	if (jobs->nb > ALONE_MAX)
		side_by_side(jobs, c, d);
	else if (jobs->nb > 0)
		one(&jobs->jobs[0], c, d);
}
#elif defined(__AVX2__)
#define LANES 4
#define ALONE_MAX 2 // that many are faster one by one

// Four hashes, one to each 64-bit lane.
struct lanes {
	__m256i v0, v1, v2, v3;
};

static inline __attribute__((always_inline)) __m256i rotl(__m256i x, int bits)
{
	return _mm256_or_si256(_mm256_slli_epi64(x, bits), _mm256_srli_epi64(x, 64 - bits));
}

static inline __attribute__((always_inline)) __m256i rotl16(__m256i x)
{
	return _mm256_shuffle_epi8(x,
		_mm256_setr_epi8(6, 7, 0, 1, 2, 3, 4, 5, 14, 15, 8, 9, 10, 11, 12, 13, 6, 7, 0, 1,
			2, 3, 4, 5, 14, 15, 8, 9, 10, 11, 12, 13));
}

static inline __attribute__((always_inline)) __m256i rotl32(__m256i x)
{
	return _mm256_shuffle_epi32(x, 0xb1);
}

static inline __attribute__((always_inline)) void lanes_round(struct lanes *s)
{
	s->v0 = _mm256_add_epi64(s->v0, s->v1);
	s->v2 = _mm256_add_epi64(s->v2, s->v3);
	s->v1 = _mm256_xor_si256(rotl(s->v1, 13), s->v0);
	s->v3 = _mm256_xor_si256(rotl16(s->v3), s->v2);
	s->v0 = _mm256_add_epi64(rotl32(s->v0), s->v3);
	s->v2 = _mm256_add_epi64(s->v2, s->v1);
	s->v3 = _mm256_xor_si256(rotl(s->v3, 21), s->v0);
	s->v1 = _mm256_xor_si256(rotl(s->v1, 17), s->v2);
	s->v2 = rotl32(s->v2);
}

// Two neighbouring words of four jobs, each word's four in one vector.
static inline __attribute__((always_inline)) void gather(
	const void *const at[LANES], __m256i *first, __m256i *second)
{
	__m256i even = _mm256_inserti128_si256(
		_mm256_castsi128_si256(_mm_loadu_si128(at[0])), _mm_loadu_si128(at[2]), 1);
	__m256i odd = _mm256_inserti128_si256(
		_mm256_castsi128_si256(_mm_loadu_si128(at[1])), _mm_loadu_si128(at[3]), 1);

	*first = _mm256_unpacklo_epi64(even, odd);
	*second = _mm256_unpackhi_epi64(even, odd);
}

static inline __attribute__((always_inline)) __m256i blend(__m256i no, __m256i yes, __m256i which)
{
	return _mm256_blendv_epi8(no, yes, which);
}

// Take in a word; lanes that have had all of theirs stay as they are.
static inline __attribute__((always_inline)) void lanes_word(
	struct lanes *s, __m256i word, unsigned int c)
{
	s->v3 = _mm256_xor_si256(s->v3, word);
	for (unsigned int i = 0; i < c; i++)
		lanes_round(s);
	s->v0 = _mm256_xor_si256(s->v0, word);
}

static inline __attribute__((always_inline)) void lanes_word_if(
	struct lanes *s, __m256i word, __m256i more, unsigned int c)
{
	struct lanes before = *s;

	lanes_word(s, word, c);
	s->v0 = blend(before.v0, s->v0, more);
	s->v1 = blend(before.v1, s->v1, more);
	s->v2 = blend(before.v2, s->v2, more);
	s->v3 = blend(before.v3, s->v3, more);
}

// `groups` times four jobs at once. at[i] are the jobs' words, in order.
static inline __attribute__((always_inline)) void side_by_side(
	struct hash_job *const jobs[], unsigned int groups, unsigned int c, unsigned int d)
{
	struct lanes s[2];
	__m256i nb[2];
	unsigned int least = HASH_JOB_WORDS, most = 0, w = 0;

	for (unsigned int g = 0; g < groups; g++) {
		struct hash_job *const *j = jobs + LANES * g;
		const void *keys[LANES] = {j[0]->key, j[1]->key, j[2]->key, j[3]->key};
		__m256i k0, k1;

		gather(keys, &k0, &k1);
		s[g].v0 = _mm256_xor_si256(k0, _mm256_set1_epi64x(0x736f6d6570736575));
		s[g].v1 = _mm256_xor_si256(k1, _mm256_set1_epi64x(0x646f72616e646f6d));
		s[g].v2 = _mm256_xor_si256(k0, _mm256_set1_epi64x(0x6c7967656e657261));
		s[g].v3 = _mm256_xor_si256(k1, _mm256_set1_epi64x(0x7465646279746573));
		nb[g] = _mm256_setr_epi64x(j[0]->nb, j[1]->nb, j[2]->nb, j[3]->nb);
		for (unsigned int i = 0; i < LANES; i++) {
			least = j[i]->nb < least ? j[i]->nb : least;
			most = j[i]->nb > most ? j[i]->nb : most;
		}
	}
	for (; w < most; w += 2) {
		__m256i m[2][2];

		for (unsigned int g = 0; g < groups; g++) {
			struct hash_job *const *j = jobs + LANES * g;
			const void *at[LANES] = {
				&j[0]->words[w], &j[1]->words[w], &j[2]->words[w], &j[3]->words[w]};

			gather(at, &m[g][0], &m[g][1]);
		}
		if (w + 2 <= least) {
			for (unsigned int i = 0; i < 2; i++)
				for (unsigned int g = 0; g < groups; g++)
					lanes_word(&s[g], m[g][i], c);
			continue;
		}
		for (unsigned int i = 0; i < 2; i++)
			for (unsigned int g = 0; g < groups; g++)
				lanes_word_if(&s[g], m[g][i],
					_mm256_cmpgt_epi64(nb[g], _mm256_set1_epi64x(w + i)), c);
	}
	for (unsigned int g = 0; g < groups; g++)
		s[g].v2 = _mm256_xor_si256(s[g].v2, _mm256_set1_epi64x(0xff));
	for (unsigned int i = 0; i < d; i++)
		for (unsigned int g = 0; g < groups; g++)
			lanes_round(&s[g]);
	for (unsigned int g = 0; g < groups; g++) {
		uint64_t hash[LANES];

		_mm256_storeu_si256((__m256i *)hash,
			_mm256_xor_si256(_mm256_xor_si256(s[g].v0, s[g].v1),
				_mm256_xor_si256(s[g].v2, s[g].v3)));
		for (unsigned int i = 0; i < LANES; i++)
			*jobs[LANES * g + i]->hash = hash[i];
	}
}

static inline __attribute__((always_inline)) void all(
	struct hash_jobs *jobs, unsigned int c, unsigned int d)
{
	struct hash_job *j[HASH_JOBS_MAX];

	if (jobs->nb <= ALONE_MAX) {
		for (unsigned int i = 0; i < jobs->nb; i++)
			one(&jobs->jobs[i], c, d);
		return;
	}
	// Lanes that are left over do the first job once more.
	for (unsigned int i = 0; i < HASH_JOBS_MAX; i++)
		j[i] = &jobs->jobs[i < jobs->nb ? i : 0];
	if (jobs->nb <= LANES)
		side_by_side(j, 1, c, d);
	else
		side_by_side(j, 2, c, d);
}
#else
static inline __attribute__((always_inline)) void all(
	struct hash_jobs *jobs, unsigned int c, unsigned int d)
{
	for (unsigned int i = 0; i < jobs->nb; i++)
		one(&jobs->jobs[i], c, d);
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
