// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_NEXT_HOP_H
#define CONTROL_NEXT_HOP_H

#include "dataplane/dispatch/snapshot.h"

// Whether an address lies in a prefix.
bool next_hop_covers(const struct ip_addr *prefix, uint8_t len, const struct ip_addr *ip);

// The route with the longest prefix that has the address, or NULL. A linear search: for backends
// and gateways, not for packets.
const struct snapshot_route *next_hop_find(
	const struct snapshot_route *routes, uint32_t nb, const struct ip_addr *ip);

#endif
