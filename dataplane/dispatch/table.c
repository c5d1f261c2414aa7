// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "dataplane/dispatch/siphash.h"

#define TABLE_ROWS 262144
#define TABLE_BACKENDS_MAX 4096
#define NONE UINT16_MAX
#define NUMBER_MASK (TABLE_BACKENDS_MAX - 1)
#define NOBODY ((uint64_t)INT64_MAX) // later than any wait

// A backend draws a number u in (0, 1) for every row and waits -log2(u) / weight: the shortest wait
// wins, which gives each backend its weight's share, and a backend that goes leaves everybody
// else's wait as it was. All of it in integers: floating point is not the same on every machine.

enum {
	LOG_FRACTION = 26, // bits after the point of a logarithm
	LOG_INDEX = 10, // bits that choose a table entry
	LOG_REST = 31 - LOG_INDEX, // bits that interpolate
	// 2^-18 times this is just below 2^26 / (ln 2 * 2^32): see least_wait().
	BOUND_FACTOR = 5908,
	BOUND_SHIFT = 18,
};

static const uint32_t log_table[(1 << LOG_INDEX) + 1] = {
#include "dataplane/dispatch/table_log2.inc"
};

static inline uint32_t mix_row(uint32_t row)
{
	row += 0x9e3779b9;
	row = (row ^ row >> 16) * 0x7feb352d;
	row = (row ^ row >> 15) * 0x846ca68b;
	return row ^ row >> 16;
}

// The number that a backend draws in a row, as 32 bits after the point.
static inline uint32_t draw(uint32_t mixed_row, uint32_t key0, uint32_t key1)
{
	uint32_t x = mixed_row ^ key0;

	x = (x ^ x >> 16) * 0x7feb352d + key1;
	x = (x ^ x >> 15) * 0x846ca68b;
	return x ^ x >> 16;
}

// -log2(drawn / 2^32): the table's chords lie above the curve, so this is never too small.
static inline uint32_t minus_log2(uint32_t drawn)
{
	uint32_t zeros, mantissa, entry, rest;

	drawn |= drawn == 0;
	zeros = (uint32_t)__builtin_clz(drawn);
	mantissa = drawn << zeros & INT32_MAX;
	entry = mantissa >> LOG_REST;
	rest = mantissa & ((1u << LOG_REST) - 1);
	return (zeros << LOG_FRACTION) + log_table[entry] -
		(uint32_t)((uint64_t)(log_table[entry] - log_table[entry + 1]) * rest >> LOG_REST);
}

static inline uint32_t inverse_of(uint16_t weight)
{
	return ((UINT32_C(1) << 31) + weight / 2u) / weight;
}

// All backends that draw as one array a field, for vectors. In the order of their name_hash, so
// that of two equal waits the first one met is the right one.
struct drawers {
	uint32_t nb;
	uint32_t key0[TABLE_BACKENDS_MAX]; // the two halves of name_hash
	uint32_t key1[TABLE_BACKENDS_MAX];
	uint32_t inverse[TABLE_BACKENDS_MAX]; // 2^31 / weight
	uint32_t bound[TABLE_BACKENDS_MAX]; // inverse for may_enter()
	uint16_t index[TABLE_BACKENDS_MAX];
};

// A wait with the drawer's number in its low bits: one comparison orders both.
static inline uint64_t place_of(uint32_t drawn, uint32_t inverse, uint32_t number)
{
	return ((uint64_t)minus_log2(drawn) * inverse & ~(uint64_t)NUMBER_MASK) | number;
}

// Keep the lowest places, in order. Without a jump: who gets in is as good as random.
static inline void top_insert(uint64_t top[TABLE_CANDIDATES], uint64_t place)
{
	for (int i = 0; i < TABLE_CANDIDATES; i++) {
		uint64_t low = place < top[i] ? place : top[i];

		place = place < top[i] ? top[i] : place;
		top[i] = low;
	}
}

#define GROUP 8

// A bit for each of the next GROUP drawers that may wait no longer than `worst`. -log2(u) is at
// least (1 - u) / ln 2, which takes no logarithm and is close where it matters, at u near 1.
static inline unsigned int may_enter(
	const struct drawers *all, uint32_t first, uint32_t mixed_row, uint64_t worst)
{
	unsigned int mask = 0;

	for (uint32_t i = 0; i < GROUP; i++) {
		uint32_t drawn = draw(mixed_row, all->key0[first + i], all->key1[first + i]);

		mask |= (unsigned int)((uint64_t)~drawn * all->bound[first + i] <= worst) << i;
	}
	return mask;
}

// `filter` is a constant in each of the two callers.
static inline __attribute__((always_inline)) void fill_row(const struct drawers *all, uint32_t row,
	uint16_t *out, unsigned int (*filter)(const struct drawers *, uint32_t, uint32_t, uint64_t))
{
	uint64_t top[TABLE_CANDIDATES] = {NOBODY, NOBODY, NOBODY, NOBODY};
	uint32_t mixed = mix_row(row);

	for (uint32_t first = 0; first < all->nb; first += GROUP) {
		unsigned int mask = filter(all, first, mixed, top[TABLE_CANDIDATES - 1]);

		if (all->nb - first < GROUP)
			mask &= (1u << (all->nb - first)) - 1;
		for (; mask != 0; mask &= mask - 1) {
			uint32_t i = first + (uint32_t)__builtin_ctz(mask);
			uint32_t drawn = draw(mixed, all->key0[i], all->key1[i]);

			top_insert(top, place_of(drawn, all->inverse[i], i));
		}
	}
	for (int i = 0; i < TABLE_CANDIDATES; i++)
		out[i] = top[i] == NOBODY ? NONE : all->index[top[i] & NUMBER_MASK];
}

static void fill_rows(const struct drawers *all, uint16_t *rows, uint32_t nb_rows)
{
	for (uint32_t row = 0; row < nb_rows; row++)
		fill_row(all, row, rows + (size_t)row * TABLE_CANDIDATES, may_enter);
}

#ifdef __x86_64__
#define AVX2 __attribute__((target("avx2")))

// may_enter() with eight drawers in a vector: the same bits.
AVX2 static inline unsigned int may_enter_avx2(
	const struct drawers *all, uint32_t first, uint32_t mixed_row, uint64_t worst)
{
	__m256i x = _mm256_xor_si256(_mm256_set1_epi32((int)mixed_row),
		_mm256_loadu_si256((const __m256i *)(all->key0 + first)));
	__m256i bound = _mm256_loadu_si256((const __m256i *)(all->bound + first));
	__m256i limit = _mm256_set1_epi64x((long long)worst);
	__m256i even, odd;
	unsigned int low, high;

	x = _mm256_xor_si256(x, _mm256_srli_epi32(x, 16));
	x = _mm256_mullo_epi32(x, _mm256_set1_epi32(0x7feb352d));
	x = _mm256_add_epi32(x, _mm256_loadu_si256((const __m256i *)(all->key1 + first)));
	x = _mm256_xor_si256(x, _mm256_srli_epi32(x, 15));
	x = _mm256_mullo_epi32(x, _mm256_set1_epi32((int)0x846ca68b));
	x = _mm256_xor_si256(x, _mm256_srli_epi32(x, 16));
	x = _mm256_xor_si256(x, _mm256_set1_epi32(-1));

	even = _mm256_mul_epu32(x, bound);
	odd = _mm256_mul_epu32(_mm256_srli_epi64(x, 32), _mm256_srli_epi64(bound, 32));
	// Products are below 2^63, so signed comparisons will do.
	even = _mm256_cmpgt_epi64(even, limit);
	odd = _mm256_cmpgt_epi64(odd, limit);
	low = (unsigned int)_mm256_movemask_epi8(even) & 0x01010101;
	high = (unsigned int)_mm256_movemask_epi8(odd) & 0x01010101;
	// Bits 0, 8, 16, 24 of low are drawers 0, 2, 4, 6; of high 1, 3, 5, 7.
	low |= high << 1;
	low = (low | low >> 6) & 0x000f000f;
	return ~(low | low >> 12) & 0xff;
}

AVX2 static void fill_rows_avx2(const struct drawers *all, uint16_t *rows, uint32_t nb_rows)
{
	for (uint32_t row = 0; row < nb_rows; row++)
		fill_row(all, row, rows + (size_t)row * TABLE_CANDIDATES, may_enter_avx2);
}
#endif

uint32_t table_rows(uint32_t nb_backends)
{
	(void)nb_backends;
	return TABLE_ROWS;
}

uint64_t table_name_hash(const uint8_t table_key[16], const char *name)
{
	return siphash13(table_key, name, strlen(name));
}

uint64_t table_score(const struct table_backend *backend, uint32_t row)
{
	uint32_t drawn;

	if (backend->weight == 0)
		return 0;
	drawn = draw(
		mix_row(row), (uint32_t)backend->name_hash, (uint32_t)(backend->name_hash >> 32));
	return UINT64_MAX - place_of(drawn, inverse_of(backend->weight), 0);
}

static int compare_names(const void *a, const void *b)
{
	const struct table_backend *const *x = a, *const *y = b;

	return ((*x)->name_hash > (*y)->name_hash) - ((*x)->name_hash < (*y)->name_hash);
}

void table_build(const struct table_backend *backends, uint32_t nb_backends, uint16_t *rows,
	uint32_t nb_rows)
{
	const struct table_backend *sorted[TABLE_BACKENDS_MAX];
	struct drawers all = {.nb = 0};

	for (uint32_t i = 0; i < nb_backends && all.nb < TABLE_BACKENDS_MAX; i++)
		if (backends[i].weight > 0)
			sorted[all.nb++] = &backends[i];
	qsort(sorted, all.nb, sizeof(sorted[0]), compare_names);
	for (uint32_t i = 0; i < all.nb; i++) {
		all.key0[i] = (uint32_t)sorted[i]->name_hash;
		all.key1[i] = (uint32_t)(sorted[i]->name_hash >> 32);
		all.inverse[i] = inverse_of(sorted[i]->weight);
		all.bound[i] = (uint32_t)((uint64_t)all.inverse[i] * BOUND_FACTOR >> BOUND_SHIFT);
		all.index[i] = sorted[i]->index;
	}
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2")) {
		fill_rows_avx2(&all, rows, nb_rows);
		return;
	}
#endif
	fill_rows(&all, rows, nb_rows);
}

static double total_weight(const struct table_view *view)
{
	double total = 0;

	for (uint32_t i = 0; i < view->nb_backends; i++)
		total += view->weights[i];
	return total;
}

static double share_of(const struct table_view *view, uint32_t id, double total)
{
	for (uint32_t i = 0; i < view->nb_backends; i++)
		if (view->ids[i] == id)
			return view->weights[i] / total;
	return 0;
}

// The id of the first candidate of a row of this view's own size; 0: none.
static uint32_t first_id(const struct table_view *view, uint32_t row)
{
	uint16_t index = view->rows[(size_t)(row & (view->nb_rows - 1)) * TABLE_CANDIDATES];

	if (index == NONE || index < view->first ||
		(uint32_t)(index - view->first) >= view->nb_backends)
		return 0;
	return view->ids[index - view->first];
}

struct table_diff table_compare(const struct table_view *from, const struct table_view *to)
{
	struct table_diff diff = {0};
	double before = total_weight(from), after = total_weight(to);

	if (from->nb_rows == 0 || to->nb_rows == 0)
		return diff;
	diff.rows = from->nb_rows > to->nb_rows ? from->nb_rows : to->nb_rows;
	for (uint32_t row = 0; row < diff.rows; row++)
		diff.moved += first_id(from, row) != first_id(to, row);

	if (before <= 0 || after <= 0) {
		diff.ideal = before <= 0 && after <= 0 ? 0 : 1;
		return diff;
	}
	for (uint32_t i = 0; i < to->nb_backends; i++) {
		double growth = to->weights[i] / after - share_of(from, to->ids[i], before);

		if (growth > 0)
			diff.ideal += growth;
	}
	return diff;
}
