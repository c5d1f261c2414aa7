// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_READY_H
#define CONTROL_READY_H

#include "control/control.h"

// Whether packets can flow.

#define READY_REASONS_MAX 16
#define READY_TEXT_MAX 160

struct ready {
	bool ok;
	uint32_t nb_reasons; // what is missing
	char reasons[READY_REASONS_MAX][READY_TEXT_MAX];
};

// For one service, or with NULL for all of them.
void ready_check(const struct control *control, const struct service *service, struct ready *ready);

// How many workers moved since the last call that was at least 100 ms earlier.
uint32_t ready_workers_alive(const struct control *control);

#endif
