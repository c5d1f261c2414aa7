// SPDX-License-Identifier: BSD-3-Clause
#include "tests/config/value_samples.h"

static const struct sample samples[] = {
	{SCHEMA_UINT, "0", "0"},
	{SCHEMA_UINT, "18446744073709551615", "18446744073709551615"},
	{SCHEMA_UINT, "18446744073709551616", NULL},
	{SCHEMA_UINT, "99999999999999999999999999999999999999999", NULL},
	{SCHEMA_UINT, "", NULL},
	{SCHEMA_UINT, "00", NULL},
	{SCHEMA_UINT, "+1", NULL},
	{SCHEMA_UINT, " 1", NULL},
	{SCHEMA_UINT, "1 ", NULL},
	{SCHEMA_UINT, "1_000", NULL},
	{SCHEMA_DURATION, "1ms", "1"},
	{SCHEMA_DURATION, "1s", "1000"},
	{SCHEMA_DURATION, "1m", "60000"},
	{SCHEMA_DURATION, "1h", "3600000"},
	{SCHEMA_DURATION, "1d", "86400000"},
	{SCHEMA_DURATION, "0s", "0"},
	{SCHEMA_DURATION, "s", NULL},
	{SCHEMA_DURATION, "1S", NULL},
	{SCHEMA_DURATION, "18446744073709551615s", NULL},
	{SCHEMA_DURATION, "1mss", NULL},
	{SCHEMA_SIZE, "1B", "1"},
	{SCHEMA_SIZE, "3KiB", "3072"},
	{SCHEMA_SIZE, "1MiB", "1048576"},
	{SCHEMA_SIZE, "2GiB", "2147483648"},
	{SCHEMA_SIZE, "17179869184GiB", NULL},
	{SCHEMA_SIZE, "1kib", NULL},
	{SCHEMA_RATE, "0/s", "0"},
	{SCHEMA_RATE, "4294967295/s", "4294967295"},
	{SCHEMA_RATE, "4294967296/s", NULL},
	{SCHEMA_RATE, "1 /s", NULL},
	{SCHEMA_PERCENT, "100%", "100"},
	{SCHEMA_PERCENT, "101%", NULL},
	{SCHEMA_PERCENT, "%", NULL},
	{SCHEMA_CPUS, "3", "[3]"},
	{SCHEMA_CPUS, "5,1-3", "[1, 2, 3, 5]"},
	{SCHEMA_CPUS, "1023", "[1023]"},
	{SCHEMA_CPUS, "1024", NULL},
	{SCHEMA_CPUS, "1-", NULL},
	{SCHEMA_CPUS, "-1", NULL},
	{SCHEMA_CPUS, "1,,2", NULL},
	{SCHEMA_CPUS, "1-3,3", NULL},
	{SCHEMA_CPUS, "1-18446744073709551616", NULL},
	{SCHEMA_STATUSES, "404,200-299", "[{first: 200, last: 299}, {first: 404, last: 404}]"},
	{SCHEMA_STATUSES, "199", NULL},
	{SCHEMA_STATUSES, "700", NULL},
	{SCHEMA_STATUSES, "299-200", NULL},
};

START_TEST(values_are_normalized_or_refused_with_a_reason)
{
	check_sample(&samples[_i]);
}
END_TEST

static const struct reason reasons[] = {
	{SCHEMA_DURATION, "5", "\"5\" has no unit, did you mean \"5s\"?"},
	{SCHEMA_DURATION, "18446744073709551",
		"\"18446744073709551\" has no unit, did you mean "
		"\"18446744073709551s\"?"},
	{SCHEMA_DURATION, "18446744073709552",
		"\"18446744073709552\" has no unit, did you mean "
		"\"18446744073709552ms\"?"},
	{SCHEMA_SIZE, "2G", "\"2G\" has an unclear unit, did you mean \"2GiB\"?"},
	{SCHEMA_SIZE, "2kb", "\"2kb\" has an unclear unit, did you mean \"2KiB\"?"},
	{SCHEMA_SIZE, "7b", "\"7b\" has an unclear unit, did you mean \"7B\"?"},
	{SCHEMA_RATE, "200", "\"200\" has no unit, did you mean \"200/s\"?"},
	{SCHEMA_PERCENT, "20", "\"20\" has no unit, did you mean \"20%\"?"},
	// A leading zero is mended by nobody but the writer.
	{SCHEMA_DURATION, "010",
		"\"010\" is not a duration, allowed: a whole number with ms, s, m, h or d, like "
		"\"5s\""},
	{SCHEMA_PERCENT, "101%", "\"101%\" is out of range, allowed: 0%..100%"},
};

START_TEST(a_reason_says_what_was_meant)
{
	check_reason(&reasons[_i]);
}
END_TEST

static const struct {
	const char *in;
	uint64_t max;
	int rc;
	uint64_t value;
} numbers[] = {
	{"0", 0, 0, 0},
	{"1", 0, -ERANGE, 0},
	{"255", 255, 0, 255},
	{"256", 255, -ERANGE, 0},
	{"18446744073709551615", UINT64_MAX, 0, UINT64_MAX},
	{"18446744073709551616", UINT64_MAX, -ERANGE, 0},
	{"184467440737095516150", UINT64_MAX, -ERANGE, 0},
	{"", 9, -EINVAL, 0},
	{"01", 9, -EINVAL, 0},
	{"-1", 9, -EINVAL, 0},
	{"1x", 9, -EINVAL, 0},
	// What is no number is not out of range.
	{"99999999999999999999999x", 9, -EINVAL, 0},
};

START_TEST(numbers_are_exact)
{
	uint64_t value = 0;

	ck_assert_int_eq(value_parse_uint(guarded(numbers[_i].in, strlen(numbers[_i].in)),
				 numbers[_i].max, &value),
		numbers[_i].rc);
	ck_assert_uint_eq(value, numbers[_i].value);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_loop_test(tc, values_are_normalized_or_refused_with_a_reason, 0, NB(samples));
	tcase_add_loop_test(tc, a_reason_says_what_was_meant, 0, NB(reasons));
	tcase_add_loop_test(tc, numbers_are_exact, 0, NB(numbers));
}

int main(void)
{
	return run_suite("value_number", add_tests);
}
