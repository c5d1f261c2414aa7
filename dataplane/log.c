// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/log.h"

#include <rte_log.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static enum log_level log_max = LOG_INFO;

static const char *const level_names[] = {
	[LOG_ERR] = "error",
	[LOG_WARNING] = "warning",
	[LOG_NOTICE] = "notice",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

void log_write(enum log_level level, const char *topic, const char *format, ...)
{
	char line[1024];
	va_list args;

	if (level > log_max)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);

	if (getenv("JOURNAL_STREAM") != NULL) {
		// RTE_LOG_* count from 1 what syslog counts from 0.
		fprintf(stderr, "<%d>%s: %s\n", level - 1, topic, line);
	} else {
		char stamp[32] = "";
		time_t now = time(NULL);
		struct tm tm;

		if (gmtime_r(&now, &tm) != NULL)
			strftime(stamp, sizeof(stamp), "%FT%TZ", &tm);
		fprintf(stderr, "%s %s dataplane.%s: %s\n", stamp, level_names[level], topic, line);
	}
}

void log_set_level(enum log_level level)
{
	log_max = level;
	// EAL is talkative at its own info level: one step less.
	rte_log_set_global_level(level >= LOG_DEBUG ? RTE_LOG_DEBUG : RTE_LOG_WARNING);
}

int log_level_from_name(const char *name, enum log_level *level)
{
	for (unsigned int i = LOG_ERR; i <= LOG_DEBUG; i++) {
		if (strcmp(name, level_names[i]) == 0) {
			*level = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}
