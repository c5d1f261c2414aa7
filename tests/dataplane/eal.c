// SPDX-License-Identifier: BSD-3-Clause
#include "tests/dataplane/eal.h"

#include "dataplane/reassembler.h"

#include <rte_eal.h>

#include <stdio.h>
#include <stdlib.h>

struct rte_mempool *eal_pool, *eal_large_pool;

int eal_run_suite(Suite *suite)
{
	char *argv[] = {"test", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m",
		"256", "--log-level=error", "-l", "0", NULL};
	unsigned int in_use;
	SRunner *runner;
	int failed;

	if (rte_eal_init(10, argv) < 0) {
		fputs("EAL does not start\n", stderr);
		return EXIT_FAILURE;
	}
	eal_pool = rte_pktmbuf_pool_create("eal", 1023, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	eal_large_pool = rte_pktmbuf_pool_create("large", 255, 0, 0, REASSEMBLER_DATA_ROOM, 0);
	if (eal_pool == NULL || eal_large_pool == NULL) {
		fputs("no memory for mbufs\n", stderr);
		return EXIT_FAILURE;
	}
	runner = srunner_create(suite);
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	in_use = rte_mempool_in_use_count(eal_pool) + rte_mempool_in_use_count(eal_large_pool);
	if (in_use != 0)
		fprintf(stderr, "%u mbufs are still in use\n", in_use);
	rte_eal_cleanup();
	return failed == 0 && in_use == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
