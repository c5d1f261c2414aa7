// SPDX-License-Identifier: BSD-3-Clause
#include "control/slow_start.h"

#include "tests/control/suite.h"

static struct config_service service_config;
static struct config_backend config;
static struct backend backend;
static struct backend *backends[] = {&backend};
static struct service service = {.config = &service_config, .backends = backends, .nb_backends = 1};
static struct service *services[] = {&service};
static struct control control = {.services = services, .nb_services = 1};

static void setup(void)
{
	service_config.slow_start_ms = 9000;
	config.weight = 100;
	backend = (struct backend){.service = &service, .config = &config, .weight = 100};
	backend.health.state = HEALTH_UP;
}

START_TEST(grows_in_steps)
{
	slow_start_begin(&backend, HEALTH_RISING, 1000);
	ck_assert_uint_eq(backend.weight, 10);
	ck_assert(!slow_start_step(&control, 1500));
	ck_assert(slow_start_step(&control, 2000));
	ck_assert_uint_eq(backend.weight, 20);
	ck_assert(slow_start_step(&control, 6000));
	ck_assert_uint_eq(backend.weight, 60);
	ck_assert(slow_start_step(&control, 10000));
	ck_assert_uint_eq(backend.weight, 100);
	ck_assert_int_eq(backend.slow_start_ms, 0);
	ck_assert(!slow_start_step(&control, 20000));
}
END_TEST

START_TEST(a_small_weight_is_never_nothing)
{
	config.weight = 1;
	slow_start_begin(&backend, HEALTH_DOWN, 1000);
	ck_assert_uint_eq(backend.weight, 1);
}
END_TEST

START_TEST(at_the_start_nobody_waits)
{
	slow_start_begin(&backend, HEALTH_UNKNOWN, 1000);
	ck_assert_uint_eq(backend.weight, 100);
	// But one that came by a reload does.
	backend.is_late = true;
	slow_start_begin(&backend, HEALTH_UNKNOWN, 1000);
	ck_assert_uint_eq(backend.weight, 10);
}
END_TEST

START_TEST(off_is_off)
{
	service_config.slow_start_ms = 0;
	slow_start_begin(&backend, HEALTH_DOWN, 1000);
	ck_assert_uint_eq(backend.weight, 100);
	ck_assert(!slow_start_step(&control, 2000));
}
END_TEST

START_TEST(one_that_fails_meanwhile_begins_anew)
{
	slow_start_begin(&backend, HEALTH_DOWN, 1000);
	backend.health.state = HEALTH_DOWN;
	ck_assert(slow_start_step(&control, 2000));
	ck_assert_uint_eq(backend.weight, 100);
	backend.health.state = HEALTH_UP;
	slow_start_begin(&backend, HEALTH_RISING, 3000);
	ck_assert_uint_eq(backend.weight, 10);
}
END_TEST

START_TEST(turned_off_by_a_reload_it_ends)
{
	slow_start_begin(&backend, HEALTH_DOWN, 1000);
	service_config.slow_start_ms = 0;
	ck_assert(slow_start_step(&control, 1100));
	ck_assert_uint_eq(backend.weight, 100);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("slow_start");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, grows_in_steps);
	tcase_add_test(tc, a_small_weight_is_never_nothing);
	tcase_add_test(tc, at_the_start_nobody_waits);
	tcase_add_test(tc, off_is_off);
	tcase_add_test(tc, one_that_fails_meanwhile_begins_anew);
	tcase_add_test(tc, turned_off_by_a_reload_it_ends);
	return suite_run(tc);
}
