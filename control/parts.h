// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_PARTS_H
#define CONTROL_PARTS_H

#include "control/control.h"

// All parts of a control process, created and taken down in the order in which they need each
// other.

// control->base is there and a configuration is applied. `socket` of the dataplane; NULL: the
// configuration's. What packets do not need to flow is gone without, with a log line.
// Return 0 or negative errno; parts_stop() is due either way.
int parts_start(struct control *control, const char *socket);

// Frees all parts, control->base and what control_fini() frees.
void parts_stop(struct control *control);

#endif
