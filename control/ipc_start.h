// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_IPC_START_H
#define CONTROL_IPC_START_H

#include "config/config.h"
#include "dataplane/ipc.h"

// What the dataplane is started with. The digest covers all of it, so that a later control process
// can tell whether its file would start it differently.
void ipc_start_make(const struct config *config, struct ipc_start *start);

#endif
