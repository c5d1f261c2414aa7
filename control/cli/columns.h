// SPDX-License-Identifier: BSD-3-Clause
#ifndef CLI_COLUMNS_H
#define CLI_COLUMNS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

// A table for people: aligned, one line a row. Without its header it is for scripts: cells are
// separated by one tab, and columns keep their order from release to release.
//
// Memory that runs out is remembered; columns_print() tells.
struct column {
	const char *title; // printable ASCII
	bool right; // numbers
};

struct columns;

struct columns *columns_create(const struct column *columns, unsigned int nb_columns);
void columns_destroy(struct columns *columns);

// Add the next cell, row by row. What is not printable is escaped; NULL and "" print as "-".
void columns_add(struct columns *columns, const char *text);
void columns_addf(struct columns *columns, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

// Print and return 0, or -ENOMEM and nothing was printed.
int columns_print(const struct columns *columns, FILE *out, bool header);

#endif
