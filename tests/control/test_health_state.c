// SPDX-License-Identifier: BSD-3-Clause
#include "control/health_state.h"

#include "tests/control/suite.h"

static struct config_status_range expect[] = {{200, 299}, {404, 405}};
static const struct config_health_check check = {
	.rise = 2, .fall = 3, .expect = expect, .nb_expect = 2};

// Letters: g good, t timeout, b bad status, u unreachable, n not sent. Then the state.
static const struct {
	const char *results;
	enum health_state state;
	uint32_t streak;
} courses[] = {
	{"", HEALTH_UNKNOWN, 0},
	{"g", HEALTH_UP, 0}, // the first good one is enough
	{"n", HEALTH_UNKNOWN, 0}, // what was not sent says nothing
	{"tt", HEALTH_UNKNOWN, 2},
	{"ttt", HEALTH_DOWN, 0},
	{"tbu", HEALTH_DOWN, 0}, // every kind of bad counts
	{"ttg", HEALTH_UP, 0},
	{"gt", HEALTH_FALLING, 1},
	{"gtt", HEALTH_FALLING, 2},
	{"gttt", HEALTH_DOWN, 0},
	{"gttgtt", HEALTH_FALLING, 2}, // in a row, not in all
	{"gnntnnt", HEALTH_FALLING, 2},
	{"ttttttt", HEALTH_DOWN, 0},
	{"tttg", HEALTH_RISING, 1},
	{"tttgt", HEALTH_DOWN, 0},
	{"tttgtg", HEALTH_RISING, 1},
	{"tttgg", HEALTH_UP, 0},
	{"tttggt", HEALTH_FALLING, 1},
};

START_TEST(counts)
{
	struct backend_health health = {0};

	for (const char *c = courses[_i].results; *c != '\0'; c++) {
		enum probe_result result = *c == 'g' ? PROBE_GOOD
			: *c == 't'                  ? PROBE_TIMEOUT
			: *c == 'b'                  ? PROBE_BAD_STATUS
			: *c == 'u'                  ? PROBE_UNREACHABLE
						     : PROBE_NOT_SENT;

		health_state_count(&health, &check, result);
	}
	ck_assert_str_eq(health_state_name(health.own), health_state_name(courses[_i].state));
	ck_assert_uint_eq(health.streak, courses[_i].streak);
}
END_TEST

START_TEST(one_is_enough_where_one_is_asked_for)
{
	const struct config_health_check once = {.rise = 1, .fall = 1};
	struct backend_health health = {.own = HEALTH_UP};

	health_state_count(&health, &once, PROBE_TIMEOUT);
	ck_assert_int_eq(health.own, HEALTH_DOWN);
	health_state_count(&health, &once, PROBE_GOOD);
	ck_assert_int_eq(health.own, HEALTH_UP);
}
END_TEST

static const struct {
	enum health_state own;
	enum cluster_verdict verdict;
	enum probe_result last;
	enum health_state effective;
} views[] = {
	{HEALTH_UP, VERDICT_NONE, PROBE_GOOD, HEALTH_UP},
	{HEALTH_DOWN, VERDICT_NONE, PROBE_TIMEOUT, HEALTH_DOWN},
	// The cluster beats our timeouts ...
	{HEALTH_DOWN, VERDICT_UP, PROBE_TIMEOUT, HEALTH_UP},
	{HEALTH_UNKNOWN, VERDICT_UP, PROBE_NONE, HEALTH_UP},
	{HEALTH_UP, VERDICT_DOWN, PROBE_GOOD, HEALTH_DOWN},
	{HEALTH_UNKNOWN, VERDICT_DOWN, PROBE_NONE, HEALTH_DOWN},
	// ... but not our own certain evidence.
	{HEALTH_DOWN, VERDICT_UP, PROBE_UNREACHABLE, HEALTH_DOWN},
	{HEALTH_FALLING, VERDICT_UP, PROBE_UNREACHABLE, HEALTH_FALLING},
	{HEALTH_RISING, VERDICT_DOWN, PROBE_GOOD, HEALTH_RISING},
};

START_TEST(joins_own_view_and_verdict)
{
	struct backend_health health = {
		.own = views[_i].own, .verdict = views[_i].verdict, .last_result = views[_i].last};

	ck_assert_int_eq(health_state_effective(&health), views[_i].effective);
}
END_TEST

START_TEST(accepts_what_is_expected)
{
	ck_assert(health_status_is_good(&check, 200));
	ck_assert(health_status_is_good(&check, 299));
	ck_assert(!health_status_is_good(&check, 300));
	ck_assert(!health_status_is_good(&check, 403));
	ck_assert(health_status_is_good(&check, 405));
	ck_assert(!health_status_is_good(&check, 503));
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("health_state");

	tcase_add_loop_test(tc, counts, 0, (int)(sizeof(courses) / sizeof(courses[0])));
	tcase_add_test(tc, one_is_enough_where_one_is_asked_for);
	tcase_add_loop_test(
		tc, joins_own_view_and_verdict, 0, (int)(sizeof(views) / sizeof(views[0])));
	tcase_add_test(tc, accepts_what_is_expected);
	return suite_run(tc);
}
