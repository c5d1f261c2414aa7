// SPDX-License-Identifier: BSD-3-Clause
#include "bench/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static const char *bench_name;
static FILE *json_file;
static char host_words[512]; // members of the host's object

// A line of /proc/cpuinfo, its value only; "unknown" without one.
static void cpu_model(char *out, size_t room)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	char line[256];

	snprintf(out, room, "unknown");
	if (f == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL) {
		char *value = strstr(line, ": ");

		if (strncmp(line, "model name", 10) != 0 || value == NULL)
			continue;
		value[strcspn(value, "\"\\\n")] = '\0';
		snprintf(out, room, "%s", value + 2);
		break;
	}
	fclose(f);
}

void report_host(const char *name, const char *value)
{
	size_t len = strlen(host_words);

	snprintf(host_words + len, sizeof(host_words) - len, ", \"%s\": \"%s\"", name, value);
}

int report_open_plain(const char *bench, const char *json)
{
	struct utsname uts = {0};
	char model[128];

	bench_name = bench;
	cpu_model(model, sizeof(model));
	uname(&uts);
	printf("%s on %s, %ld cores, Linux %s, %s\n\n", bench, model, sysconf(_SC_NPROCESSORS_ONLN),
		uts.release, __VERSION__);
	if (json == NULL)
		return 0;
	json_file = fopen(json, "w");
	if (json_file == NULL)
		return -errno;
	fprintf(json_file,
		"[\n{\"bench\": \"host\", \"cpu\": \"%s\", \"cores\": %ld, \"kernel\": \"%s\", "
		"\"compiler\": \"%s\"%s}",
		model, sysconf(_SC_NPROCESSORS_ONLN), uts.release, __VERSION__, host_words);
	return 0;
}

int report_open(const char *bench, const char *json)
{
	int ret = report_open_plain(bench, json);

	printf("%-28s %-28s %14s\n", "CASE", "METRIC", "VALUE");
	return ret;
}

void report_row(const char *case_name, const char *metric, double value, const char *unit)
{
	printf("%-28s %-28s %14.4g %s\n", case_name, metric, value, unit);
	report_value(case_name, metric, value, unit);
}

void report_value(const char *case_name, const char *metric, double value, const char *unit)
{
	if (json_file != NULL)
		fprintf(json_file,
			",\n{\"bench\": \"%s\", \"case\": \"%s\", \"metric\": \"%s\", "
			"\"value\": %.9g, \"unit\": \"%s\"}",
			bench_name, case_name, metric, value, unit);
}

int report_close(void)
{
	int bad;

	if (json_file == NULL)
		return 0;
	fprintf(json_file, "\n]\n");
	bad = ferror(json_file);
	bad |= fclose(json_file);
	json_file = NULL;
	return bad ? -EIO : 0;
}

uint64_t report_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double report_median(double *values, size_t nb)
{
	qsort(values, nb, sizeof(*values), compare_doubles);
	return nb % 2 ? values[nb / 2] : (values[nb / 2 - 1] + values[nb / 2]) / 2;
}
