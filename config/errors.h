// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONFIG_ERRORS_H
#define CONFIG_ERRORS_H

#include "config/config.h"

#include <stdint.h>

// A place in the file, from 1; 0 when the whole file is meant.
struct mark {
	uint32_t line;
	uint32_t column;
};

// Add an error unless the same is there. Never fails: without memory it is counted as dropped.
void errors_add(struct config_errors *errs, const char *file, struct mark mark, const char *path,
	const char *message);

// Whether another error would only be counted.
bool errors_full(const struct config_errors *errs);

// Bring the errors into the order of the file.
void errors_sort(struct config_errors *errs);

#endif
