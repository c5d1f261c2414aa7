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

// 262,144 rows, whatever the number of backends: a table that grew with its service would move every
// call when it grows. The balance of 300 backends needs this many.
uint32_t table_rows(uint32_t nb_backends);

// Fill rows[nb_rows * TABLE_CANDIDATES] with backend indices, best first, UINT16_MAX where there are
// fewer than TABLE_CANDIDATES backends. Order of `backends` does not matter.
void table_build(const struct table_backend *backends, uint32_t nb_backends, uint16_t *rows,
	uint32_t nb_rows);

// How a backend's name enters the rendezvous.
uint64_t table_name_hash(const uint8_t table_key[16], const char *name);

// The rendezvous score of one backend in one row: the highest wins, ties go to the lower name_hash.
uint64_t table_score(const struct table_backend *backend, uint32_t row);

// What a change of a service's table moves (first candidates only).
struct table_diff {
	uint32_t rows; // compared: of the larger table
	uint32_t moved; // rows whose first candidate is another backend, or none
	double ideal; // the least that can move: the sum of what shares have to grow, 0..1
};

// One of the two tables: its rows, and for each index in them the stable id and the weight.
struct table_view {
	const uint16_t *rows;
	uint32_t nb_rows;
	const uint32_t *ids;
	const uint16_t *weights;
	uint32_t nb_backends;
	uint16_t first; // the index that rows hold for ids[0]
};

struct table_diff table_compare(const struct table_view *from, const struct table_view *to);

#endif
