// SPDX-License-Identifier: BSD-3-Clause
#include "control/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#define LOG_LINE_MAX 1024

static struct config_log settings = {.level = CONFIG_LOG_INFO};

static const char *const level_names[] = {
	[CONFIG_LOG_ERR] = "error",
	[CONFIG_LOG_WARNING] = "warning",
	[CONFIG_LOG_NOTICE] = "notice",
	[CONFIG_LOG_INFO] = "info",
	[CONFIG_LOG_DEBUG] = "debug",
};

static const int syslog_levels[] = {
	[CONFIG_LOG_ERR] = LOG_ERR,
	[CONFIG_LOG_WARNING] = LOG_WARNING,
	[CONFIG_LOG_NOTICE] = LOG_NOTICE,
	[CONFIG_LOG_INFO] = LOG_INFO,
	[CONFIG_LOG_DEBUG] = LOG_DEBUG,
};

void log_init(const struct config_log *config)
{
	settings = *config;
	if (settings.target == CONFIG_LOG_SYSLOG)
		openlog("sipshunt-control", LOG_PID, LOG_DAEMON);
}

bool log_enabled(enum config_log_level level)
{
	return level <= settings.level;
}

// A message may quote what a peer or a file said: quotes, backslashes and control characters must
// not end the value early or forge a line.
static void escape(const char *in, char *out, size_t size)
{
	static const char hex[] = "0123456789abcdef";
	size_t len = 0;

	for (; *in != '\0' && len + 7 < size; in++) {
		unsigned char c = (unsigned char)*in;

		if (c == '"' || c == '\\') {
			out[len++] = '\\';
			out[len++] = (char)c;
		} else if (c < 0x20 || c == 0x7f) {
			memcpy(out + len, "\\u00", 4);
			out[len + 4] = hex[c >> 4];
			out[len + 5] = hex[c & 15];
			len += 6;
		} else {
			out[len++] = (char)c;
		}
	}
	out[len] = '\0';
}

static void write_stderr(enum config_log_level level, const char *topic, const char *message)
{
	char escaped[2 * LOG_LINE_MAX];
	char when[32];
	struct timespec now;
	struct tm utc;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &utc);
	escape(message, escaped, sizeof(escaped));
	if (settings.format == CONFIG_LOG_JSON)
		fprintf(stderr,
			"{\"ts\":\"%s.%03ldZ\",\"level\":\"%s\",\"topic\":\"%s\",\"msg\":\"%s\"}\n",
			when, now.tv_nsec / 1000000, level_names[level], topic, escaped);
	else
		fprintf(stderr, "ts=%s.%03ldZ level=%s topic=%s msg=\"%s\"\n", when,
			now.tv_nsec / 1000000, level_names[level], topic, escaped);
}

void log_write(enum config_log_level level, const char *topic, const char *format, ...)
{
	char message[LOG_LINE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);

	switch (settings.target) {
	case CONFIG_LOG_SYSLOG:
		syslog(syslog_levels[level], "%s: %s", topic, message);
		break;
	case CONFIG_LOG_JOURNAL:
		// The journal reads the priority from the prefix and stamps the time itself.
		fprintf(stderr, "<%d>%s: %s\n", syslog_levels[level], topic, message);
		break;
	case CONFIG_LOG_STDERR:
		write_stderr(level, topic, message);
		break;
	}
}
