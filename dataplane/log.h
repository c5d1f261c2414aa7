// SPDX-License-Identifier: BSD-3-Clause
#ifndef DATAPLANE_LOG_H
#define DATAPLANE_LOG_H

#include <stdbool.h>

// Log lines of the dataplane, to standard error with the level in front as the journal reads it.
// Only the main thread logs: a worker counts and leaves events instead.

enum log_level { // the values of RTE_LOG_* and struct ipc_log
	LOG_ERR = 4,
	LOG_WARNING = 5,
	LOG_NOTICE = 6,
	LOG_INFO = 7,
	LOG_DEBUG = 8,
};

#define LOG_TOPIC(name) static const char log_topic[] = name
#define LOG(level, ...) log_write(LOG_##level, log_topic, __VA_ARGS__)

void log_write(enum log_level level, const char *topic, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

// Lines less important than `level` are left out from now on. Also sets the level of EAL's own.
void log_set_level(enum log_level level);

// "debug" -> LOG_DEBUG. Return 0 or -EINVAL.
int log_level_from_name(const char *name, enum log_level *level);

#endif
