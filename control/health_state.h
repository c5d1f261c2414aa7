// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_HEALTH_STATE_H
#define CONTROL_HEALTH_STATE_H

#include "control/control.h"

// The rules of health, without clocks and sockets.

// Count one probe's result into health->own and health->streak. PROBE_NOT_SENT changes nothing.
void health_state_count(struct backend_health *health, const struct config_health_check *check,
	enum probe_result result);

// What own view and verdict together mean. The cluster's word beats our timeouts, but not our own
// certain evidence: probes that fail and an ICMP error that says why.
enum health_state health_state_effective(const struct backend_health *health);

bool health_status_is_good(const struct config_health_check *check, uint16_t status);

#endif
