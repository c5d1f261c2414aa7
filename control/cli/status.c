// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/cli/client.h"
#include "control/cli/columns.h"
#include "control/cli/text.h"

// `sipshunt status`, `version` and `ready`: how this node is doing, in a few lines.

#define line(name, ...)                   \
	do {                              \
		printf("%-14s ", (name)); \
		text_say(__VA_ARGS__);    \
	} while (0)

// "a; b; c" of an array of texts, to the heap.
static char *join(const json_t *list)
{
	char *text = NULL;
	size_t size = 0, index;
	FILE *out = open_memstream(&text, &size);
	json_t *item;

	if (out == NULL)
		return NULL;
	json_array_foreach(list, index, item) if (json_is_string(item))
		fprintf(out, "%s%s", index > 0 ? "; " : "", json_string_value(item));
	fclose(out);
	return text;
}

static void print_config(const json_t *config)
{
	const json_t *reload = json_object_get(config, "last_reload");
	const json_t *keys = json_object_get(config, "needs_restart");
	char *text = join(keys);

	line("config", "%s, digest %s", field_text_or(config, "path", "-"),
		field_text_or(config, "digest", "-"));
	if (field_true(reload, "success"))
		line("last reload", "accepted %s", field_text_or(reload, "at", "-"));
	else if (field_text(reload, "at") != NULL)
		line("last reload", "REFUSED %s: %s", field_text(reload, "at"),
			field_text_or(reload, "error", "-"));
	if (json_array_size(keys) > 0)
		line("needs restart", "%s", text != NULL ? text : "-");
	free(text);
}

static void print_dataplane(const json_t *dataplane)
{
	const json_t *ports = json_object_get(dataplane, "ports");
	size_t index;
	json_t *port;

	line("dataplane",
		"%s, pid %" PRId64 ", generation %" PRId64 ", %" PRId64 " of %" PRId64
		" workers alive, %" PRId64 " of %" PRId64 " mbufs in use",
		field_text_or(dataplane, "link", "-"), field_integer(dataplane, "pid"),
		field_integer(dataplane, "generation"), field_integer(dataplane, "workers_alive"),
		field_integer(dataplane, "workers"), field_integer(dataplane, "mbufs_in_use"),
		field_integer(dataplane, "mbufs_total"));
	if (strcmp(field_text_or(dataplane, "link", ""), "running") == 0 &&
		json_is_false(json_object_get(dataplane, "start_digest_matches")))
		line("",
			"started with another configuration: restart it to apply what needs a "
			"restart");
	json_array_foreach(ports, index, port)
	{
		line(index == 0 ? "ports" : "",
			"%s %s, mtu %" PRId64 ", twin %s, received %" PRId64 ", sent %" PRId64
			", missed %" PRId64 ", errors %" PRId64,
			field_text_or(port, "name", "-"),
			field_true(port, "link_up") ? "up" : "DOWN", field_integer(port, "mtu"),
			field_text_or(port, "twin", "-"), field_integer(port, "rx_packets"),
			field_integer(port, "tx_packets"), field_integer(port, "rx_missed"),
			field_integer(port, "rx_errors") + field_integer(port, "tx_errors"));
	}
}

static void print_services(const json_t *services)
{
	size_t index;
	json_t *service;

	json_array_foreach(services, index, service)
	{
		line(index == 0 ? "services" : "",
			"%s %" PRId64 " of %" PRId64 " backends usable, table %s, %" PRId64
			" requests, %" PRId64 " responses, %" PRId64 " dropped",
			field_text_or(service, "name", "-"), field_integer(service, "usable"),
			field_integer(service, "backends"),
			field_text_or(service, "table_hash", "-"),
			field_integer(service, "requests"), field_integer(service, "responses"),
			field_integer(service, "drops"));
	}
}

static void print_redis(const json_t *redis)
{
	const char *state = field_text_or(redis, "state", "-");
	const char *server = field_text_or(redis, "server", "no server");
	char age[TEXT_DURATION_MAX];

	text_duration_format(field_seconds(redis, "stale_s"), age);
	if (strcmp(state, "connected") == 0)
		line("redis", "connected to %s, %" PRId64 " commands pending", server,
			field_integer(redis, "pending"));
	else
		line("redis", "%s for %s, last known state stays, %s: %s",
			strcmp(state, "stale") == 0 ? "STALE" : state, age, server,
			field_text_or(redis, "error", "-"));
}

static void print_status(const json_t *answer)
{
	const json_t *redis = json_object_get(answer, "redis");
	const json_t *registrations = json_object_get(answer, "registrations");
	char *reasons = join(json_object_get(answer, "ready_reasons"));
	char uptime[TEXT_DURATION_MAX];

	text_duration_format(field_seconds(answer, "uptime_s"), uptime);
	line("node", "%s of cluster %s, sipshunt %s, pid %" PRId64 ", up %s",
		field_text_or(answer, "node", "-"), field_text_or(answer, "cluster", "-"),
		field_text_or(answer, "version", "-"), field_integer(answer, "pid"), uptime);
	if (field_true(answer, "ready"))
		line("ready", "yes");
	else
		line("ready", "NO: %s", reasons != NULL && reasons[0] != '\0' ? reasons : "-");
	free(reasons);
	print_config(json_object_get(answer, "config"));
	print_dataplane(json_object_get(answer, "dataplane"));
	print_services(json_object_get(answer, "services"));
	if (json_is_object(redis))
		print_redis(redis);
	else
		line("redis", "not configured, state is this node's own");
	line("registrations", "%" PRId64 " of at most %" PRId64,
		field_integer(registrations, "count"), field_integer(registrations, "max"));
}

int cmd_status(struct cli *cli)
{
	json_t *answer;
	int status = client_ask(cli, "status", NULL, &answer);

	if (status != CLI_DONE)
		return status;
	if (cli->json)
		client_print_json(answer);
	else
		print_status(answer);
	json_decref(answer);
	return CLI_DONE;
}

// The version of this command is known without a daemon; the daemon's is a bonus.
int cmd_version(struct cli *cli)
{
	json_t *answer = NULL;

	if (client_is_there(cli))
		client_ask(cli, "version", NULL, &answer);
	if (cli->json) {
		json_t *object =
			json_pack("{s:i, s:s}", "schema", CLI_SCHEMA, "version", SIPSHUNT_VERSION);

		json_object_set(object, "control", answer != NULL ? answer : json_null());
		client_print_json(object);
		json_decref(object);
	} else {
		printf("sipshunt " SIPSHUNT_VERSION "\n");
		if (answer != NULL)
			line("running", "sipshunt-control %s, dataplane pid %" PRId64,
				field_text_or(answer, "version", "-"),
				field_integer(answer, "dataplane_pid"));
	}
	json_decref(answer);
	return CLI_DONE;
}

int cmd_ready(struct cli *cli)
{
	json_t *answer;
	char *reasons;
	bool ready;
	int status = client_ask(cli, "ready", NULL, &answer);

	// A health check of a routing daemon knows yes, no and cannot tell.
	if (status != CLI_DONE)
		return CLI_USAGE;
	ready = field_true(answer, "ready");
	if (cli->json) {
		client_print_json(answer);
	} else if (ready) {
		puts("ready");
	} else {
		reasons = join(json_object_get(answer, "reasons"));
		printf("not ready: ");
		text_escape(stdout, strv_from(reasons != NULL ? reasons : "-"));
		putchar('\n');
		free(reasons);
	}
	json_decref(answer);
	return ready ? CLI_DONE : CLI_REFUSED;
}
