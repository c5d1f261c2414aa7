// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_METRICS_TEXT_H
#define CONTROL_METRICS_TEXT_H

#include <stdint.h>

// Writes the text format of Prometheus (version 0.0.4) into a buffer. The caller keeps the rules
// that are not about octets: all samples of a family together, every series there from the start.

struct evbuffer;

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

// Pairs of name and value, NULL-terminated: METRICS_LABELS("service", name).
#define METRICS_LABELS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define METRICS_NO_LABELS ((const char *const[]){NULL})

// "# HELP" and "# TYPE": counter, gauge or histogram. The name goes without "sipshunt_".
void metrics_text_family(
	struct evbuffer *out, const char *name, const char *type, const char *help);

void metrics_text_count(
	struct evbuffer *out, const char *name, const char *const *labels, uint64_t value);
void metrics_text_value(
	struct evbuffer *out, const char *name, const char *const *labels, double value);

struct metrics_histogram {
	const double *bounds; // upper ones, ascending, without +Inf
	const uint64_t *counts; // not cumulative; one more than bounds
	uint32_t nb_bounds;
	double sum;
};

void metrics_text_histogram(struct evbuffer *out, const char *name, const char *const *labels,
	const struct metrics_histogram *histogram);

#endif
