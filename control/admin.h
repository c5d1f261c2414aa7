// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_ADMIN_H
#define CONTROL_ADMIN_H

#include "control/control.h"

// The admin socket (docs/admin-protocol.md).

struct admin;

// Listens on admin.socket. NULL and errno: EADDRINUSE when another process serves it.
struct admin *admin_create(struct control *control);
void admin_destroy(struct admin *admin);

#endif
