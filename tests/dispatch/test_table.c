// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/table.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tests/dispatch/suite.h"

#define ROWS 262144
#define FEW_ROWS 1024
#define MOST 300
#define NONE UINT16_MAX

static uint16_t rows[ROWS * TABLE_CANDIDATES], other[ROWS * TABLE_CANDIDATES];
static struct table_backend all[1000];
static uint32_t random_state;

static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % limit;
}

static void setup(void)
{
	random_state = 20261121;
	for (unsigned int i = 0; i < 1000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "kam%u", i);
		all[i].name_hash = table_name_hash((const uint8_t *)"0123456789abcdef", name);
		all[i].weight = (uint16_t)(1 + random_below(256));
		all[i].index = (uint16_t)i;
	}
}

// One row the obvious way: all scores, best first.
static void plain_row(uint32_t nb, uint32_t row, uint16_t out[TABLE_CANDIDATES])
{
	bool taken[1000] = {false};

	for (int c = 0; c < TABLE_CANDIDATES; c++) {
		uint32_t best = nb;

		for (uint32_t i = 0; i < nb; i++) {
			uint64_t score = table_score(&all[i], row);

			if (taken[i] || all[i].weight == 0)
				continue;
			if (best == nb || score > table_score(&all[best], row) ||
				(score == table_score(&all[best], row) &&
					all[i].name_hash < all[best].name_hash))
				best = i;
		}
		out[c] = best == nb ? NONE : all[best].index;
		if (best < nb)
			taken[best] = true;
	}
}

START_TEST(rows_hold_the_highest_scores_in_order)
{
	static const uint32_t sizes[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 63, 300, 1000};
	uint32_t nb = sizes[_i];

	if (nb > 2)
		all[1].weight = 0;
	if (nb > 8)
		all[5].weight = UINT16_MAX;
	table_build(all, nb, rows, 512);
	for (uint32_t row = 0; row<512; row += nb> 100 ? 16 : 1) {
		uint16_t wanted[TABLE_CANDIDATES];

		plain_row(nb, row, wanted);
		ck_assert_mem_eq(rows + row * TABLE_CANDIDATES, wanted, sizeof(wanted));
	}
}
END_TEST

START_TEST(the_order_of_backends_does_not_matter)
{
	struct table_backend shuffled[MOST];

	memcpy(shuffled, all, sizeof(shuffled));
	for (uint32_t i = MOST - 1; i > 0; i--) {
		uint32_t j = random_below(i + 1);
		struct table_backend tmp = shuffled[i];

		shuffled[i] = shuffled[j];
		shuffled[j] = tmp;
	}
	table_build(all, MOST, rows, FEW_ROWS);
	table_build(shuffled, MOST, other, FEW_ROWS);
	ck_assert_mem_eq(rows, other, FEW_ROWS * TABLE_CANDIDATES * sizeof(rows[0]));
}
END_TEST

// The bits are part of the protocol between nodes: another version must not build others by
// accident.
START_TEST(the_bits_are_those_of_the_first_release)
{
	uint64_t hash = 1469598103934665603u;

	table_build(all, MOST, rows, FEW_ROWS);
	for (uint32_t i = 0; i < FEW_ROWS * TABLE_CANDIDATES; i++)
		hash = (hash ^ rows[i]) * 1099511628211u;
	ck_assert_uint_eq(hash, UINT64_C(11751135964324650287));
}
END_TEST

// For every number of backends: take some out, and see who moves.
START_TEST(removing_moves_only_what_the_removed_had)
{
	uint32_t nb = (uint32_t)_i, gone = 1 + random_below(nb);
	bool removed[MOST] = {false};
	struct table_backend left[MOST];
	uint32_t nb_left = 0;

	for (uint32_t i = 0; i < gone; i++)
		removed[random_below(nb)] = true;
	for (uint32_t i = 0; i < nb; i++)
		if (!removed[i])
			left[nb_left++] = all[i];
	table_build(all, nb, rows, FEW_ROWS);
	table_build(left, nb_left, other, FEW_ROWS);
	for (uint32_t row = 0; row < FEW_ROWS; row++) {
		const uint16_t *before = rows + row * TABLE_CANDIDATES;
		const uint16_t *after = other + row * TABLE_CANDIDATES;
		unsigned int kept = 0;

		// What stays keeps its order: the next candidate moves up.
		for (unsigned int c = 0; c < TABLE_CANDIDATES && before[c] != NONE; c++)
			if (!removed[before[c]])
				assert_each(after[kept++] == before[c]);
	}
}
END_TEST

START_TEST(a_changed_weight_moves_only_to_or_from_that_backend)
{
	uint32_t nb = 50, changed = 7;

	all[changed].weight = 100;
	table_build(all, nb, rows, FEW_ROWS);
	all[changed].weight = 150;
	table_build(all, nb, other, FEW_ROWS);
	for (uint32_t row = 0; row < FEW_ROWS; row++) {
		uint16_t before = rows[row * TABLE_CANDIDATES];
		uint16_t after = other[row * TABLE_CANDIDATES];

		assert_each(before == after || after == changed);
	}
}
END_TEST

static const uint32_t load_sizes[] = {1, 2, 3, 5, 8, 16, 32, 64, 100, 150, 200, 250, 300};

// Shares follow weights within what chance allows: 10 % where a backend has 2,500 rows, four
// standard deviations, which is 4/sqrt(rows), where it has fewer. `sipshunt check` says who has
// fewer.
START_TEST(load_follows_weight)
{
	uint32_t nb = load_sizes[_i], count[MOST] = {0}, nb_rows = table_rows(nb);
	double total = 0;

	for (uint32_t i = 0; i < nb; i++)
		total += all[i].weight;
	table_build(all, nb, rows, nb_rows);
	for (uint32_t row = 0; row < nb_rows; row++)
		count[rows[row * TABLE_CANDIDATES]]++;
	for (uint32_t i = 0; i < nb; i++) {
		double ideal = nb_rows * all[i].weight / total;
		double off = fabs(count[i] - ideal);

		ck_assert_msg(off <= (ideal >= 2500 ? 0.1 * ideal : 4 * sqrt(ideal) + 1),
			"%u of %u: %u, ideal %f", i, nb, count[i], ideal);
	}
}
END_TEST

START_TEST(equal_weights_are_within_ten_percent_up_to_a_hundred_backends)
{
	uint32_t count[100] = {0};

	for (int i = 0; i < 100; i++)
		all[i].weight = 100;
	table_build(all, 100, rows, ROWS);
	for (uint32_t row = 0; row < ROWS; row++)
		count[rows[row * TABLE_CANDIDATES]]++;
	for (int i = 0; i < 100; i++)
		ck_assert_uint_le((uint32_t)abs((int)count[i] - ROWS / 100), ROWS / 1000);
}
END_TEST

// The second choice is spread as evenly as the first: one dead backend does not double a neighbour.
START_TEST(the_load_of_a_lost_backend_is_spread)
{
	uint32_t first = 0, second[16] = {0};

	for (int i = 0; i < 16; i++)
		all[i].weight = 10;
	table_build(all, 16, rows, ROWS);
	for (uint32_t row = 0; row < ROWS; row++) {
		if (rows[row * TABLE_CANDIDATES] != 3)
			continue;
		first++;
		second[rows[row * TABLE_CANDIDATES + 1]]++;
	}
	for (int i = 0; i < 16; i++)
		if (i != 3)
			ck_assert_uint_le(second[i], first / 15 * 5 / 4);
}
END_TEST

START_TEST(a_comparison_counts_what_moves_and_what_must)
{
	static const uint32_t ids[] = {101, 102, 103, 104};
	static const uint16_t weights[] = {100, 100, 50, 100};
	struct table_view from = {rows, ROWS, ids, weights, 3, 0};
	struct table_view to = {other, ROWS, ids, weights, 4, 0};
	struct table_diff diff;

	for (int i = 0; i < 4; i++)
		all[i].weight = weights[i];
	table_build(all, 3, rows, ROWS);
	table_build(all, 4, other, ROWS);
	diff = table_compare(&from, &to);
	ck_assert_uint_eq(diff.rows, ROWS);
	ck_assert_double_eq_tol(diff.ideal, 100.0 / 350, 1e-9);
	ck_assert_double_eq_tol((double)diff.moved / diff.rows, diff.ideal, 0.005);
	diff = table_compare(&from, &from);
	ck_assert_uint_eq(diff.moved, 0);
	ck_assert_double_eq_tol(diff.ideal, 0, 1e-9);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("table");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, rows_hold_the_highest_scores_in_order, 0, 13);
	tcase_add_test(tc, the_order_of_backends_does_not_matter);
	tcase_add_test(tc, the_bits_are_those_of_the_first_release);
	tcase_add_loop_test(tc, removing_moves_only_what_the_removed_had, 1, MOST + 1);
	tcase_add_test(tc, a_changed_weight_moves_only_to_or_from_that_backend);
	tcase_add_loop_test(tc, load_follows_weight, 0, sizeof(load_sizes) / sizeof(load_sizes[0]));
	tcase_add_test(tc, equal_weights_are_within_ten_percent_up_to_a_hundred_backends);
	tcase_add_test(tc, the_load_of_a_lost_backend_is_spread);
	tcase_add_test(tc, a_comparison_counts_what_moves_and_what_must);
	return run_suite("table", tc);
}
