// SPDX-License-Identifier: BSD-3-Clause
#ifndef DISPATCH_TABLE_H
#define DISPATCH_TABLE_H

#include <stddef.h>
#include <stdint.h>

// The lookup table of a service: weighted rendezvous hashing, in integers only, so that every node
// builds the same bits. Removing a backend moves its rows and no other.

#define TABLE_CANDIDATES 4

struct table_backend {
	uint64_t name_hash; // SipHash of its name under the cluster's table key
	uint16_t weight; // 0: in no row
	uint16_t index; // what the row holds
};

// 65,536 rows, or 262,144 above 64 backends.
uint32_t table_rows(uint32_t nb_backends);

// Fill rows[nb_rows * TABLE_CANDIDATES] with backend indices, best first, UINT16_MAX where there are
// fewer than TABLE_CANDIDATES backends. Order of `backends` does not matter.
void table_build(const struct table_backend *backends, uint32_t nb_backends, uint16_t *rows,
	uint32_t nb_rows);

// The rendezvous score of one backend in one row: the highest wins, ties go to the lower name_hash.
uint64_t table_score(const struct table_backend *backend, uint32_t row);

#endif
