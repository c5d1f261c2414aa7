// SPDX-License-Identifier: BSD-3-Clause
#include "control/log.h"

#include "control/utf8.h"

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

// A message may quote what a peer or a file said: control characters must not forge a line, quotes
// and backslashes not end a value early (when `quoted`), and what is not UTF-8 not break JSON.
static void escape(const char *in, bool quoted, char *out, size_t size)
{
	struct strv left = strv_from(in);
	size_t len = 0;

	while (left.len > 0 && len + 7 < size) {
		uint32_t c;
		unsigned int nb = utf8_decode(left, &c);

		if (nb == 0)
			len += (size_t)sprintf(out + len, "%s", UTF8_REPLACEMENT);
		else if (c < 0x20 || c == 0x7f)
			len += (size_t)sprintf(out + len, "\\u%04x", c);
		else if (quoted && (c == '"' || c == '\\'))
			len += (size_t)sprintf(out + len, "\\%c", (char)c);
		else
			len += (size_t)sprintf(out + len, "%.*s", (int)nb, left.ptr);
		nb = nb == 0 ? 1 : nb;
		left = (struct strv){left.ptr + nb, left.len - nb};
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
	escape(message, true, escaped, sizeof(escaped));
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
	char message[LOG_LINE_MAX], escaped[2 * LOG_LINE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);

	switch (settings.target) {
	case CONFIG_LOG_SYSLOG:
		escape(message, false, escaped, sizeof(escaped));
		syslog(syslog_levels[level], "%s: %s", topic, escaped);
		break;
	case CONFIG_LOG_JOURNAL:
		// The journal reads the priority from the prefix and stamps the time itself.
		escape(message, false, escaped, sizeof(escaped));
		fprintf(stderr, "<%d>%s: %s\n", syslog_levels[level], topic, escaped);
		break;
	case CONFIG_LOG_STDERR:
		write_stderr(level, topic, message);
		break;
	}
}
