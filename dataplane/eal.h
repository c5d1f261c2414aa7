// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_EAL_H
#define DATAPLANE_EAL_H

#include <stdbool.h>
#include <stddef.h>

#include "dataplane/ipc.h"

#define EAL_DEVICE_NAME_MAX 64

struct eal_devices {
	char names[IPC_PORTS_MAX][EAL_DEVICE_NAME_MAX]; // of the ethdev of each port
};

// Is every field within its limits? Strings may lack their NUL when they come from a socket; they
// are cut there. Return 0, or -EINVAL and text says which.
int eal_check_start(struct ipc_start *start, char *text, size_t len);

// Start EAL as `start` says. Once per process, in its main thread.
// Return 0, or a negative errno and text says what failed.
int eal_start(const struct ipc_start *start, struct eal_devices *devices, char *text, size_t len);

// Write the name of a port's ethdev and, for a virtual device, the argument for --vdev: the same
// with a number behind the driver's name, so that two ports may name the same driver, and with
// queue_count for net_af_xdp. Returns whether it is a virtual device.
bool eal_device(const struct ipc_start *start, uint32_t port, char name[EAL_DEVICE_NAME_MAX],
	char vdev[256]);

#endif
