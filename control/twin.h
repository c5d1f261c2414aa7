// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_TWIN_H
#define CONTROL_TWIN_H

#include <stdint.h>

#include "dataplane/dispatch/addr.h"

// Requests to the kernel about one interface, each answered before the call returns. They need
// CAP_NET_ADMIN.

struct mnl_socket;

struct mnl_socket *twin_open(void); // NULL and errno
void twin_close(struct mnl_socket *socket);

// Return 0 or negative errno; what is there already is fine.
int twin_set_up(struct mnl_socket *socket, unsigned int ifindex);
// No duplicate address detection: a balancer's address is where it was put.
int twin_add_address(struct mnl_socket *socket, unsigned int ifindex, const struct ip_addr *ip,
	uint8_t prefix_len);
int twin_del_address(struct mnl_socket *socket, unsigned int ifindex, const struct ip_addr *ip,
	uint8_t prefix_len);
// -EEXIST: the host has another default route of that family, which stays.
int twin_add_gateway(
	struct mnl_socket *socket, unsigned int ifindex, const struct ip_addr *gateway);
// Have the kernel find out who has the address, or ask again if it thinks to know.
int twin_resolve(struct mnl_socket *socket, unsigned int ifindex, const struct ip_addr *ip);

#endif
