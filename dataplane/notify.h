// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_NOTIFY_H
#define DATAPLANE_NOTIFY_H

// Tell the service manager: "READY=1", "STOPPING=1" (sd_notify(3), without its library). Does
// nothing when no manager listens.
void notify(const char *state);

#endif
