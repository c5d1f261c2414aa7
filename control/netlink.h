// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_NETLINK_H
#define CONTROL_NETLINK_H

#include "control/control.h"

// The kernel's side of the ports: gives each twin its addresses, follows neighbours and routes of
// the twins and ships them to the dataplane. Touches no interface but the twins, and works in the
// network namespace that the process is in. Every function tolerates netlink == NULL.

struct netlink;

struct netlink *netlink_create(struct control *control); // NULL and errno
void netlink_destroy(struct netlink *netlink);

// The twins exist: set them up, read what the kernel knows.
void netlink_dataplane_started(struct netlink *netlink);
// The listeners may have changed.
void netlink_reload(struct netlink *netlink);
// A snapshot is published: resolve the next hops of its backends and gateways before they are
// needed.
void netlink_snapshot_published(struct netlink *netlink);

// The dataplane misses a neighbour: have the kernel resolve it.
void netlink_resolve(struct netlink *netlink, uint16_t port, const struct ip_addr *ip);

#endif
