// SPDX-License-Identifier: BSD-3-Clause
#include "control/registrations.h"

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

static struct ipc_event event_of(const char *user, const char *contact, uint32_t backend_id)
{
	struct ipc_event event = {.type = IPC_EVENT_BINDING};
	struct ipc_event_binding *binding = &event.binding;

	binding->backend_id = backend_id;
	binding->expires_s = 600;
	binding->listener_id = 7;
	binding->flow =
		(struct endpoint){.ip = {.family = 4, .octets = {198, 51, 100, 7}}, .port = 5062};
	binding->user_len = (uint16_t)strlen(user);
	binding->host_len = 11;
	binding->contact_len = (uint16_t)strlen(contact);
	sprintf(binding->octets, "%sexample.com%s", user, contact);
	return event;
}

static bool knows_one(struct lab *l)
{
	return registrations_count(l->control.registrations) == 1;
}

static bool nothing_waits(struct lab *l)
{
	return registrations_nb_waiting(l->control.registrations) == 0;
}

static bool check_one(const struct registration *g, void *arg)
{
	ck_assert(strv_eq(g->user, STRV("alice")));
	ck_assert(strv_eq(g->contact, STRV("sip:alice@198.51.100.7")));
	ck_assert_str_eq(g->backend, "access/b2");
	ck_assert_str_eq(g->node, "lb1");
	ck_assert(!g->stale);
	return true;
}

START_TEST(an_event_of_a_worker_becomes_a_binding)
{
	struct ipc_event event =
		event_of("alice", "sip:alice@198.51.100.7", lab_backend(&lab, "access/b2")->id);

	ck_assert(fake_dataplane_event(&lab.fake, 1, &event));
	ck_assert(lab_until(&lab, knows_one));
	ck_assert_uint_eq(registrations_find(lab.control.registrations, STRV("alice"),
				  STRV("example.com"), check_one, NULL),
		1);
	// It goes back to the dataplane, and so does all of it to the next dataplane.
	ck_assert(lab_until(&lab, nothing_waits));
	registrations_resend(lab.control.registrations);
	ck_assert_uint_eq(registrations_nb_waiting(lab.control.registrations), 1);
	ck_assert(lab_until(&lab, nothing_waits));
	ck_assert_uint_eq(registrations_nb_lost(lab.control.registrations), 0);
}
END_TEST

START_TEST(events_that_make_no_sense_are_passed_over)
{
	struct ipc_event event = event_of("alice", "sip:a", 12345); // nobody's id

	ck_assert(fake_dataplane_event(&lab.fake, 0, &event));
	event = event_of("alice", "sip:a", lab_backend(&lab, "access/b1")->id);
	event.binding.user_len = event.binding.host_len = event.binding.contact_len = UINT16_MAX;
	ck_assert(fake_dataplane_event(&lab.fake, 0, &event));
	event = event_of("", "sip:a", lab_backend(&lab, "access/b1")->id);
	event.binding.host_len = 0;
	ck_assert(fake_dataplane_event(&lab.fake, 0, &event));
	lab_run_ms(&lab, 100);
	ck_assert_uint_eq(registrations_count(lab.control.registrations), 0);
	ck_assert_int_eq(lab.control.dataplane.link, LINK_RUNNING);
}
END_TEST

START_TEST(every_function_takes_none)
{
	struct ipc_event event = event_of("alice", "sip:a", 1);

	registrations_learn(NULL, &event.binding);
	registrations_resend(NULL);
	registrations_reload(NULL);
	registrations_each(NULL, check_one, NULL);
	ck_assert_uint_eq(registrations_count(NULL), 0);
	ck_assert_uint_eq(registrations_find(NULL, STRV("a"), STRV("b"), NULL, NULL), 0);
	ck_assert(registrations_stale_s(NULL) == 0);
	registrations_destroy(NULL);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("registrations");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, an_event_of_a_worker_becomes_a_binding);
	tcase_add_test(tc, events_that_make_no_sense_are_passed_over);
	tcase_add_test(tc, every_function_takes_none);
	return suite_run(tc);
}
