// SPDX-License-Identifier: BSD-3-Clause
#include "control/reload.h"

#include "control/builder.h"
#include "control/cluster.h"
#include "control/health.h"
#include "control/log.h"
#include "control/netlink.h"
#include "control/publisher.h"
#include "control/registrations.h"
#include "control/resolve.h"
#include "control/sd_notify.h"
#include "control/state_file.h"
#include "control/table_key.h"
#include "control/table_moves.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

LOG_TOPIC("reload");

// One reload from file to answer.
struct reload {
	LIST_ENTRY(reload) entry;
	struct control *control;
	reload_fn *fn; // NULL: nobody waits
	void *arg;
	int64_t began_ms;
	json_t *changes;
	json_t *needs_restart; // of a dry run
};

static LIST_HEAD(, reload) pending = LIST_HEAD_INITIALIZER(pending);

// ---- What differs -------------------------------------------------------------------------------

static void add_change(json_t *changes, const char *kind, const char *service, const char *backend,
	const char *detail)
{
	char object[2 * CONFIG_NAME_MAX + 2];

	snprintf(object, sizeof(object), "%s%s%s", service, backend != NULL ? "/" : "",
		backend != NULL ? backend : "");
	json_array_append_new(changes,
		json_pack("{s:s, s:s, s:s}", "kind", kind, "object", object, "detail", detail));
}

static void describe_endpoint(
	const struct config_addr *addr, uint16_t port, char text[ENDPOINT_TEXT_MAX])
{
	struct endpoint ep = {.ip.family = addr->family, .port = port};

	memcpy(ep.ip.octets, addr->ip, sizeof(ep.ip.octets));
	endpoint_format(&ep, text);
}

static void describe_backend(const struct config_backend *backend, char *text, size_t size)
{
	char addr[ENDPOINT_TEXT_MAX];

	describe_endpoint(&backend->address, backend->port, addr);
	snprintf(text, size, "%s weight %u %s", addr, backend->weight,
		admin_state_name(backend->state));
}

static void compare_backend(
	json_t *changes, const struct backend *old, const struct config_backend *new)
{
	char before[128], after[128], text[512];
	const struct override *override = &old->override;

	describe_backend(old->config, before, sizeof(before));
	describe_backend(new, after, sizeof(after));
	if (strcmp(before, after) != 0) {
		snprintf(text, sizeof(text), "%s -> %s", before, after);
		add_change(changes, "change", old->service->name, new->name, text);
	}
	if (!override->set)
		return;
	snprintf(text, sizeof(text), "%s%s, set by %s%s%s",
		override->configured == new->state ? "" : "override dropped: ",
		admin_state_name(override->state), override->by,
		override->reason[0] != '\0' ? ": " : "", override->reason);
	add_change(changes, override->configured == new->state ? "keep" : "change",
		old->service->name, new->name, text);
}

static const struct config_backend *find_config_backend(
	const struct config_service *service, const char *name)
{
	for (uint32_t i = 0; i < service->nb_backends; i++) {
		if (strcmp(service->backends[i].name, name) == 0)
			return &service->backends[i];
	}
	return NULL;
}

static void compare_service(
	json_t *changes, const struct service *old, const struct config_service *new)
{
	char text[128];

	for (uint32_t i = 0; i < new->nb_backends; i++) {
		const struct backend *backend = service_find_backend(old, new->backends[i].name);

		if (backend != NULL) {
			compare_backend(changes, backend, &new->backends[i]);
			continue;
		}
		describe_backend(&new->backends[i], text, sizeof(text));
		add_change(changes, "add", new->name, new->backends[i].name, text);
	}
	for (uint32_t i = 0; i < old->nb_backends; i++) {
		if (find_config_backend(new, old->backends[i]->name) != NULL)
			continue;
		describe_backend(old->backends[i]->config, text, sizeof(text));
		add_change(changes, "remove", old->name, old->backends[i]->name, text);
	}
}

static json_t *compare(const struct control *control, const struct config *new)
{
	json_t *changes = json_array();
	char text[64];

	for (uint32_t i = 0; i < new->nb_services; i++) {
		const struct service *old = control_find_service(control, new->services[i].name);

		if (old != NULL) {
			compare_service(changes, old, &new->services[i]);
			continue;
		}
		snprintf(text, sizeof(text), "%u backends", new->services[i].nb_backends);
		add_change(changes, "add", new->services[i].name, NULL, text);
	}
	for (uint32_t i = 0; i < control->nb_services; i++) {
		bool found = false;

		for (uint32_t k = 0; k < new->nb_services; k++)
			found |= strcmp(control->services[i]->name, new->services[k].name) == 0;
		if (!found)
			add_change(changes, "remove", control->services[i]->name, NULL, "");
	}
	if (json_array_size(changes) == 0 && control->config->digest != new->digest)
		add_change(changes, "change", "other settings", NULL, "");
	return changes;
}

static void add_restart_key(const char *path, const char *from, const char *to, void *arg)
{
	json_array_append_new(
		arg, json_pack("{s:s, s:s, s:s}", "key", path, "from", from, "to", to));
}

static void add_restart_path(const char *path, const char *from, const char *to, void *arg)
{
	json_array_append_new(arg, json_string(path));
}

json_t *reload_needs_restart_json(const struct control *control, bool keys_only)
{
	json_t *keys = json_array();

	config_diff_restart_keys(control->boot, control->config,
		keys_only ? add_restart_path : add_restart_key, keys);
	return keys;
}

// ---- Moves --------------------------------------------------------------------------------------

// Which backends gain, and how much of the service's calls.
static json_t *gains_json(
	const struct snapshot *from, const struct snapshot *to, const char *service)
{
	static double before[SNAPSHOT_BACKENDS_MAX], after[SNAPSHOT_BACKENDS_MAX];
	json_t *gains = json_array();
	uint16_t old = table_find_service(from, service), new = table_find_service(to, service);
	const struct snapshot_service *entry = snapshot_service(to, new);
	const struct snapshot_service *old_entry = snapshot_service(from, old);

	table_shares(from, old, before);
	table_shares(to, new, after);
	for (uint16_t i = 0; i < entry->nb_backends; i++) {
		const struct snapshot_backend *backend =
			snapshot_backend(to, (uint16_t)(entry->backend_first + i));
		uint16_t was = snapshot_find_backend_id(from, backend->id);
		double gain = after[i];

		if (was != SNAPSHOT_NONE)
			gain -= before[was - old_entry->backend_first];
		if (gain > 0)
			json_array_append_new(gains,
				json_pack("{s:s, s:f}", "backend", backend->name, "share", gain));
	}
	return gains;
}

static json_t *move_json(
	const char *service, const struct table_moves *moves, json_t *gains, uint64_t table_hash)
{
	char hash[17];

	snprintf(hash, sizeof(hash), "%016llx", (unsigned long long)table_hash);
	return json_pack("{s:s, s:f, s:f, s:o, s:s}", "service", service, "share", moves->share,
		"ideal", moves->ideal, "to", gains, "table_hash", hash);
}

// What the published tables would become; nothing when nothing is published or could be built.
static json_t *dry_moves(const struct control *control, const struct snapshot *to)
{
	const struct snapshot *from = control->dataplane.snapshot;
	json_t *list = json_array();

	for (uint16_t i = 0; from != NULL && to != NULL && i < to->services.nb; i++) {
		const struct snapshot_service *service = snapshot_service(to, i);
		struct table_moves moves;

		if (table_moves(from, to, service->name, &moves))
			json_array_append_new(list,
				move_json(service->name, &moves,
					gains_json(from, to, service->name), service->table_hash));
	}
	return list;
}

static json_t *done_moves(const struct control *control)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < control->nb_services; i++) {
		const struct service *service = control->services[i];
		struct table_moves moves = {service->moved, service->moved_ideal};

		json_array_append_new(
			list, move_json(service->name, &moves, json_array(), service->table_hash));
	}
	return list;
}

// ---- Outcomes -----------------------------------------------------------------------------------

static void record(struct control *control, bool success, const char *error)
{
	struct last_reload *last = &control->last_reload;

	last->success = success;
	last->when_ms = control_wall_ms();
	if (success) {
		last->success_ms = last->when_ms;
		last->nb_success++;
	} else {
		last->nb_failure++;
	}
	snprintf(last->error, sizeof(last->error), "%s", error);
}

static void answer(struct reload *reload, json_t *outcome)
{
	if (reload->fn != NULL)
		reload->fn(reload->arg, outcome);
	else
		json_decref(outcome);
	LIST_REMOVE(reload, entry);
	json_decref(reload->changes);
	json_decref(reload->needs_restart);
	free(reload);
}

static json_t *error_json(const struct config_error *error)
{
	return json_pack("{s:s, s:i, s:i, s:s, s:s}", "file", error->file, "line", (int)error->line,
		"column", (int)error->column, "path", error->path, "message", error->message);
}

static void refuse(struct reload *reload, const struct config_errors *errs, const char *text)
{
	json_t *list = json_array();
	char line[512];

	for (uint32_t i = 0; errs != NULL && i < errs->nb_items; i++) {
		config_error_format(&errs->items[i], line, sizeof(line));
		LOG(ERR, "%s", line);
		json_array_append_new(list, error_json(&errs->items[i]));
	}
	LOG(ERR, "%s", text);
	answer(reload,
		json_pack(
			"{s:b, s:i, s:s, s:o}", "ok", 0, "exit", 1, "error", text, "errors", list));
}

// rc -ENOTCONN: there is no dataplane; it gets what was accepted once it is there.
static void on_published(void *arg, int rc, const char *text)
{
	struct reload *reload = arg;
	struct control *control = reload->control;
	double took = (double)(control_now_ms() - reload->began_ms);

	if (control->said_ready)
		sd_notify_send("READY=1");
	if (rc < 0 && rc != -ENOTCONN) {
		record(control, false, text);
		refuse(reload, NULL, text);
		return;
	}
	record(control, true, "");
	if (rc == 0)
		LOG(NOTICE, "generation %llu applied in %.0f ms, %zu changes",
			(unsigned long long)control->dataplane.generation, took,
			json_array_size(reload->changes));
	else
		LOG(NOTICE, "accepted, %zu changes; waiting for the dataplane",
			json_array_size(reload->changes));
	answer(reload,
		json_pack("{s:b, s:b, s:b, s:I, s:f, s:O, s:o, s:o}", "ok", 1, "dry_run", 0,
			"published", rc == 0, "generation",
			(json_int_t)control->dataplane.generation, "took_ms", took, "changes",
			reload->changes, "moves", rc == 0 ? done_moves(control) : json_array(),
			"needs_restart", reload_needs_restart_json(control, false)));
}

static void log_needs_restart(const char *path, const char *from, const char *to, void *arg)
{
	LOG(WARNING, "%s: %s -> %s needs a restart, not applied", path, from, to);
}

static void warn_of_new_tables(const struct config *old, const struct config *new)
{
	uint8_t before[16], after[16];

	table_key_from_config(old, before);
	table_key_from_config(new, after);
	if (memcmp(before, after, sizeof(before)) != 0)
		LOG(WARNING,
			"the tables have another seed: every new call is placed anew "
			"(cluster_keys.table_file keeps them apart from the signing keys)");
}

static void apply(struct reload *reload, struct config *config)
{
	struct control *control = reload->control;
	int rc;

	warn_of_new_tables(control->config, config);
	rc = control_apply_config(control, config);

	if (rc < 0) {
		config_destroy(config);
		record(control, false, strerror(-rc));
		refuse(reload, NULL, strerror(-rc));
		return;
	}
	// Before the first READY=1 nothing is reloaded for the service manager.
	if (control->said_ready)
		sd_notify_send(
			"RELOADING=1\nMONOTONIC_USEC=%lld", (long long)control_now_ms() * 1000);
	control->nb_needs_restart =
		config_diff_restart_keys(control->boot, config, log_needs_restart, NULL);
	if (control->boot->log.target == config->log.target)
		log_init(&config->log);
	health_sync(control->health);
	cluster_reload(control->cluster);
	registrations_reload(control->registrations);
	netlink_reload(control->netlink);
	resolve_reload(control->resolve);
	state_file_save(control);
	publisher_request(control->publisher);
	if (control->dataplane.link != LINK_RUNNING ||
		publisher_wait(control->publisher, on_published, reload) < 0)
		on_published(reload, -ENOTCONN, "");
}

int reload_check_ids(const struct config *config, char *text, size_t size)
{
	static uint32_t ids[CONFIG_BACKENDS_MAX];
	uint32_t nb = 0;

	for (uint32_t i = 0; i < config->nb_services; i++) {
		const struct config_service *service = &config->services[i];

		for (uint32_t k = 0; k < service->nb_backends; k++) {
			uint32_t id = backend_id(service->name, service->backends[k].name);

			for (uint32_t n = 0; n < nb; n++) {
				if (ids[n] != id)
					continue;
				snprintf(text, size,
					"%s/%s has the same id as another backend: rename it",
					service->name, service->backends[k].name);
				return -EEXIST;
			}
			ids[nb++] = id;
		}
	}
	return 0;
}

static void on_dry_built(void *arg, int rc, struct snapshot *snapshot)
{
	struct reload *reload = arg;
	struct control *control = reload->control;

	if (rc < 0)
		LOG(WARNING, "a dry run has no tables: %s", strerror(-rc));
	answer(reload,
		json_pack("{s:b, s:b, s:n, s:I, s:f, s:O, s:o, s:O}", "ok", 1, "dry_run", 1,
			"published", "generation", (json_int_t)control->dataplane.generation,
			"took_ms", (double)(control_now_ms() - reload->began_ms), "changes",
			reload->changes, "moves", dry_moves(control, snapshot), "needs_restart",
			reload->needs_restart));
	free(snapshot);
}

static void start_dry(struct reload *reload, const struct config *config)
{
	struct control *control = reload->control;
	struct snapshot_parts parts;
	int rc;

	reload->needs_restart = json_array();
	config_diff_restart_keys(control->boot, config, add_restart_key, reload->needs_restart);
	if (control->dataplane.snapshot == NULL) {
		on_dry_built(reload, 0, NULL); // nothing to compare with
		return;
	}
	rc = publisher_parts_for(control->publisher, config, &parts);
	if (rc == 0) {
		rc = builder_add(control->builder, &parts, on_dry_built, reload);
		if (rc < 0)
			snapshot_parts_fini(&parts);
	}
	if (rc < 0)
		on_dry_built(reload, rc, NULL);
}

void reload_start(struct control *control, bool dry_run, reload_fn *fn, void *arg)
{
	struct reload *reload = calloc(1, sizeof(*reload));
	struct config_errors errs = {0};
	struct config *config;
	char text[256];

	if (reload == NULL)
		return;
	reload->control = control;
	reload->fn = fn;
	reload->arg = arg;
	reload->began_ms = control_now_ms();
	LIST_INSERT_HEAD(&pending, reload, entry);
	config = config_load(control->config_path, &errs);
	if (config == NULL || reload_check_ids(config, text, sizeof(text)) < 0) {
		if (config == NULL)
			snprintf(text, sizeof(text), "%u error%s, nothing was applied",
				errs.nb_items + errs.nb_dropped,
				errs.nb_items + errs.nb_dropped == 1 ? "" : "s");
		if (!dry_run)
			record(control, false, text);
		refuse(reload, &errs, text);
		config_errors_fini(&errs);
		config_destroy(config);
		return;
	}
	config_errors_fini(&errs);
	reload->changes = compare(control, config);
	if (!dry_run) {
		apply(reload, config);
		return;
	}
	start_dry(reload, config);
	config_destroy(config);
}

void reload_cancel(struct control *control, void *arg)
{
	struct reload *reload;

	LIST_FOREACH(reload, &pending, entry)
	{
		if (reload->arg == arg)
			reload->fn = NULL;
	}
}
