// SPDX-License-Identifier: BSD-3-Clause
#include "control/slots.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct slot {
	bool held;
	char name[SLOTS_NAME_MAX]; // empty: nobody ever had it
};

struct slots {
	uint16_t nb;
	struct slot items[];
};

struct slots *slots_create(uint16_t nb)
{
	struct slots *slots = calloc(1, sizeof(*slots) + nb * sizeof(slots->items[0]));

	if (slots != NULL)
		slots->nb = nb;
	return slots;
}

void slots_destroy(struct slots *slots)
{
	free(slots);
}

void slots_clear(struct slots *slots)
{
	memset(slots->items, 0, slots->nb * sizeof(slots->items[0]));
}

void slots_adopt(struct slots *slots, uint16_t slot, const char *name)
{
	if (slot < slots->nb)
		snprintf(slots->items[slot].name, sizeof(slots->items[slot].name), "%s", name);
}

uint16_t slots_take(struct slots *slots, const char *name)
{
	uint16_t untouched = UINT16_MAX, left = UINT16_MAX;
	uint16_t slot;

	for (uint16_t i = 0; i < slots->nb; i++) {
		if (strcmp(slots->items[i].name, name) == 0) {
			slots->items[i].held = true;
			return i;
		}
		if (untouched == UINT16_MAX && slots->items[i].name[0] == '\0')
			untouched = i;
		if (left == UINT16_MAX && !slots->items[i].held)
			left = i;
	}
	slot = untouched != UINT16_MAX ? untouched : left;
	if (slot != UINT16_MAX) {
		slots->items[slot].held = true;
		snprintf(slots->items[slot].name, sizeof(slots->items[slot].name), "%s", name);
	}
	return slot;
}

void slots_release(struct slots *slots, uint16_t slot)
{
	if (slot < slots->nb)
		slots->items[slot].held = false;
}
