// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/eal.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct ipc_start start;
static char text[256], name[EAL_DEVICE_NAME_MAX], vdev[256];

static void setup(void)
{
	start = (struct ipc_start){
		.nb_workers = 2,
		.worker_cpus = {1, 2},
		.memory_mb = 256,
		.nb_ports = 2,
		.ports = {{.name = "out", .device = "net_af_xdp,iface=eth1", .mtu = 1500},
			{.name = "in", .device = "net_af_xdp,iface=eth2", .mtu = 1500}},
	};
}

START_TEST(a_sound_start_is_taken)
{
	ck_assert_int_eq(eal_check_start(&start, text, sizeof(text)), 0);
}
END_TEST

START_TEST(a_start_beyond_its_limits_is_refused)
{
	switch (_i) {
	case 0:
		start.nb_workers = 0;
		break;
	case 1:
		start.nb_workers = IPC_WORKERS_MAX + 1;
		break;
	case 2:
		start.nb_ports = 0;
		break;
	case 3:
		start.nb_ports = IPC_PORTS_MAX + 1;
		break;
	case 4:
		start.memory_mb = 1;
		break;
	case 5:
		start.hugepages = 3;
		break;
	case 6:
		start.idle = 2;
		break;
	case 7:
		start.txn_entries = 1000;
		break;
	case 8:
		start.bindings_max = UINT32_MAX;
		break;
	case 9:
		start.reassembly_flows = UINT32_MAX;
		break;
	case 10:
		start.worker_cpus[1] = UINT16_MAX;
		break;
	case 11:
		start.ports[1].name[0] = '\0';
		break;
	case 12:
		memset(start.ports[0].device, 'x', sizeof(start.ports[0].device));
		break;
	case 13:
		strcpy(start.ports[0].twin, "a,b=c");
		break;
	case 14:
		start.ports[0].mtu = 100;
		break;
	case 15:
		memset(start.file_prefix, 'x', sizeof(start.file_prefix));
		break;
	case 16:
		start.ports[0].mtu = 65535;
		break;
	}
	ck_assert_int_eq(eal_check_start(&start, text, sizeof(text)), -EINVAL);
	ck_assert_uint_gt(strlen(text), 0);
}
END_TEST

START_TEST(random_octets_are_checked_without_a_crash)
{
	uint32_t seed = (uint32_t)_i + 1;

	for (unsigned int n = 0; n < 500; n++) {
		uint8_t *p = (uint8_t *)&start;

		for (size_t i = 0; i < sizeof(start); i++)
			p[i] = (uint8_t)((seed = seed * 1103515245u + 12345u) >> 16);
		eal_check_start(&start, text, sizeof(text));
	}
}
END_TEST

START_TEST(a_driver_gets_a_number_and_its_queues)
{
	ck_assert(eal_device(&start, 1, name, vdev));
	ck_assert_str_eq(name, "net_af_xdp1");
	ck_assert_str_eq(vdev, "net_af_xdp1,iface=eth2,queue_count=2");
}
END_TEST

START_TEST(what_the_operator_wrote_stays)
{
	strcpy(start.ports[0].device, "net_af_xdp7,iface=eth1,queue_count=1");
	ck_assert(eal_device(&start, 0, name, vdev));
	ck_assert_str_eq(vdev, "net_af_xdp7,iface=eth1,queue_count=1");
	strcpy(start.ports[0].device, "net_ring3");
	ck_assert(eal_device(&start, 0, name, vdev));
	ck_assert_str_eq(vdev, "net_ring3");
}
END_TEST

START_TEST(two_ports_of_one_name_are_told_apart)
{
	strcpy(start.ports[0].device, "net_memif0,id=1");
	strcpy(start.ports[1].device, "net_memif0,id=2");
	ck_assert(eal_device(&start, 0, name, vdev));
	ck_assert_str_eq(name, "net_memif0_0");
	ck_assert(eal_device(&start, 1, name, vdev));
	ck_assert_str_eq(name, "net_memif0_1");
}
END_TEST

START_TEST(a_pci_address_is_no_virtual_device)
{
	strcpy(start.ports[0].device, "0000:3b:00.0");
	ck_assert(!eal_device(&start, 0, name, vdev));
	ck_assert_str_eq(name, "0000:3b:00.0");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("eal");
	TCase *tcase = tcase_create("eal");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, a_sound_start_is_taken);
	tcase_add_loop_test(tcase, a_start_beyond_its_limits_is_refused, 0, 17);
	tcase_add_loop_test(tcase, random_octets_are_checked_without_a_crash, 0, 4);
	tcase_add_test(tcase, a_driver_gets_a_number_and_its_queues);
	tcase_add_test(tcase, what_the_operator_wrote_stays);
	tcase_add_test(tcase, two_ports_of_one_name_are_told_apart);
	tcase_add_test(tcase, a_pci_address_is_no_virtual_device);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
