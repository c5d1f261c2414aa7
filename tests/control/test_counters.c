// SPDX-License-Identifier: BSD-3-Clause
// Sums of what the workers count, as control.h has them.
#include "control/control.h"

#include "tests/control/lab.h"
#include "tests/control/suite.h"

#include <string.h>

static struct lab lab;

static void teardown(void)
{
	lab_stop(&lab);
}

static void start(void)
{
	lab_start(&lab, NULL);
	ck_assert(lab_until(&lab, lab_is_up));
}

START_TEST(without_a_dataplane_all_is_zero)
{
	struct ipc_service_counters service;
	struct ipc_backend_counters backend;
	const struct ipc_service_counters no_service = {0};
	const struct ipc_backend_counters no_backend = {0};

	lab_load(&lab, NULL);
	ck_assert_ptr_null(control_worker_counters(&lab.control, 0));
	ck_assert_ptr_null(control_port_counters(&lab.control, 0));
	memset(&service, 1, sizeof(service));
	memset(&backend, 1, sizeof(backend));
	control_service_counters(&lab.control, lab.control.services[0], &service);
	control_backend_counters(&lab.control, lab_backend(&lab, "access/b1"), &backend);
	ck_assert_mem_eq(&service, &no_service, sizeof(service));
	ck_assert_mem_eq(&backend, &no_backend, sizeof(backend));
	ck_assert_double_eq(control_backend_share(&lab.control, lab_backend(&lab, "access/b1")), 0);
}
END_TEST

START_TEST(workers_are_added_up_field_by_field)
{
	struct service *service;
	struct backend *b2;
	struct ipc_service_counters sum;
	struct ipc_backend_counters backend_sum;

	start();
	service = lab.control.services[0];
	b2 = lab_backend(&lab, "access/b2");
	for (uint32_t w = 0; w < 2; w++) {
		struct ipc_worker_counters *worker = fake_dataplane_counters(&lab.fake, w);
		uint64_t *fields = (uint64_t *)&worker->services[service->counter];

		for (size_t i = 0; i < sizeof(sum) / sizeof(uint64_t); i++)
			fields[i] = (w + 1) * 1000 + i;
		worker->backends[b2->counter].requests = 10 + w;
	}
	control_service_counters(&lab.control, service, &sum);
	for (size_t i = 0; i < sizeof(sum) / sizeof(uint64_t); i++)
		ck_assert_uint_eq(((uint64_t *)&sum)[i], 3000 + 2 * i);
	control_backend_counters(&lab.control, b2, &backend_sum);
	ck_assert_uint_eq(backend_sum.requests, 21);
	// A neighbour's slot is its own.
	control_backend_counters(&lab.control, lab_backend(&lab, "access/b1"), &backend_sum);
	ck_assert_uint_eq(backend_sum.requests, 0);
}
END_TEST

START_TEST(without_a_slot_nothing_is_counted)
{
	struct service service = {.counter = IPC_SERVICE_SLOTS};
	struct backend backend = {.counter = IPC_BACKEND_SLOTS};
	struct ipc_service_counters sum;
	struct ipc_backend_counters backend_sum;

	start();
	control_service_counters(&lab.control, &service, &sum);
	control_backend_counters(&lab.control, &backend, &backend_sum);
	for (size_t i = 0; i < sizeof(sum) / sizeof(uint64_t); i++)
		ck_assert_uint_eq(((uint64_t *)&sum)[i], 0);
	ck_assert_uint_eq(backend_sum.requests, 0);
}
END_TEST

START_TEST(there_are_as_many_workers_and_ports_as_the_dataplane_says)
{
	start();
	ck_assert_ptr_nonnull(control_worker_counters(&lab.control, 1));
	ck_assert_ptr_null(control_worker_counters(&lab.control, 2));
	ck_assert_ptr_null(control_worker_counters(&lab.control, UINT32_MAX));
	ck_assert_ptr_nonnull(control_port_counters(&lab.control, 1));
	ck_assert_ptr_null(control_port_counters(&lab.control, 2));
}
END_TEST

START_TEST(shares_add_up_to_one)
{
	double sum = 0;

	start();
	for (uint32_t i = 0; i < lab.control.services[0]->nb_backends; i++)
		sum += control_backend_share(&lab.control, lab.control.services[0]->backends[i]);
	ck_assert_double_eq_tol(sum, 1, 1e-9);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("counters");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_set_timeout(tc, 20);
	tcase_add_test(tc, without_a_dataplane_all_is_zero);
	tcase_add_test(tc, workers_are_added_up_field_by_field);
	tcase_add_test(tc, without_a_slot_nothing_is_counted);
	tcase_add_test(tc, there_are_as_many_workers_and_ports_as_the_dataplane_says);
	tcase_add_test(tc, shares_add_up_to_one);
	return suite_run(tc);
}
