// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_REDIS_OPTIONS_H
#define CONTROL_REDIS_OPTIONS_H

#include <stdbool.h>

#include "control/redis.h"

// Private to redis.c: a copy of the options with every default filled in.

// Whether they name a server.
bool redis_options_are_sound(const struct redis_options *options);

// Returns 0 or -ENOMEM; redis_options_fini() is due either way.
int redis_options_copy(struct redis_options *to, const struct redis_options *from);

void redis_options_fini(struct redis_options *options);

#endif
