// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_SLOTS_H
#define CONTROL_SLOTS_H

#include <stdint.h>

#include "config/config.h"

// Who has which slot of the counters in the shared memory. A name keeps its slot as long as it
// exists, and finds it again when it comes back, so that a reload keeps its statistics. A slot of a
// name that is gone is given to another only when no untouched one is left.

#define SLOTS_NAME_MAX (2 * CONFIG_NAME_MAX + 2)

struct slots;

struct slots *slots_create(uint16_t nb); // NULL and errno
void slots_destroy(struct slots *slots);

// Forget everything.
void slots_clear(struct slots *slots);
// Say that a name had a slot in an earlier life. A slot out of range is ignored.
void slots_adopt(struct slots *slots, uint16_t slot, const char *name);

// Returns the name's slot, or UINT16_MAX when all are held by others. Taking twice is fine.
uint16_t slots_take(struct slots *slots, const char *name);
void slots_release(struct slots *slots, uint16_t slot);

#endif
