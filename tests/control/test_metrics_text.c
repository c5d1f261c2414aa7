// SPDX-License-Identifier: BSD-3-Clause
#include "control/metrics_text.h"

#include <check.h>
#include <event2/buffer.h>

#include <math.h>
#include <stdlib.h>

static const char *text(struct evbuffer *out)
{
	evbuffer_add(out, "", 1);
	return (const char *)evbuffer_pullup(out, -1);
}

START_TEST(a_family_has_help_and_type)
{
	struct evbuffer *out = evbuffer_new();

	metrics_text_family(out, "x_total", "counter", "Things.");
	metrics_text_count(out, "x_total", METRICS_NO_LABELS, UINT64_MAX);
	metrics_text_count(out, "x_total", METRICS_LABELS("a", "1", "b", "2"), 0);
	ck_assert_str_eq(text(out),
		"# HELP sipshunt_x_total Things.\n"
		"# TYPE sipshunt_x_total counter\n"
		"sipshunt_x_total 18446744073709551615\n"
		"sipshunt_x_total{a=\"1\",b=\"2\"} 0\n");
	evbuffer_free(out);
}
END_TEST

START_TEST(label_values_are_escaped)
{
	struct evbuffer *out = evbuffer_new();

	metrics_text_count(out, "x", METRICS_LABELS("a", "\\\"\nb\\"), 1);
	ck_assert_str_eq(text(out), "sipshunt_x{a=\"\\\\\\\"\\nb\\\\\"} 1\n");
	evbuffer_free(out);
}
END_TEST

START_TEST(numbers_are_what_prometheus_reads)
{
	struct evbuffer *out = evbuffer_new();

	metrics_text_value(out, "x", METRICS_NO_LABELS, 0.1);
	metrics_text_value(out, "x", METRICS_NO_LABELS, 1795262817.963);
	metrics_text_value(out, "x", METRICS_NO_LABELS, NAN);
	metrics_text_value(out, "x", METRICS_NO_LABELS, INFINITY);
	metrics_text_value(out, "x", METRICS_NO_LABELS, -INFINITY);
	ck_assert_str_eq(text(out),
		"sipshunt_x 0.1\nsipshunt_x 1795262817.963\n"
		"sipshunt_x NaN\nsipshunt_x +Inf\nsipshunt_x -Inf\n");
	evbuffer_free(out);
}
END_TEST

START_TEST(histograms_are_cumulative)
{
	static const double bounds[] = {0.001, 2};
	static const uint64_t counts[] = {1, 2, 4};
	struct metrics_histogram histogram = {bounds, counts, 2, 12.5};
	struct evbuffer *out = evbuffer_new();

	metrics_text_histogram(out, "x", METRICS_LABELS("s", "a"), &histogram);
	metrics_text_histogram(out, "y", METRICS_NO_LABELS, &histogram);
	ck_assert_str_eq(text(out),
		"sipshunt_x_bucket{s=\"a\",le=\"0.001\"} 1\n"
		"sipshunt_x_bucket{s=\"a\",le=\"2\"} 3\n"
		"sipshunt_x_bucket{s=\"a\",le=\"+Inf\"} 7\n"
		"sipshunt_x_sum{s=\"a\"} 12.5\n"
		"sipshunt_x_count{s=\"a\"} 7\n"
		"sipshunt_y_bucket{le=\"0.001\"} 1\n"
		"sipshunt_y_bucket{le=\"2\"} 3\n"
		"sipshunt_y_bucket{le=\"+Inf\"} 7\n"
		"sipshunt_y_sum 12.5\n"
		"sipshunt_y_count 7\n");
	evbuffer_free(out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("metrics_text");
	TCase *tcase = tcase_create("text");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, a_family_has_help_and_type);
	tcase_add_test(tcase, label_values_are_escaped);
	tcase_add_test(tcase, numbers_are_what_prometheus_reads);
	tcase_add_test(tcase, histograms_are_cumulative);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
