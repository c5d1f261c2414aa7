// SPDX-License-Identifier: BSD-3-Clause
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stddef.h>
#include <stdint.h>

// What every benchmark prints: a table for people and, with a file name, an array of flat objects
//   {"bench": ..., "case": ..., "metric": ..., "value": number, "unit": ...}
// preceded by one with "bench": "host". Cases and metrics keep their names from release to release.

// Before report_open(): one more word about the host, for the file. Good for a few.
void report_host(const char *name, const char *value);
// Begin. json: file name, or NULL for the table only. Returns 0 or a negative errno.
int report_open(const char *bench, const char *json);
// The same without the heading of report_row()'s table, for a program that prints one of its own.
int report_open_plain(const char *bench, const char *json);
// Into the file only.
void report_value(const char *case_name, const char *metric, double value, const char *unit);
// Both.
void report_row(const char *case_name, const char *metric, double value, const char *unit);
// Finish both. Returns 0, or -EIO when the file could not be written.
int report_close(void);

// Nanoseconds that this thread has run: what else the machine does does not count.
uint64_t report_cpu_ns(void);
// The median; sorts in place.
double report_median(double *values, size_t nb);

#endif
