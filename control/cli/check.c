// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "control/cli/text.h"
#include "control/notes.h"
#include "control/reload.h"

// `sipshunt check`: a configuration file without a running sipshunt.

static uint32_t nb_backends(const struct config *config)
{
	uint32_t nb = 0;

	for (uint32_t i = 0; i < config->nb_services; i++)
		nb += config->services[i].nb_backends;
	return nb;
}

static bool is_in_network(const struct config_addr *addr, const struct config_prefix *network)
{
	unsigned int whole = network->length / 8, rest = network->length % 8;

	if (addr->family != network->addr.family || memcmp(addr->ip, network->addr.ip, whole) != 0)
		return false;
	return rest == 0 || (addr->ip[whole] ^ network->addr.ip[whole]) >> (8 - rest) == 0;
}

// An address in no network of ours: routers send it here, perhaps to several nodes.
static bool is_routed(const struct config *config, const struct config_addr *addr)
{
	for (uint32_t i = 0; i < config->dataplane.nb_ports; i++) {
		const struct config_port *port = &config->dataplane.ports[i];

		for (uint32_t k = 0; k < port->nb_addresses; k++)
			if (is_in_network(addr, &port->addresses[k]))
				return false;
	}
	return true;
}

static bool has_routed_listener(const struct config *config)
{
	for (uint32_t i = 0; i < config->nb_services; i++)
		for (uint32_t k = 0; k < config->services[i].nb_listen; k++)
			if (is_routed(config, &config->services[i].listen[k].address))
				return true;
	return false;
}

static void add_note(const char *text, void *arg)
{
	json_array_append_new(arg, json_string(text));
}

// What is allowed but may surprise.
static json_t *make_notes(const struct config *config)
{
	json_t *notes = json_array();

	if (!config->has_keys)
		json_array_append_new(notes,
			json_string("no cluster_keys: a key is made up at the start, so calls do "
				    "not survive a restart of both processes, and no second node "
				    "can serve them"));
	if (has_routed_listener(config))
		json_array_append_new(notes,
			json_string("a listener is in no network of a port: if routers spread its "
				    "packets over several nodes, they must do it by addresses "
				    "alone (L3), as fragments carry no ports"));
	notes_make(config, add_note, notes);
	return notes;
}

static void print_notes(const struct config *config)
{
	json_t *notes = make_notes(config), *note;
	size_t index;

	json_array_foreach(notes, index, note) printf("note: %s\n", json_string_value(note));
	json_decref(notes);
}

static void print_json(
	const char *file, const struct config *config, const struct config_errors *errs)
{
	json_t *list = json_array();
	json_t *object = json_object();
	char digest[24];

	for (uint32_t i = 0; i < errs->nb_items; i++) {
		const struct config_error *error = &errs->items[i];

		json_array_append_new(list,
			json_pack("{s:o, s:i, s:i, s:o, s:o}", "file",
				text_json(strv_from(error->file), NULL), "line", (int)error->line,
				"column", (int)error->column, "path",
				text_json(strv_from(error->path), NULL), "message",
				text_json(strv_from(error->message), NULL)));
	}
	json_object_set_new(object, "schema", json_integer(CLI_SCHEMA));
	json_object_set_new(object, "file", text_json(strv_from(file), NULL));
	json_object_set_new(object, "ok", json_boolean(config != NULL));
	json_object_set_new(object, "errors", list);
	json_object_set_new(object, "errors_not_shown", json_integer(errs->nb_dropped));
	if (config != NULL) {
		snprintf(digest, sizeof(digest), "%016" PRIx64, config->digest);
		json_object_set_new(object, "digest", json_string(digest));
		json_object_set_new(object, "services", json_integer(config->nb_services));
		json_object_set_new(object, "backends", json_integer(nb_backends(config)));
		json_object_set_new(object, "notes", make_notes(config));
	}
	json_dumpf(object, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	putchar('\n');
	json_decref(object);
}

static void print_errors(const struct config_errors *errs)
{
	uint32_t nb = errs->nb_items + errs->nb_dropped;

	// One line each, whatever the file holds.
	for (uint32_t i = 0; i < errs->nb_items; i++) {
		int len = config_error_format(&errs->items[i], NULL, 0);
		char *line = len >= 0 ? malloc((size_t)len + 1) : NULL;

		if (line == NULL)
			continue;
		config_error_format(&errs->items[i], line, (size_t)len + 1);
		text_escape(stderr, strv_from(line));
		fputc('\n', stderr);
		free(line);
	}
	if (errs->nb_dropped > 0)
		fprintf(stderr, "and %" PRIu32 " more\n", errs->nb_dropped);
	fprintf(stderr, "%" PRIu32 " error%s, nothing was applied\n", nb, nb == 1 ? "" : "s");
}

// What the control process would refuse although each file by itself is fine.
static bool has_colliding_ids(const char *file, const struct config *config)
{
	char text[256];

	if (reload_check_ids(config, text, sizeof(text)) == 0)
		return false;
	cli_fail(0, "%s: %s", file, text);
	return true;
}

struct config *cli_load_config(const char *file)
{
	struct config_errors errs = {0};
	struct config *config = config_load(file, &errs);

	if (config == NULL && errs.nb_items > 0)
		print_errors(&errs);
	else if (config == NULL)
		cli_fail(0, "%s: %s", file, strerror(errno));
	config_errors_fini(&errs);
	if (config != NULL && has_colliding_ids(file, config)) {
		config_destroy(config);
		return NULL;
	}
	return config;
}

int cmd_check(struct cli *cli)
{
	struct config_errors errs = {0};
	struct config *config = config_load(cli->args[0], &errs);
	int status = config != NULL ? CLI_DONE : CLI_REFUSED;

	if (config != NULL && has_colliding_ids(cli->args[0], config)) {
		config_destroy(config);
		return CLI_REFUSED;
	}
	if (config == NULL && errs.nb_items == 0) {
		cli_fail(0, "%s: %s", cli->args[0], strerror(errno));
	} else if (cli->json) {
		print_json(cli->args[0], config, &errs);
	} else if (config == NULL) {
		print_errors(&errs);
	} else {
		text_escape(stdout, strv_from(cli->args[0]));
		printf(": ok, %" PRIu32 " service%s with %" PRIu32 " backend%s, digest %016" PRIx64
		       "\n",
			config->nb_services, config->nb_services == 1 ? "" : "s",
			nb_backends(config), nb_backends(config) == 1 ? "" : "s", config->digest);
		print_notes(config);
	}
	config_destroy(config);
	config_errors_fini(&errs);
	return status;
}
