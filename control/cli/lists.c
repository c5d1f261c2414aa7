// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/cli/client.h"
#include "control/cli/columns.h"
#include "control/cli/text.h"

// The commands that print a table of what the daemon knows.

#define RATE_INTERVAL_MS 1000

typedef void row_fn(struct columns *table, const json_t *item);

static int print_table(struct cli *cli, const struct column *titles, unsigned int nb_titles,
	const json_t *list, row_fn *add_row)
{
	struct columns *table = columns_create(titles, nb_titles);
	size_t index;
	json_t *item;
	int error;

	json_array_foreach(list, index, item) add_row(table, item);
	error = columns_print(table, stdout, !cli->no_header);
	columns_destroy(table);
	return error != 0 ? cli_fail(CLI_REFUSED, "out of memory") : CLI_DONE;
}

// Ask, and print the answer's array `key` as a table.
static int list(struct cli *cli, const char *words, json_t *options, const char *key,
	const struct column *titles, unsigned int nb_titles, row_fn *add_row)
{
	json_t *answer;
	int status = client_ask(cli, words, options, &answer);

	if (status != CLI_DONE)
		return status;
	if (cli->json)
		client_print_json(answer);
	else
		status = print_table(cli, titles, nb_titles, json_object_get(answer, key), add_row);
	json_decref(answer);
	return status;
}

static void add_integer(struct columns *table, const json_t *item, const char *key)
{
	if (field_is_number(item, key))
		columns_addf(table, "%.0f", field_number(item, key));
	else
		columns_add(table, NULL);
}

static void add_share(struct columns *table, const json_t *item, const char *key)
{
	if (field_is_number(item, key))
		columns_addf(table, "%.1f%%", field_number(item, key) * 100);
	else
		columns_add(table, NULL);
}

static void add_duration(struct columns *table, const json_t *item, const char *key)
{
	char text[TEXT_DURATION_MAX];

	text_duration_format(field_seconds(item, key), text);
	columns_add(table, field_is_number(item, key) ? text : NULL);
}

static void service_row(struct columns *table, const json_t *item)
{
	char *listeners = NULL;
	size_t size = 0, index;
	FILE *out = open_memstream(&listeners, &size);
	json_t *listener;

	json_array_foreach(json_object_get(item, "listeners"), index,
		listener) if (out != NULL && json_is_string(listener))
		fprintf(out, "%s%s", index > 0 ? "," : "", json_string_value(listener));
	if (out != NULL)
		fclose(out);
	columns_add(table, field_text(item, "name"));
	columns_add(table, listeners);
	columns_add(table, field_text(item, "mode"));
	columns_add(table, field_text(item, "hash"));
	columns_addf(table, "%" PRId64 "/%" PRId64, field_integer(item, "usable"),
		field_integer(item, "backends"));
	columns_add(table, field_text(item, "table_hash"));
	add_integer(table, item, "requests");
	add_integer(table, item, "responses");
	add_integer(table, item, "replies");
	add_integer(table, item, "drops");
	add_integer(table, item, "parse_errors");
	free(listeners);
}

int cmd_service_list(struct cli *cli)
{
	static const struct column titles[] = {{"SERVICE", false}, {"LISTEN", false},
		{"MODE", false}, {"HASH", false}, {"USABLE", true}, {"TABLE", false},
		{"REQUESTS", true}, {"RESPONSES", true}, {"REPLIES", true}, {"DROPS", true},
		{"UNPARSABLE", true}};

	return list(cli, "service list", NULL, "services", titles, 11, service_row);
}

static void add_health(struct columns *table, const json_t *item)
{
	const char *health = field_text(item, "health");

	// "fall 2/3": still used, one more bad probe and it is down.
	if (health != NULL && strcmp(health, "falling") == 0)
		columns_addf(table, "fall %" PRId64 "/%" PRId64, field_integer(item, "streak"),
			field_integer(item, "fall"));
	else if (health != NULL && strcmp(health, "rising") == 0)
		columns_addf(table, "rise %" PRId64 "/%" PRId64, field_integer(item, "streak"),
			field_integer(item, "rise"));
	else
		columns_add(table, health);
}

static void add_probe(struct columns *table, const json_t *probe)
{
	if (field_true(probe, "paused"))
		columns_add(table, "paused");
	else if (field_is_number(probe, "status") && field_is_number(probe, "rtt_ms"))
		columns_addf(table, "%" PRId64 " %.1fms", field_integer(probe, "status"),
			field_number(probe, "rtt_ms"));
	else
		columns_add(table, field_text(probe, "result"));
}

static void add_by(struct columns *table, const json_t *item)
{
	const char *by = field_text(item, "by"), *reason = field_text(item, "reason");

	if (by != NULL && reason != NULL)
		columns_addf(table, "%s: %s", by, reason);
	else
		columns_add(table, by);
}

static void add_name(struct columns *table, const json_t *item)
{
	columns_addf(table, "%s/%s", field_text_or(item, "service", "-"),
		field_text_or(item, "name", "-"));
}

static void add_state(struct columns *table, const json_t *item)
{
	add_name(table, item);
	columns_add(table, field_text(item, "address"));
	columns_add(table, field_text(item, "admin"));
	add_health(table, item);
	add_duration(table, item, "since_s");
	add_integer(table, item, "effective_weight");
	add_share(table, item, "share");
}

static void backend_row(struct columns *table, const json_t *item)
{
	add_state(table, item);
	add_integer(table, item, "requests");
	add_integer(table, json_object_get(item, "responses"), "5xx");
	add_probe(table, json_object_get(item, "probe"));
	add_by(table, item);
}

static const json_t *find_same(const json_t *list, const json_t *backend)
{
	const char *service = field_text_or(backend, "service", "");
	const char *name = field_text_or(backend, "name", "");
	size_t index;
	json_t *item;

	json_array_foreach(
		list, index, item) if (strcmp(field_text_or(item, "service", ""), service) == 0 &&
		strcmp(field_text_or(item, "name", ""), name) == 0) return item;
	return NULL;
}

static void add_rate(struct columns *table, const json_t *before, const json_t *after,
	const char *key, double seconds)
{
	double difference = field_number(after, key) - field_number(before, key);

	// Less than before: the dataplane was started again.
	if (before == NULL || difference < 0)
		columns_add(table, NULL);
	else
		columns_addf(table, "%.1f", difference / seconds);
}

static int print_rates(struct cli *cli, const json_t *first, const json_t *second, double seconds)
{
	static const struct column titles[] = {{"BACKEND", false}, {"ADDRESS", false},
		{"ADMIN", false}, {"HEALTH", false}, {"SINCE", true}, {"WEIGHT", true},
		{"SLOTS", true}, {"REQ/S", true}, {"5XX/S", true}, {"PROBE", false}, {"BY", false}};
	const json_t *before = json_object_get(first, "backends");
	struct columns *table = columns_create(titles, 11);
	size_t index;
	json_t *item;
	int error;

	json_array_foreach(json_object_get(second, "backends"), index, item)
	{
		const json_t *was = find_same(before, item);

		add_state(table, item);
		add_rate(table, was, item, "requests", seconds);
		add_rate(table, json_object_get(was, "responses"),
			json_object_get(item, "responses"), "5xx", seconds);
		add_probe(table, json_object_get(item, "probe"));
		add_by(table, item);
	}
	error = columns_print(table, stdout, !cli->no_header);
	columns_destroy(table);
	return error != 0 ? cli_fail(CLI_REFUSED, "out of memory") : CLI_DONE;
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// Two readings, RATE_INTERVAL_MS apart.
static int backend_rates(struct cli *cli)
{
	struct timespec pause = {.tv_sec = RATE_INTERVAL_MS / 1000};
	json_t *first, *second;
	double start, seconds;
	int status = client_ask(cli, "backend list", NULL, &first);

	if (status != CLI_DONE)
		return status;
	start = seconds_now();
	nanosleep(&pause, NULL);
	status = client_ask(cli, "backend list", NULL, &second);
	seconds = seconds_now() - start;
	if (status == CLI_DONE) {
		status = print_rates(cli, first, second, seconds);
		json_decref(second);
	}
	json_decref(first);
	return status;
}

int cmd_backend_list(struct cli *cli)
{
	static const struct column titles[] = {{"BACKEND", false}, {"ADDRESS", false},
		{"ADMIN", false}, {"HEALTH", false}, {"SINCE", true}, {"WEIGHT", true},
		{"SLOTS", true}, {"REQUESTS", true}, {"5XX", true}, {"PROBE", false},
		{"BY", false}};

	if (cli_value(cli, "rates") != NULL && !cli->json)
		return backend_rates(cli);
	return list(cli, "backend list", NULL, "backends", titles, 11, backend_row);
}

static json_t *limit_option(struct cli *cli, const char *name, int *status)
{
	uint32_t number = 0;

	*status = cli_value_number(cli, name, &number);
	if (*status != CLI_DONE || number == 0)
		return NULL;
	return json_pack("{s:I}", name, (json_int_t)number);
}

static void registration_row(struct columns *table, const json_t *item)
{
	columns_add(table, field_text(item, "aor"));
	columns_add(table, field_text(item, "contact"));
	columns_addf(table, "%s/%s", field_text_or(item, "service", "-"),
		field_text_or(item, "backend", "-"));
	columns_add(table, field_text(item, "flow"));
	add_integer(table, item, "expires_s");
	columns_add(table, field_text(item, "node"));
}

static const struct column registration_titles[] = {{"AOR", false}, {"CONTACT", false},
	{"BACKEND", false}, {"FLOW", false}, {"EXPIRES", true}, {"NODE", false}};

int cmd_registration_list(struct cli *cli)
{
	int status;
	json_t *options = limit_option(cli, "limit", &status);

	if (status != CLI_DONE)
		return status;
	return list(cli, "registration list", options, "registrations", registration_titles, 6,
		registration_row);
}

int cmd_registration_show(struct cli *cli)
{
	return list(cli, "registration show", NULL, "bindings", registration_titles, 6,
		registration_row);
}

static void node_row(struct columns *table, const json_t *item)
{
	char *tables = NULL;
	const char *name;
	size_t size = 0;
	json_t *hash;
	FILE *out = open_memstream(&tables, &size);

	json_object_foreach(json_object_get(item, "tables"), name,
		hash) if (out != NULL && json_is_string(hash))
		fprintf(out, "%s%s:%s", ftell(out) > 0 ? "," : "", name, json_string_value(hash));
	if (out != NULL)
		fclose(out);
	columns_addf(table, "%s%s", field_text_or(item, "name", "-"),
		field_true(item, "self") ? " (this)" : "");
	columns_add(table, field_text(item, "state"));
	add_duration(table, item, "last_seen_s");
	add_integer(table, item, "generation");
	columns_add(table, field_text(item, "config_digest"));
	columns_add(table, tables);
	columns_add(table, field_true(item, "agrees") ? "yes" : "NO");
	free(tables);
}

int cmd_node_list(struct cli *cli)
{
	static const struct column titles[] = {{"NODE", false}, {"STATE", false}, {"SEEN", true},
		{"GENERATION", true}, {"CONFIG", false}, {"TABLES", false}, {"AGREES", false}};

	return list(cli, "node list", NULL, "nodes", titles, 7, node_row);
}
