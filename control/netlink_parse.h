// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_NETLINK_PARSE_H
#define CONTROL_NETLINK_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/dispatch/addr.h"

// What the kernel's messages say, taken apart.

struct nlmsghdr;

struct kernel_neighbour {
	unsigned int ifindex;
	struct ip_addr ip;
	bool valid; // mac can be used; false: it cannot be reached
	bool removed; // the kernel forgot it, which says nothing about it
	uint8_t mac[6];
};

#define KERNEL_ROUTE_ALSO_MAX 15

struct kernel_route {
	unsigned int ifindex; // of a multipath route: of its first next hop
	unsigned int also[KERNEL_ROUTE_ALSO_MAX]; // of the others; 0 ends the list
	struct ip_addr prefix;
	uint8_t prefix_len;
	struct ip_addr gateway; // family 0: on-link
	uint32_t metric;
};

// RTM_NEWNEIGH, RTM_DELNEIGH. Return 0, or -ENOENT when it says nothing about a unicast next hop.
int netlink_parse_neighbour(const struct nlmsghdr *nlh, struct kernel_neighbour *neighbour);
// RTM_NEWROUTE: return 0, or -ENOENT when it is not a unicast route of the main table.
int netlink_parse_route(const struct nlmsghdr *nlh, struct kernel_route *route);

#endif
