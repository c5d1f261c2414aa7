// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_TABLE_MOVES_H
#define CONTROL_TABLE_MOVES_H

#include "dataplane/dispatch/snapshot.h"

// What share of a service's new calls goes elsewhere when one snapshot follows another.
struct table_moves {
	double share; // that moves, 0..1
	double ideal; // the least that could move
};

// The service of that name in both; false when one of them does not have it.
bool table_moves(const struct snapshot *from, const struct snapshot *to, const char *service,
	struct table_moves *moves);

// Index of the service in the snapshot, or SNAPSHOT_NONE.
uint16_t table_find_service(const struct snapshot *snapshot, const char *service);

// shares[i]: part of the rows whose first candidate is the service's backend i.
void table_shares(const struct snapshot *snapshot, uint16_t service, double *shares);

#endif
