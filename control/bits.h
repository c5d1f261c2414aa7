// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_BITS_H
#define CONTROL_BITS_H

#include "control/control.h"

// What operator and health together mean for one backend.
struct bits {
	bool fresh; // may get new dialogs
	bool pinned; // may get what belongs to it
};

// Decide for all backends of a service; bits[i] belongs to service->backends[i].
//
// Only ready backends get new dialogs, and only usable ones: UP, FALLING, or not checked at all.
// UNKNOWN counts as usable while every checked backend that is not in maint is unknown. When the
// usable share of the ready weight is below the panic threshold, or nothing is usable and
// when_all_down is `spread`, health is ignored.
void bits_decide(const struct service *service, struct bits *bits);

// Backends of the service that may get new dialogs.
uint32_t bits_nb_usable(const struct service *service);

#endif
