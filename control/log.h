// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_LOG_H
#define CONTROL_LOG_H

#include <stdbool.h>

#include "config/config.h"

// The log of the control process. One thread only, the event loop's.
//
// ERR: someone must act. WARNING: degraded. NOTICE: state changed. INFO: start-up. DEBUG: the rest.
// A message says what, which and why; it has no line end.

#define LOG_LEVEL_ERR CONFIG_LOG_ERR
#define LOG_LEVEL_WARNING CONFIG_LOG_WARNING
#define LOG_LEVEL_NOTICE CONFIG_LOG_NOTICE
#define LOG_LEVEL_INFO CONFIG_LOG_INFO
#define LOG_LEVEL_DEBUG CONFIG_LOG_DEBUG

// Once a file: what its messages are about.
#define LOG_TOPIC(name) static const char log_topic[] = name

#define LOG(level, ...)                                                       \
	do {                                                                  \
		if (log_enabled(LOG_LEVEL_##level))                           \
			log_write(LOG_LEVEL_##level, log_topic, __VA_ARGS__); \
	} while (0)

// Until the first call messages go to stderr as logfmt, from INFO on.
void log_init(const struct config_log *config);

bool log_enabled(enum config_log_level level);

void log_write(enum config_log_level level, const char *topic, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
