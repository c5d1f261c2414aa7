// SPDX-License-Identifier: BSD-3-Clause
#include "control/next_hop.h"

#include <string.h>

bool next_hop_covers(const struct ip_addr *prefix, uint8_t len, const struct ip_addr *ip)
{
	unsigned int octets = len / 8, bits = len % 8;

	if (prefix->family != ip->family || memcmp(prefix->octets, ip->octets, octets) != 0)
		return false;
	return bits == 0 ||
		((prefix->octets[octets] ^ ip->octets[octets]) & (0xff00 >> bits) & 0xff) == 0;
}

const struct snapshot_route *next_hop_find(
	const struct snapshot_route *routes, uint32_t nb, const struct ip_addr *ip)
{
	const struct snapshot_route *best = NULL;

	for (uint32_t i = 0; i < nb; i++) {
		if (next_hop_covers(&routes[i].prefix, routes[i].prefix_len, ip) &&
			(best == NULL || routes[i].prefix_len > best->prefix_len))
			best = &routes[i];
	}
	return best;
}
