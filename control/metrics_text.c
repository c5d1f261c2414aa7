// SPDX-License-Identifier: BSD-3-Clause
#include "control/metrics_text.h"

#include <event2/buffer.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void metrics_text_family(struct evbuffer *out, const char *name, const char *type, const char *help)
{
	evbuffer_add_printf(
		out, "# HELP sipshunt_%s %s\n# TYPE sipshunt_%s %s\n", name, help, name, type);
}

// Backslash, quote and line end are escaped.
static void add_label(struct evbuffer *out, const char *name, const char *value)
{
	evbuffer_add_printf(out, "%s=\"", name);
	for (;;) {
		size_t plain = strcspn(value, "\\\"\n");

		evbuffer_add(out, value, plain);
		value += plain;
		if (*value == '\0')
			break;
		evbuffer_add_printf(out, "\\%c", *value == '\n' ? 'n' : *value);
		value++;
	}
	evbuffer_add(out, "\"", 1);
}

// `le`: NULL unless it is a bucket.
static void add_labels(struct evbuffer *out, const char *const *labels, const char *le)
{
	const char *before = "{";

	for (; labels[0] != NULL; labels += 2) {
		evbuffer_add_printf(out, "%s", before);
		add_label(out, labels[0], labels[1]);
		before = ",";
	}
	if (le != NULL) {
		evbuffer_add_printf(out, "%sle=\"%s\"", before, le);
		before = ",";
	}
	if (*before == ',')
		evbuffer_add(out, "}", 1);
	evbuffer_add(out, " ", 1);
}

static void add_number(struct evbuffer *out, double value)
{
	if (isnan(value))
		evbuffer_add_printf(out, "NaN\n");
	else if (isinf(value))
		evbuffer_add_printf(out, "%sInf\n", value > 0 ? "+" : "-");
	else
		evbuffer_add_printf(out, "%.15g\n", value);
}

void metrics_text_count(
	struct evbuffer *out, const char *name, const char *const *labels, uint64_t value)
{
	evbuffer_add_printf(out, "sipshunt_%s", name);
	add_labels(out, labels, NULL);
	evbuffer_add_printf(out, "%" PRIu64 "\n", value);
}

void metrics_text_value(
	struct evbuffer *out, const char *name, const char *const *labels, double value)
{
	evbuffer_add_printf(out, "sipshunt_%s", name);
	add_labels(out, labels, NULL);
	add_number(out, value);
}

void metrics_text_histogram(struct evbuffer *out, const char *name, const char *const *labels,
	const struct metrics_histogram *histogram)
{
	uint64_t total = 0;
	char le[32];

	for (uint32_t i = 0; i <= histogram->nb_bounds; i++) {
		total += histogram->counts[i];
		if (i < histogram->nb_bounds)
			snprintf(le, sizeof(le), "%.15g", histogram->bounds[i]);
		else
			strcpy(le, "+Inf");
		evbuffer_add_printf(out, "sipshunt_%s_bucket", name);
		add_labels(out, labels, le);
		evbuffer_add_printf(out, "%" PRIu64 "\n", total);
	}
	evbuffer_add_printf(out, "sipshunt_%s_sum", name);
	add_labels(out, labels, NULL);
	add_number(out, histogram->sum);
	evbuffer_add_printf(out, "sipshunt_%s_count", name);
	add_labels(out, labels, NULL);
	evbuffer_add_printf(out, "%" PRIu64 "\n", total);
}
