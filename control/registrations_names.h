// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_REGISTRATIONS_NAMES_H
#define CONTROL_REGISTRATIONS_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "parser/strv.h"

// Names of nodes and backends that many bindings share: equal names are the same pointer. They stay
// until the end; there cannot be many.

#define REGISTRATIONS_NAMES_MAX 16384

struct name {
	struct name *next;
	size_t len;
	char text[]; // NUL-terminated
};

struct names {
	uint8_t key[16]; // random: others choose names
	struct name *buckets[256];
	uint32_t nb;
};

// Returns NULL when there are too many, or no memory is left. Never of an empty text.
const struct name *names_intern(struct names *names, struct strv text);

void names_fini(struct names *names);

#endif
