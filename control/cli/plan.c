// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "control/cli/columns.h"
#include "control/cli/text.h"
#include "control/notes.h"
#include "control/table_key.h"
#include "dataplane/dispatch/addr.h"
#include "dataplane/dispatch/table.h"

// `sipshunt plan`: which share of a service's rows, and so of its calls, another configuration
// moves.

#define NOWHERE UINT16_MAX

struct plan_backend {
	const char *name;
	const struct config_backend *from, *to; // NULL: not there
	double before, after; // share of the rows
	double wanted_before, wanted_after; // share of the weight
	double gets, loses; // share of the rows
};

struct plan_side {
	const struct config_service *service;
	uint8_t key[16];
	uint16_t *owner; // of each row: index into plan.backends, NOWHERE without a usable backend
	uint32_t nb_rows;
};

struct plan {
	const char *name;
	struct plan_side from, to; // .service NULL: the service is not there
	struct plan_backend *backends; // of both sides, by name
	uint32_t nb_backends;
	bool rehashed; // every call is placed anew: the hash key or the cluster's key changed
	double moved, ideal;
};

static uint16_t usable_weight(const struct config_backend *backend)
{
	// What drains or is in maintenance gets no new calls: its rows go to their next candidate.
	return backend != NULL && backend->state == CONFIG_STATE_READY ? backend->weight : 0;
}

static struct plan_backend *find_backend(struct plan *plan, const char *name)
{
	for (uint32_t i = 0; i < plan->nb_backends; i++)
		if (strcmp(plan->backends[i].name, name) == 0)
			return &plan->backends[i];
	plan->backends[plan->nb_backends] = (struct plan_backend){.name = name};
	return &plan->backends[plan->nb_backends++];
}

static int collect_backends(struct plan *plan)
{
	const struct config_service *from = plan->from.service, *to = plan->to.service;
	uint32_t nb = (from != NULL ? from->nb_backends : 0) + (to != NULL ? to->nb_backends : 0);

	plan->backends = calloc(nb > 0 ? nb : 1, sizeof(*plan->backends));
	if (plan->backends == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; from != NULL && i < from->nb_backends; i++)
		find_backend(plan, from->backends[i].name)->from = &from->backends[i];
	for (uint32_t i = 0; to != NULL && i < to->nb_backends; i++)
		find_backend(plan, to->backends[i].name)->to = &to->backends[i];
	return 0;
}

// Build the table of one side as the dataplane would walk it: only usable backends, first
// candidate.
static int build_side(const struct plan *plan, struct plan_side *side, bool is_to)
{
	struct table_backend *list;
	uint16_t *rows;
	uint64_t sum = 0;

	if (side->service == NULL)
		return 0;
	side->nb_rows = table_rows(side->service->nb_backends);
	list = calloc(plan->nb_backends, sizeof(*list));
	rows = calloc((size_t)side->nb_rows * TABLE_CANDIDATES, sizeof(*rows));
	side->owner = calloc(side->nb_rows, sizeof(*side->owner));
	if (list == NULL || rows == NULL || side->owner == NULL) {
		free(list);
		free(rows);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < plan->nb_backends; i++) {
		struct plan_backend *backend = &plan->backends[i];

		list[i].name_hash = table_name_hash(side->key, backend->name);
		list[i].weight = usable_weight(is_to ? backend->to : backend->from);
		list[i].index = (uint16_t)i;
		sum += list[i].weight;
	}
	table_build(list, plan->nb_backends, rows, side->nb_rows);
	for (uint32_t row = 0; row < side->nb_rows; row++) {
		uint16_t owner = rows[(size_t)row * TABLE_CANDIDATES];

		side->owner[row] = owner;
		if (owner != NOWHERE) {
			struct plan_backend *backend = &plan->backends[owner];

			*(is_to ? &backend->after : &backend->before) += 1.0 / side->nb_rows;
		}
	}
	for (uint32_t i = 0; i < plan->nb_backends && sum > 0; i++) {
		struct plan_backend *backend = &plan->backends[i];

		*(is_to ? &backend->wanted_after : &backend->wanted_before) =
			(double)list[i].weight / (double)sum;
	}
	free(list);
	free(rows);
	return 0;
}

static void compare(struct plan *plan)
{
	uint32_t nb = plan->from.nb_rows > plan->to.nb_rows ? plan->from.nb_rows : plan->to.nb_rows;
	double stays = 0;

	for (uint32_t i = 0; i < plan->nb_backends; i++) {
		struct plan_backend *backend = &plan->backends[i];

		// The least that any method can move: what the weights ask for.
		if (backend->wanted_after > backend->wanted_before)
			plan->ideal += backend->wanted_after - backend->wanted_before;
		stays += backend->before * backend->after;
		if (plan->rehashed) {
			// Two placements that know nothing of each other.
			backend->gets = backend->after * (1 - backend->before);
			backend->loses = backend->before * (1 - backend->after);
		}
	}
	if (plan->rehashed) {
		plan->moved = 1 - stays;
		return;
	}
	// A row is the low bits of a hash, so a table of more rows splits each row of the other.
	for (uint32_t row = 0; row < nb; row++) {
		uint16_t from = plan->from.owner[row & (plan->from.nb_rows - 1)];
		uint16_t to = plan->to.owner[row & (plan->to.nb_rows - 1)];

		if (from == to)
			continue;
		plan->moved += 1.0 / nb;
		if (from != NOWHERE)
			plan->backends[from].loses += 1.0 / nb;
		if (to != NOWHERE)
			plan->backends[to].gets += 1.0 / nb;
	}
}

static int plan_service(struct plan *plan)
{
	const struct config_service *from = plan->from.service, *to = plan->to.service;
	int error = collect_backends(plan);

	if (error == 0)
		error = build_side(plan, &plan->from, false);
	if (error == 0)
		error = build_side(plan, &plan->to, true);
	if (error != 0 || from == NULL || to == NULL)
		return error;
	plan->rehashed = memcmp(plan->from.key, plan->to.key, sizeof(plan->to.key)) != 0 ||
		from->hash.key != to->hash.key || from->hash.register_key != to->hash.register_key;
	compare(plan);
	return 0;
}

static void plan_fini(struct plan *plan)
{
	free(plan->backends);
	free(plan->from.owner);
	free(plan->to.owner);
}

static void address_text(const struct config_backend *backend, char out[ENDPOINT_TEXT_MAX])
{
	struct endpoint ep = {.ip.family = backend->address.family, .port = backend->port};

	memcpy(ep.ip.octets, backend->address.ip, sizeof(ep.ip.octets));
	endpoint_format(&ep, out);
}

static const char *state_text(enum config_admin_state state)
{
	return state == CONFIG_STATE_READY    ? "ready"
		: state == CONFIG_STATE_DRAIN ? "drain"
					      : "maint";
}

static void change_text(const struct plan_backend *backend, char *out, size_t size)
{
	const struct config_backend *from = backend->from, *to = backend->to;
	char was[ENDPOINT_TEXT_MAX], is[ENDPOINT_TEXT_MAX];
	size_t used = 0;

	if (from == NULL || to == NULL) {
		snprintf(out, size, "%s", from == NULL ? "added" : "removed");
		return;
	}
	out[0] = '\0';
	address_text(from, was);
	address_text(to, is);
	if (from->weight != to->weight)
		used += (size_t)snprintf(
			out + used, size - used, "weight %u -> %u", from->weight, to->weight);
	if (from->state != to->state)
		used += (size_t)snprintf(out + used, size - used, "%s%s -> %s",
			used > 0 ? ", " : "", state_text(from->state), state_text(to->state));
	if (strcmp(was, is) != 0)
		snprintf(out + used, size - used, "%s%s -> %s", used > 0 ? ", " : "", was, is);
}

static const char *plan_change(const struct plan *plan)
{
	if (plan->from.service == NULL)
		return "added";
	if (plan->to.service == NULL)
		return "removed";
	return plan->rehashed ? "every call is hashed anew" : "";
}

static void print_services(const struct plan *plans, uint32_t nb, bool header)
{
	static const struct column titles[] = {
		{"SERVICE", false}, {"MOVES", true}, {"IDEAL", true}, {"CHANGE", false}};
	struct columns *table = columns_create(titles, 4);

	for (uint32_t i = 0; i < nb; i++) {
		columns_add(table, plans[i].name);
		columns_addf(table, "%.1f%%", plans[i].moved * 100);
		columns_addf(table, "%.1f%%", plans[i].ideal * 100);
		columns_add(table, plan_change(&plans[i]));
	}
	if (columns_print(table, stdout, header) != 0)
		cli_fail(0, "out of memory");
	columns_destroy(table);
}

static void print_backends(const struct plan *plans, uint32_t nb)
{
	static const struct column titles[] = {{"BACKEND", false}, {"BEFORE", true},
		{"AFTER", true}, {"IDEAL", true}, {"GETS", true}, {"LOSES", true},
		{"CHANGE", false}};
	struct columns *table = columns_create(titles, 7);

	for (uint32_t i = 0; i < nb; i++) {
		for (uint32_t k = 0; k < plans[i].nb_backends; k++) {
			const struct plan_backend *backend = &plans[i].backends[k];
			char change[256];

			change_text(backend, change, sizeof(change));
			columns_addf(table, "%s/%s", plans[i].name, backend->name);
			columns_addf(table, "%.1f%%", backend->before * 100);
			columns_addf(table, "%.1f%%", backend->after * 100);
			columns_addf(table, "%.1f%%", backend->wanted_after * 100);
			columns_addf(table, "%.1f%%", backend->gets * 100);
			columns_addf(table, "%.1f%%", backend->loses * 100);
			columns_add(table, change);
		}
	}
	if (columns_print(table, stdout, true) != 0)
		cli_fail(0, "out of memory");
	columns_destroy(table);
}

static json_t *json_backends(const struct plan *plan)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < plan->nb_backends; i++) {
		const struct plan_backend *backend = &plan->backends[i];
		char change[256];

		change_text(backend, change, sizeof(change));
		json_array_append_new(list,
			json_pack("{s:o, s:s, s:f, s:f, s:f, s:f, s:f}", "name",
				text_json(strv_from(backend->name), NULL), "change", change,
				"before", backend->before, "after", backend->after, "ideal",
				backend->wanted_after, "gets", backend->gets, "loses",
				backend->loses));
	}
	return list;
}

static void add_restart_key(const char *path, const char *from, const char *to, void *arg)
{
	json_array_append_new(arg,
		json_pack("{s:o, s:o, s:o}", "path", text_json(strv_from(path), NULL), "from",
			text_json(strv_from(from), NULL), "to", text_json(strv_from(to), NULL)));
}

static void print_note(const char *text, void *arg)
{
	(void)arg;
	printf("note: %s\n", text);
}

static void print_restart_key(const char *path, const char *from, const char *to, void *arg)
{
	printf("needs restart: ");
	text_escape(stdout, strv_from(path));
	printf(" \"");
	text_escape(stdout, strv_from(from));
	printf("\" -> \"");
	text_escape(stdout, strv_from(to));
	printf("\"\n");
}

static void print_json(
	const struct plan *plans, uint32_t nb, const struct config *from, const struct config *to)
{
	json_t *services = json_array(), *restart = json_array(), *object;

	for (uint32_t i = 0; i < nb; i++) {
		const struct plan *plan = &plans[i];
		uint32_t rows = plan->to.service != NULL ? plan->to.nb_rows : plan->from.nb_rows;

		json_array_append_new(services,
			json_pack("{s:o, s:s, s:i, s:f, s:f, s:o}", "service",
				text_json(strv_from(plan->name), NULL), "change", plan_change(plan),
				"rows", (int)rows, "moves", plan->moved, "ideal", plan->ideal,
				"backends", json_backends(plan)));
	}
	config_diff_restart_keys(from, to, add_restart_key, restart);
	object = json_pack("{s:i, s:o, s:o}", "schema", CLI_SCHEMA, "services", services,
		"needs_restart", restart);
	if (object != NULL &&
		json_dumpf(object, stdout,
			JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(6)) == 0)
		putchar('\n');
	json_decref(object);
}

static const struct config_service *find_service(const struct config *config, const char *name)
{
	for (uint32_t i = 0; i < config->nb_services; i++)
		if (strcmp(config->services[i].name, name) == 0)
			return &config->services[i];
	return NULL;
}

static struct plan make_plan(const struct config *from, const struct config *to, const char *name)
{
	struct plan plan = {.name = name};

	plan.from.service = find_service(from, name);
	plan.to.service = find_service(to, name);
	table_key_from_config(from, plan.from.key);
	table_key_from_config(to, plan.to.key);
	return plan;
}

static int plan_configs(struct cli *cli, const struct config *from, const struct config *to)
{
	struct plan *plans = calloc(from->nb_services + to->nb_services + 1, sizeof(*plans));
	uint32_t nb = 0;
	int error = plans == NULL ? -ENOMEM : 0;

	for (uint32_t i = 0; plans != NULL && i < from->nb_services; i++)
		plans[nb++] = make_plan(from, to, from->services[i].name);
	for (uint32_t i = 0; plans != NULL && i < to->nb_services; i++)
		if (find_service(from, to->services[i].name) == NULL)
			plans[nb++] = make_plan(from, to, to->services[i].name);
	for (uint32_t i = 0; i < nb && error == 0; i++)
		error = plan_service(&plans[i]);
	if (error == 0 && cli->json) {
		print_json(plans, nb, from, to);
	} else if (error == 0) {
		print_services(plans, nb, !cli->no_header);
		if (!cli->no_header) {
			putchar('\n');
			print_backends(plans, nb);
			config_diff_restart_keys(from, to, print_restart_key, NULL);
			notes_weights(to, print_note, NULL);
			notes_change(from, to, print_note, NULL);
		}
	}
	for (uint32_t i = 0; i < nb; i++)
		plan_fini(&plans[i]);
	free(plans);
	return error != 0 ? cli_fail(CLI_REFUSED, "out of memory") : CLI_DONE;
}

int cmd_plan(struct cli *cli)
{
	struct config *from = cli_load_config(cli->args[0]);
	struct config *to = cli_load_config(cli->args[1]);
	int status = CLI_REFUSED;

	if (from != NULL && to != NULL)
		status = plan_configs(cli, from, to);
	config_destroy(from);
	config_destroy(to);
	return status;
}
