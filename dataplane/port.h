// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_PORT_H
#define DATAPLANE_PORT_H

#include <rte_ethdev.h>

#include "dataplane/ipc.h"

#define PORT_NO_TWIN RTE_MAX_ETHPORTS

// A DPDK device that packets come from and go to, and its twin in the kernel.
struct port {
	uint16_t id; // of the ethdev
	uint16_t twin_id; // of the twin's ethdev, PORT_NO_TWIN: none
	uint16_t mtu; // octets of an IP packet
	bool tx_ip_cksum, tx_udp_cksum; // the device fills them in
	bool link_up;
	struct rte_ether_addr mac;
	char name[32];
	char twin[16];
};

struct port_config {
	const struct ipc_start_port *port;
	const char *device; // name of the ethdev: a PCI address or the vdev's
	uint16_t index;
	uint16_t nb_queues; // one pair per worker
	struct rte_mempool *pool;
};

// Configure and start the device and, if it has one, its twin. Main thread.
// Return 0, or a negative errno and text says what failed.
int port_open(struct port *port, const struct port_config *config, char *text, size_t len);
// Stop and close both. Safe on a port that was not opened (id == RTE_MAX_ETHPORTS).
void port_close(struct port *port);

#endif
