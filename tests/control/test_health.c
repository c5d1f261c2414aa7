// SPDX-License-Identifier: BSD-3-Clause
#include "control/health.h"

#include "control/cluster.h"
#include "tests/control/lab.h"
#include "tests/control/suite.h"

#include <string.h>
#include <unistd.h>

static struct lab lab;

static void setup(void)
{
	lab_start(&lab, NULL);
	ck_assert(lab_until(&lab, lab_is_up));
}

static void teardown(void)
{
	lab_stop(&lab);
}

static bool b2_is_down(struct lab *l)
{
	return lab_backend(l, "access/b2")->health.state == HEALTH_DOWN;
}

static bool b2_is_up(struct lab *l)
{
	return lab_backend(l, "access/b2")->health.state == HEALTH_UP;
}

static bool first_pass_done(struct lab *l)
{
	return health_first_pass_done(l->control.health);
}

static void answer(const char *path, uint16_t status)
{
	fake_dataplane_answer(&lab.fake, &lab_backend(&lab, path)->addr, status);
}

START_TEST(probes_come_from_the_nodes_own_address_with_a_signed_branch)
{
	const struct backend *b1 = lab_backend(&lab, "access/b1");

	// The fake verified the branch of every one.
	ck_assert_uint_gt(b1->health.results[PROBE_GOOD], 0);
	ck_assert_uint_eq(b1->health.last_status, 200);
	ck_assert(first_pass_done(&lab));
	ck_assert_ptr_nonnull(strstr(lab.fake.injected, "Via: SIP/2.0/UDP 10.20.1.10:5060;"));
}
END_TEST

START_TEST(silence_takes_a_backend_out_and_an_answer_back_in)
{
	answer("access/b2", 0);
	ck_assert(lab_until(&lab, b2_is_down));
	lab_run_ms(&lab, 10);
	ck_assert(!lab_fresh(&lab, "access/b2"));
	ck_assert(!lab_pinned(&lab, "access/b2"));
	ck_assert(lab_fresh(&lab, "access/b1"));
	ck_assert_int_eq(lab_backend(&lab, "access/b2")->health.last_result, PROBE_TIMEOUT);
	answer("access/b2", 200);
	ck_assert(lab_until(&lab, b2_is_up));
	lab_run_ms(&lab, 10);
	ck_assert(lab_fresh(&lab, "access/b2"));
	ck_assert_uint_eq(lab_backend(&lab, "access/b2")->health.nb_changes, 3);
}
END_TEST

START_TEST(an_answer_that_is_not_expected_is_bad)
{
	answer("access/b2", 503);
	ck_assert(lab_until(&lab, b2_is_down));
	ck_assert_int_eq(lab_backend(&lab, "access/b2")->health.last_result, PROBE_BAD_STATUS);
	ck_assert_uint_eq(lab_backend(&lab, "access/b2")->health.last_status, 503);
}
END_TEST

START_TEST(an_icmp_error_ends_the_probe_that_is_out)
{
	struct ipc_event event = {.type = IPC_EVENT_ICMP};

	answer("access/b2", 0);
	event.icmp.backend_id = lab_backend(&lab, "access/b2")->id;
	for (int i = 0; i < 200 && !b2_is_down(&lab); i++) {
		fake_dataplane_event(&lab.fake, 1, &event);
		lab_run_ms(&lab, 5);
	}
	ck_assert(b2_is_down(&lab));
	ck_assert_uint_gt(lab_backend(&lab, "access/b2")->health.results[PROBE_UNREACHABLE], 0);
}
END_TEST

START_TEST(icmp_errors_alone_take_nothing_out)
{
	struct ipc_event event = {.type = IPC_EVENT_ICMP};

	// Anybody may send them; the backend answers its probes.
	event.icmp.backend_id = lab_backend(&lab, "access/b2")->id;
	for (int i = 0; i < 40; i++) {
		fake_dataplane_event(&lab.fake, 0, &event);
		lab_run_ms(&lab, 7);
		ck_assert(!b2_is_down(&lab));
	}
	event.icmp.backend_id = 0xdeadbeef;
	fake_dataplane_event(&lab.fake, 0, &event);
	lab_run_ms(&lab, 10);
}
END_TEST

START_TEST(an_answer_nobody_waits_for_is_ignored)
{
	struct ipc_event event = {.type = IPC_EVENT_PROBE};
	uint64_t before = lab_backend(&lab, "access/b2")->health.results[PROBE_BAD_STATUS];

	event.probe.probe_id = (uint64_t)lab_backend(&lab, "access/b2")->id << 32 | 0x12345;
	event.probe.status = 503;
	for (int i = 0; i < 5; i++)
		fake_dataplane_event(&lab.fake, 0, &event);
	event.probe.probe_id = UINT64_C(0xdeadbeef) << 32;
	fake_dataplane_event(&lab.fake, 0, &event);
	lab_run_ms(&lab, 20);
	ck_assert_uint_eq(lab_backend(&lab, "access/b2")->health.results[PROBE_BAD_STATUS], before);
}
END_TEST

START_TEST(a_backend_in_maint_is_not_asked)
{
	struct override maint = {.set = true, .state = CONFIG_STATE_MAINT, .by = "test"};
	struct override none = {0};
	struct backend *b2 = lab_backend(&lab, "access/b2");
	uint64_t asked;

	control_backend_override(&lab.control, b2, &maint, false);
	health_sync(lab.control.health);
	lab_run_ms(&lab, 100);
	asked = b2->health.results[PROBE_GOOD];
	lab_run_ms(&lab, 200);
	ck_assert_uint_eq(b2->health.results[PROBE_GOOD], asked);
	ck_assert_int_eq(b2->health.state, HEALTH_UNKNOWN);
	// Back in service it has to answer first.
	control_backend_override(&lab.control, b2, &none, false);
	health_sync(lab.control.health);
	lab_run_ms(&lab, 1);
	ck_assert(!lab_fresh(&lab, "access/b2"));
	ck_assert(lab_until(&lab, b2_is_up));
}
END_TEST

START_TEST(the_clusters_verdict_counts)
{
	struct backend *b2 = lab_backend(&lab, "access/b2");

	// Alone, the cluster has no verdict and would take this one back.
	cluster_destroy(lab.control.cluster);
	lab.control.cluster = NULL;
	control_backend_verdict(&lab.control, b2, VERDICT_DOWN);
	ck_assert_int_eq(b2->health.state, HEALTH_DOWN);
	lab_run_ms(&lab, 5);
	ck_assert(!lab_fresh(&lab, "access/b2"));
	ck_assert_int_eq(b2->health.own, HEALTH_UP);
	control_backend_verdict(&lab.control, b2, VERDICT_NONE);
	ck_assert_int_eq(b2->health.state, HEALTH_UP);
}
END_TEST

START_TEST(nothing_changes_while_the_dataplane_is_away)
{
	fake_dataplane_hang_up(&lab.fake);
	close(lab.fake.listen_fd);
	unlink(lab.fake.path);
	lab_run_ms(&lab, 500);
	ck_assert(lab_is_up(&lab));
	ck_assert_uint_gt(lab_backend(&lab, "access/b2")->health.results[PROBE_NOT_SENT], 0);
}
END_TEST

START_TEST(measures_the_time_to_the_answer)
{
	const struct backend_health *h = &lab_backend(&lab, "access/b1")->health;
	uint64_t answers = 0;

	for (uint32_t i = 0; i < PROBE_RTT_SLOTS; i++)
		answers += h->rtt_slots[i];
	ck_assert_uint_eq(answers, h->results[PROBE_GOOD]);
	ck_assert_double_gt(h->rtt_sum, 0);
	ck_assert_uint_lt(h->last_rtt_us, 40000);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("health");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, probes_come_from_the_nodes_own_address_with_a_signed_branch);
	tcase_add_test(tc, silence_takes_a_backend_out_and_an_answer_back_in);
	tcase_add_test(tc, an_answer_that_is_not_expected_is_bad);
	tcase_add_test(tc, an_icmp_error_ends_the_probe_that_is_out);
	tcase_add_test(tc, icmp_errors_alone_take_nothing_out);
	tcase_add_test(tc, an_answer_nobody_waits_for_is_ignored);
	tcase_add_test(tc, a_backend_in_maint_is_not_asked);
	tcase_add_test(tc, the_clusters_verdict_counts);
	tcase_add_test(tc, nothing_changes_while_the_dataplane_is_away);
	tcase_add_test(tc, measures_the_time_to_the_answer);
	return suite_run(tc);
}
