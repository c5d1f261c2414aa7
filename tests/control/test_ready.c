// SPDX-License-Identifier: BSD-3-Clause
#include "control/ready.h"

#include "tests/control/lab.h"
#include "tests/control/suite.h"

#include <stdio.h>
#include <string.h>

static struct lab lab;
static struct ready ready;

static void setup(void)
{
	lab_start(&lab, NULL);
	ck_assert(lab_until(&lab, lab_is_up));
}

static void teardown(void)
{
	lab_stop(&lab);
}

// Workers are alive when they were seen to move between two looks.
static void look(const struct service *service)
{
	for (int i = 0; i < 2; i++) {
		ready_check(&lab.control, service, &ready);
		lab_run_ms(&lab, 120);
	}
	ready_check(&lab.control, service, &ready);
}

static bool says(const char *reason)
{
	for (uint32_t i = 0; i < ready.nb_reasons; i++) {
		if (strcmp(ready.reasons[i], reason) == 0)
			return true;
	}
	return false;
}

START_TEST(it_is_ready_when_packets_can_flow)
{
	look(NULL);
	ck_assert(ready.ok);
	ck_assert_uint_eq(ready.nb_reasons, 0);
	look(lab.control.services[1]);
	ck_assert(ready.ok);
	ck_assert_uint_eq(ready_workers_alive(&lab.control), 2);
}
END_TEST

START_TEST(a_stalled_worker_is_named_by_number)
{
	look(NULL);
	lab.fake.stalled = true;
	look(NULL);
	ck_assert(!ready.ok);
	ck_assert(says("2 of 2 workers do not move"));
	// Asking again at once tells nothing new: they would seem to stand still.
	lab.fake.stalled = false;
	look(NULL);
	ready_check(&lab.control, NULL, &ready);
	ready_check(&lab.control, NULL, &ready);
	ck_assert(ready.ok);
}
END_TEST

static bool is_link_down(struct lab *l)
{
	return l->control.dataplane.link == LINK_DOWN;
}

START_TEST(without_a_dataplane_only_that_is_said)
{
	lab_stop_dataplane(&lab);
	ck_assert(lab_until(&lab, is_link_down));
	look(NULL);
	ck_assert(!ready.ok);
	ck_assert_uint_eq(ready.nb_reasons, 1);
	ck_assert(says("the link to the dataplane is down"));
}
END_TEST

START_TEST(a_dataplane_that_did_not_start_says_why)
{
	snprintf(
		lab.control.dataplane.failed, sizeof(lab.control.dataplane.failed), "no hugepages");
	look(NULL);
	ck_assert(!ready.ok);
	ck_assert(says("the dataplane did not start: no hugepages"));
}
END_TEST

START_TEST(a_service_is_ready_on_its_own)
{
	struct override maint = {.set = true, .state = CONFIG_STATE_MAINT, .by = "ana"};

	control_backend_override(&lab.control, lab_backend(&lab, "edge/e1"), &maint, false);
	look(control_find_service(&lab.control, "edge"));
	ck_assert(!ready.ok);
	ck_assert(says("service edge has no usable backend"));
	look(control_find_service(&lab.control, "access"));
	ck_assert(ready.ok);
	look(NULL);
	ck_assert(!ready.ok);
	ck_assert_uint_eq(ready.nb_reasons, 1);
}
END_TEST

START_TEST(what_is_not_published_is_not_ready)
{
	uint16_t index = lab.control.services[0]->index;

	lab.control.services[0]->index = SNAPSHOT_NONE;
	look(NULL);
	ck_assert(says("service access is not published yet"));
	lab.control.services[0]->index = index;
}
END_TEST

START_TEST(reasons_are_bounded)
{
	struct service *many[READY_REASONS_MAX + 5], **old = lab.control.services;
	uint32_t nb = lab.control.nb_services;
	struct service service = *old[0];

	service.index = SNAPSHOT_NONE;
	memset(service.name, 'x', sizeof(service.name) - 1);
	for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++)
		many[i] = &service;
	lab.control.services = many;
	lab.control.nb_services = sizeof(many) / sizeof(many[0]);
	ready_check(&lab.control, NULL, &ready);
	ck_assert(!ready.ok);
	ck_assert_uint_eq(ready.nb_reasons, READY_REASONS_MAX);
	lab.control.services = old;
	lab.control.nb_services = nb;
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("ready");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 20);
	tcase_add_test(tc, it_is_ready_when_packets_can_flow);
	tcase_add_test(tc, a_stalled_worker_is_named_by_number);
	tcase_add_test(tc, without_a_dataplane_only_that_is_said);
	tcase_add_test(tc, a_dataplane_that_did_not_start_says_why);
	tcase_add_test(tc, a_service_is_ready_on_its_own);
	tcase_add_test(tc, what_is_not_published_is_not_ready);
	tcase_add_test(tc, reasons_are_bounded);
	return suite_run(tc);
}
