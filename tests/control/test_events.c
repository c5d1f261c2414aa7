// SPDX-License-Identifier: BSD-3-Clause
#include "control/events.h"

#include "tests/control/lab.h"
#include "tests/control/suite.h"

#include <string.h>

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

static struct ipc_event reject(uint32_t error_off)
{
	struct ipc_event event = {.type = IPC_EVENT_REJECT};

	event.reject.reason = SIP_BAD_VIA;
	event.reject.error_off = error_off;
	return event;
}

static uint32_t newest(void)
{
	uint32_t nb = events_nb_rejects(lab.control.events);

	ck_assert_uint_gt(nb, 0);
	return events_reject(lab.control.events, nb - 1)->error_off;
}

START_TEST(without_events_there_is_nothing)
{
	events_start(NULL);
	events_stop(NULL);
	events_destroy(NULL);
	ck_assert_uint_eq(events_nb_rejects(NULL), 0);
}
END_TEST

START_TEST(a_flood_of_one_worker_does_not_hold_up_another)
{
	struct ipc_event event = reject(1);
	unsigned int nb = 0;

	while (fake_dataplane_event(&lab.fake, 0, &event))
		nb++;
	ck_assert_uint_gt(nb, 64);
	event = reject(2);
	ck_assert(fake_dataplane_event(&lab.fake, 1, &event));
	lab_run_ms(&lab, 6);
	// All rings were looked into, and room is made.
	event = reject(3);
	ck_assert(fake_dataplane_event(&lab.fake, 0, &event));
	lab_run_ms(&lab, 200);
	ck_assert_uint_eq(newest(), 3);
	ck_assert_uint_eq(events_nb_rejects(lab.control.events), EVENTS_REJECTS_MAX);
}
END_TEST

START_TEST(the_last_refused_messages_are_kept_oldest_first)
{
	for (uint32_t i = 0; i < EVENTS_REJECTS_MAX + 7; i++) {
		struct ipc_event event = reject(i);

		ck_assert(fake_dataplane_event(&lab.fake, 0, &event));
		lab_run_ms(&lab, 4);
	}
	lab_run_ms(&lab, 50);
	ck_assert_uint_eq(events_nb_rejects(lab.control.events), EVENTS_REJECTS_MAX);
	for (uint32_t i = 0; i < EVENTS_REJECTS_MAX; i++)
		ck_assert_uint_eq(events_reject(lab.control.events, i)->error_off, i + 7);
}
END_TEST

static const uint32_t types[] = {0, IPC_EVENT_PROBE, IPC_EVENT_BINDING, IPC_EVENT_ICMP,
	IPC_EVENT_NEIGHBOUR, IPC_EVENT_REJECT, IPC_EVENT_RESOLVE, 99, UINT32_MAX};
static const uint8_t fillings[] = {0, 1, 0x7f, 0x80, 0xff};

// The segment is another process's: no length or index in it is believed.
START_TEST(a_damaged_record_harms_nothing)
{
	struct ipc_event event;

	memset(&event, fillings[(size_t)_i % sizeof(fillings)], sizeof(event));
	event.type = types[(size_t)_i / sizeof(fillings)];
	ck_assert(fake_dataplane_event(&lab.fake, 1, &event));
	event = reject(77);
	ck_assert(fake_dataplane_event(&lab.fake, 1, &event));
	lab_run_ms(&lab, 100);
	ck_assert_uint_eq(newest(), 77);
	ck_assert(lab_is_up(&lab));
	for (uint32_t i = 0; i < events_nb_rejects(lab.control.events); i++) {
		const struct ipc_event_reject *kept = events_reject(lab.control.events, i);

		ck_assert_uint_le(kept->copied_len, sizeof(kept->octets));
		ck_assert_uint_lt(kept->reason, SIP_REASONS);
	}
}
END_TEST

static bool b1_is_down(struct lab *l)
{
	return lab_backend(l, "access/b1")->health.state == HEALTH_DOWN;
}

START_TEST(a_probe_that_is_not_answered_and_icmp_reach_health)
{
	const struct endpoint b1 = {{4, {10, 20, 1, 11}}, 5060};
	struct ipc_event event = {.type = IPC_EVENT_ICMP};

	fake_dataplane_answer(&lab.fake, &b1, 0);
	event.icmp.backend_id = lab_backend(&lab, "access/b1")->id;
	event.icmp.type = 3;
	event.icmp.code = 3;
	event.icmp.family = 4;
	for (int i = 0; i < 3; i++)
		ck_assert(fake_dataplane_event(&lab.fake, 0, &event));
	ck_assert(lab_until(&lab, b1_is_down));
}
END_TEST

START_TEST(stopped_it_leaves_the_rings_alone)
{
	struct ipc_event event = reject(5);

	events_stop(lab.control.events);
	ck_assert(fake_dataplane_event(&lab.fake, 0, &event));
	lab_run_ms(&lab, 50);
	ck_assert_uint_eq(events_nb_rejects(lab.control.events), 0);
	events_start(lab.control.events);
	lab_run_ms(&lab, 50);
	ck_assert_uint_eq(newest(), 5);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("events");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 20);
	tcase_add_test(tc, without_events_there_is_nothing);
	tcase_add_test(tc, a_flood_of_one_worker_does_not_hold_up_another);
	tcase_add_test(tc, the_last_refused_messages_are_kept_oldest_first);
	tcase_add_loop_test(tc, a_damaged_record_harms_nothing, 0,
		(int)(sizeof(types) / sizeof(types[0]) * sizeof(fillings)));
	tcase_add_test(tc, a_probe_that_is_not_answered_and_icmp_reach_health);
	tcase_add_test(tc, stopped_it_leaves_the_rings_alone);
	return suite_run(tc);
}
