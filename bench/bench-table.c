// SPDX-License-Identifier: BSD-3-Clause

// Build time, balance and disruption of the rendezvous table.

#include <getopt.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/report.h"
#include "dataplane/dispatch/table.h"

#define BACKENDS_MAX 1000

static struct table_backend all[BACKENDS_MAX];
static uint16_t *rows, *other;
static uint32_t nb_rows;

// The largest share of a backend over what its weight asks for.
static double largest_share(uint32_t nb)
{
	uint32_t count[BACKENDS_MAX] = {0};
	double total = 0, largest = 0;

	for (uint32_t i = 0; i < nb; i++)
		total += all[i].weight;
	for (uint32_t row = 0; row < nb_rows; row++)
		count[rows[(size_t)row * TABLE_CANDIDATES]]++;
	for (uint32_t i = 0; i < nb; i++)
		largest = fmax(largest, count[i] / (nb_rows * all[i].weight / total));
	return largest;
}

// The share of rows that change their first candidate without need when backend 0 leaves.
static double needless(uint32_t nb)
{
	uint32_t moved = 0;

	table_build(all + 1, nb - 1, other, nb_rows);
	for (uint32_t row = 0; row < nb_rows; row++)
		moved += rows[(size_t)row * TABLE_CANDIDATES] != 0 &&
			rows[(size_t)row * TABLE_CANDIDATES] !=
				other[(size_t)row * TABLE_CANDIDATES];
	return (double)moved / nb_rows;
}

static void bench_size(uint32_t nb, unsigned int rounds, bool weighted)
{
	double *times = calloc(rounds, sizeof(double));
	char name[32];

	for (uint32_t i = 0; i < nb; i++)
		all[i].weight = (uint16_t)(weighted ? 1 + i * 7919 % 256 : 100);
	for (unsigned int r = 0; r < rounds; r++) {
		uint64_t start = report_cpu_ns();

		table_build(all, nb, rows, nb_rows);
		times[r] = (double)(report_cpu_ns() - start) / 1e6;
	}
	snprintf(name, sizeof(name), "%u-backends%s", nb, weighted ? "-weighted" : "");
	report_row(name, "build", report_median(times, rounds), "ms");
	report_row(name, "largest share over ideal", largest_share(nb), "ratio");
	if (nb > 1)
		report_row(name, "needless moves", needless(nb), "ratio");
	free(times);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {{"json", required_argument, NULL, 'j'},
		{"rounds", required_argument, NULL, 'r'}, {NULL, 0, NULL, 0}};
	static const uint32_t sizes[] = {1, 8, 16, 64, 100, 300, 1000};
	unsigned int rounds = 5;
	const char *json = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'j')
			json = optarg;
		else if (c == 'r' && atoi(optarg) > 0)
			rounds = (unsigned int)atoi(optarg);
		else {
			fprintf(stderr, "usage: bench-table [--json FILE] [--rounds N]\n");
			return 2;
		}
	}
	nb_rows = table_rows(1);
	rows = calloc((size_t)nb_rows * TABLE_CANDIDATES, sizeof(*rows));
	other = calloc((size_t)nb_rows * TABLE_CANDIDATES, sizeof(*other));
	if (rows == NULL || other == NULL || report_open("table", json) != 0)
		return 1;
	for (uint32_t i = 0; i < BACKENDS_MAX; i++) {
		char name[16];

		snprintf(name, sizeof(name), "kam%u", i);
		all[i].name_hash = table_name_hash((const uint8_t *)"0123456789abcdef", name);
		all[i].index = (uint16_t)i;
	}
	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		bench_size(sizes[i], rounds, false);
		bench_size(sizes[i], rounds, true);
	}
	free(rows);
	free(other);
	return report_close() == 0 ? 0 : 1;
}
