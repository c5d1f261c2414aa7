// SPDX-License-Identifier: BSD-3-Clause
#include "control/publisher.h"

#include "control/reload.h"
#include "control/snapshot_make.h"
#include "tests/control/lab.h"
#include "tests/control/suite.h"

#include <errno.h>
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

static int done_rc;
static uint32_t nb_done;

static void on_done(void *arg, int rc, const char *text)
{
	done_rc = rc;
	nb_done++;
}

static bool is_done(struct lab *l)
{
	return nb_done > 0;
}

static void publish(void)
{
	nb_done = 0;
	publisher_request(lab.control.publisher);
	ck_assert_int_eq(publisher_wait(lab.control.publisher, on_done, &lab), 0);
}

START_TEST(publishes_what_is_configured)
{
	const struct snapshot *s = lab.fake.snapshot;
	const struct snapshot_service *access = snapshot_service(s, 0);

	ck_assert_uint_eq(s->services.nb, 2);
	ck_assert_uint_eq(s->backends.nb, 4);
	ck_assert_str_eq(access->name, "access");
	ck_assert_uint_eq(access->nb_backends, 3);
	ck_assert_str_eq(snapshot_backend(s, access->backend_first)->name, "b1");
	ck_assert_uint_eq(access->listener_v6, SNAPSHOT_NONE);
	// The VIP is in no port's net: it may come in anywhere.
	ck_assert_uint_eq(snapshot_listener(s, access->listener_v4)->port, SNAPSHOT_NONE);
	// Two nets and a default route.
	ck_assert_uint_eq(s->routes.nb, 3);
	ck_assert_uint_eq(s->config_digest, lab.control.config->digest);
}
END_TEST

START_TEST(knows_where_each_backend_stands)
{
	double sum = 0;

	for (uint32_t i = 0; i < 3; i++) {
		const struct backend *backend = lab.control.services[0]->backends[i];

		ck_assert_str_eq(
			snapshot_backend(lab.fake.snapshot, backend->index)->name, backend->name);
		ck_assert_uint_eq(snapshot_backend(lab.fake.snapshot, backend->index)->counter,
			backend->counter);
		ck_assert_double_gt(backend->share, 0.3);
		sum += backend->share;
	}
	ck_assert_double_eq_tol(sum, 1.0, 1e-9);
}
END_TEST

START_TEST(generations_grow)
{
	uint64_t before = lab.control.dataplane.generation;

	publish();
	ck_assert(lab_until(&lab, is_done));
	ck_assert_int_eq(done_rc, 0);
	ck_assert_uint_gt(lab.control.dataplane.generation, before);
	ck_assert_uint_eq(lab.control.dataplane.generation, lab.fake.snapshot->generation);
}
END_TEST

START_TEST(many_requests_are_served_together)
{
	uint32_t before = lab.fake.nb_snapshots;

	for (int i = 0; i < 50; i++)
		publish();
	ck_assert(lab_until(&lab, is_done));
	lab_run_ms(&lab, 50);
	ck_assert_uint_eq(lab.fake.nb_snapshots, before + 1);
	ck_assert_uint_eq(nb_done, 50);
}
END_TEST

START_TEST(a_refused_snapshot_changes_nothing)
{
	uint64_t before = lab.control.dataplane.generation;
	const struct snapshot *snapshot = lab.control.dataplane.snapshot;

	lab.fake.snapshot_error = -EBADMSG;
	publish();
	ck_assert(lab_until(&lab, is_done));
	ck_assert_int_eq(done_rc, -EBADMSG);
	ck_assert_uint_eq(lab.control.dataplane.generation, before);
	ck_assert_ptr_eq(lab.control.dataplane.snapshot, snapshot);
	ck_assert(lab_fresh(&lab, "access/b1"));
	// And the next one is accepted again, with a number of its own.
	lab.fake.snapshot_error = 0;
	publish();
	ck_assert(lab_until(&lab, is_done));
	ck_assert_int_eq(done_rc, 0);
	ck_assert_uint_gt(lab.control.dataplane.generation, before + 1);
}
END_TEST

START_TEST(a_link_that_is_lost_ends_the_wait)
{
	lab.fake.mute_snapshots = true;
	publish();
	lab_run_ms(&lab, 300);
	ck_assert_uint_eq(nb_done, 0);
	fake_dataplane_hang_up(&lab.fake);
	ck_assert(lab_until(&lab, is_done));
	ck_assert_int_eq(done_rc, -ENOTCONN);
	lab.fake.mute_snapshots = false;
	ck_assert(lab_until(&lab, lab_is_up));
}
END_TEST

START_TEST(bits_that_change_on_the_way_are_not_lost)
{
	struct override maint = {.set = true, .state = CONFIG_STATE_MAINT, .by = "test"};

	lab.fake.mute_snapshots = true;
	publish();
	lab_run_ms(&lab, 300);
	// SNAPSHOT is out, its answer is not here yet.
	control_backend_override(&lab.control, lab_backend(&lab, "access/b2"), &maint, false);
	ck_assert(lab_fresh(&lab, "access/b2"));
	struct ipc_snapshot_done done = {.generation = lab.control.dataplane.generation + 1};

	// The fake did not publish it; a refusal makes control send all bits again.
	done.error = -EIO;
	fake_dataplane_send(&lab.fake, IPC_SNAPSHOT_DONE, &done, sizeof(done), -1);
	lab_run_ms(&lab, 50);
	ck_assert(!lab_fresh(&lab, "access/b2"));
	ck_assert(!lab_pinned(&lab, "access/b2"));
}
END_TEST

START_TEST(an_operator_flips_bits_without_a_new_snapshot)
{
	struct override drain = {.set = true, .state = CONFIG_STATE_DRAIN, .by = "test"};
	struct override none = {0};
	uint32_t before = lab.fake.nb_snapshots;

	control_backend_override(&lab.control, lab_backend(&lab, "access/b1"), &drain, false);
	lab_run_ms(&lab, 20);
	ck_assert(!lab_fresh(&lab, "access/b1"));
	ck_assert(lab_pinned(&lab, "access/b1"));
	control_backend_override(&lab.control, lab_backend(&lab, "access/b1"), &none, false);
	lab_run_ms(&lab, 20);
	ck_assert(lab_fresh(&lab, "access/b1"));
	ck_assert_uint_eq(lab.fake.nb_snapshots, before);
}
END_TEST

START_TEST(the_kernels_routes_come_before_the_files)
{
	const struct snapshot_route routes[] = {
		{.prefix = {4, {10, 20, 1}}, .prefix_len = 24, .port = 0},
		{.prefix = {4, {192, 0, 2}},
			.prefix_len = 24,
			.port = 1,
			.gateway = {4, {10, 20, 1, 9}}},
	};

	publisher_set_routes(lab.control.publisher, routes, 2);
	nb_done = 0;
	publisher_wait(lab.control.publisher, on_done, &lab);
	ck_assert(lab_until(&lab, is_done));
	ck_assert_uint_eq(lab.fake.snapshot->routes.nb, 4);
	for (uint32_t i = 0; i < 4; i++) {
		const struct snapshot_route *route =
			SNAPSHOT_AT(lab.fake.snapshot, routes, snapshot_route, i);

		if (route->prefix.octets[0] == 10)
			ck_assert_uint_eq(route->port, 0);
	}
}
END_TEST

static void reload_to(const char *yaml)
{
	lab_write(&lab, yaml);
	reload_start(&lab.control, false, NULL, NULL);
	nb_done = 0;
	publisher_wait(lab.control.publisher, on_done, &lab);
	ck_assert(lab_until(&lab, is_done));
	ck_assert_int_eq(done_rc, 0);
}

START_TEST(the_table_before_stays_for_a_while)
{
	const struct snapshot_service *access;

	ck_assert_uint_eq(snapshot_service(lab.fake.snapshot, 0)->prev[0].table.nb, 0);
	reload_to(lab_edit("      - {name: b3, address: \"10.20.1.13\"}\n", ""));
	access = snapshot_service(lab.fake.snapshot, 0);
	ck_assert_uint_gt(access->prev[0].table.nb, 0);
	ck_assert_uint_gt(access->prev[0].until_ms, (uint64_t)control_now_ms() + 30000);
	ck_assert_uint_le(
		access->prev[0].until_ms, (uint64_t)control_now_ms() + SNAPSHOT_WINDOW_MS);
	// The other service's table did not change.
	ck_assert_uint_eq(snapshot_service(lab.fake.snapshot, 1)->prev[0].table.nb, 0);
	ck_assert_double_gt(lab.control.services[0]->moved, 0.3);
	ck_assert_double_eq(lab.control.services[1]->moved, 0);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("publisher");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, publishes_what_is_configured);
	tcase_add_test(tc, knows_where_each_backend_stands);
	tcase_add_test(tc, generations_grow);
	tcase_add_test(tc, many_requests_are_served_together);
	tcase_add_test(tc, a_refused_snapshot_changes_nothing);
	tcase_add_test(tc, a_link_that_is_lost_ends_the_wait);
	tcase_add_test(tc, bits_that_change_on_the_way_are_not_lost);
	tcase_add_test(tc, an_operator_flips_bits_without_a_new_snapshot);
	tcase_add_test(tc, the_kernels_routes_come_before_the_files);
	tcase_add_test(tc, the_table_before_stays_for_a_while);
	return suite_run(tc);
}
