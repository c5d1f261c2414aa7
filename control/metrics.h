// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_METRICS_H
#define CONTROL_METRICS_H

#include "control/control.h"

// Prometheus: serves GET /metrics on the sockets of metrics.listen. docs/metrics.md lists what is
// there. A page is made in one go and sent from a buffer, so a slow reader holds nobody up.

struct metrics;

// Returns NULL and errno: nothing could be listened on.
struct metrics *metrics_create(struct control *control);
void metrics_destroy(struct metrics *metrics);

#endif
