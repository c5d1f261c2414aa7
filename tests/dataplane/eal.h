// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_DATAPLANE_EAL_H
#define TESTS_DATAPLANE_EAL_H

#include <check.h>

#include <rte_mbuf.h>

// EAL without hugepages, ports, shared configuration or threads, once for a test program, whose
// suite then runs without forking. Returns the program's exit code: no test may leave an mbuf of
// eal_pool or eal_large_pool in use.
int eal_run_suite(Suite *suite);

extern struct rte_mempool *eal_pool; // ordinary mbufs
extern struct rte_mempool *eal_large_pool; // of REASSEMBLER_DATA_ROOM

#endif
