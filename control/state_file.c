// SPDX-License-Identifier: BSD-3-Clause
#include "control/state_file.h"

#include "control/log.h"
#include "control/publisher.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

LOG_TOPIC("state-file");

#define SAVE_AFTER_MS 50
#define STATE_SCHEMA 1

struct state_file {
	struct control *control;
	struct event *timer;
	bool dirty, warned;
};

// ---- Writing ------------------------------------------------------------------------------------

static json_t *backend_json(const struct backend *backend)
{
	const struct override *override = &backend->override;
	char path[2 * CONFIG_NAME_MAX + 2];
	json_t *object;

	snprintf(path, sizeof(path), "%s/%s", backend->service->name, backend->name);
	object = json_pack("{s:s, s:s, s:I}", "backend", path, "health",
		health_state_name(backend->health.own), "since_ms",
		(json_int_t)backend->health.since_ms);
	if (object != NULL && override->set)
		json_object_set_new(object, "override",
			json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "state",
				admin_state_name(override->state), "configured",
				admin_state_name(override->configured), "by", override->by,
				"reason", override->reason, "when_ms",
				(json_int_t) override->when_ms, "revision",
				(json_int_t) override->revision));
	return object;
}

static json_t *state_json(const struct control *control)
{
	json_t *backends = json_array();

	for (uint32_t i = 0; i < control->nb_services; i++) {
		const struct service *service = control->services[i];

		for (uint32_t k = 0; k < service->nb_backends; k++)
			json_array_append_new(backends, backend_json(service->backends[k]));
	}
	return json_pack("{s:i, s:I, s:I, s:o}", "schema", STATE_SCHEMA, "saved_ms",
		(json_int_t)control_wall_ms(), "dataplane_started_ns",
		(json_int_t)(control->dataplane.shm != NULL ? control->dataplane.shm->start_unix_ns
							    : 0),
		"backends", backends);
}

// A new file beside the old one, then swapped, so that a crash leaves one or the other.
static int write_file(const char *path, const char *text)
{
	char draft[4096];
	size_t len = strlen(text);
	int fd, rc = 0;

	if (snprintf(draft, sizeof(draft), "%s.new", path) >= (int)sizeof(draft))
		return -ENAMETOOLONG;
	fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len || fsync(fd) < 0)
		rc = errno != 0 ? -errno : -EIO;
	close(fd);
	if (rc == 0 && rename(draft, path) < 0)
		rc = -errno;
	if (rc < 0)
		unlink(draft);
	return rc;
}

static void save_now(struct state_file *file)
{
	const char *path = file->control->boot->admin.state_file;
	json_t *state = state_json(file->control);
	char *text = state != NULL ? json_dumps(state, JSON_INDENT(1)) : NULL;
	int rc = text != NULL ? write_file(path, text) : -ENOMEM;

	json_decref(state);
	free(text);
	file->dirty = false;
	if (rc < 0 && !file->warned)
		LOG(WARNING, "%s: %s; overrides will not survive a restart", path, strerror(-rc));
	file->warned = rc < 0;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	save_now(arg);
}

void state_file_save(struct control *control)
{
	struct timeval after = {0, SAVE_AFTER_MS * 1000};

	if (control->state_file == NULL || control->state_file->dirty)
		return;
	control->state_file->dirty = true;
	evtimer_add(control->state_file->timer, &after);
}

// ---- Reading ------------------------------------------------------------------------------------

// Returns NULL when there is none that can be used.
static json_t *read_state(const char *path)
{
	json_error_t error;
	json_t *state = json_load_file(path, JSON_REJECT_DUPLICATES, &error);

	if (state == NULL) {
		if (access(path, F_OK) == 0)
			LOG(WARNING, "%s:%d: %s; ignored", path, error.line, error.text);
		return NULL;
	}
	if (json_integer_value(json_object_get(state, "schema")) != STATE_SCHEMA) {
		LOG(WARNING, "%s: not of schema %d; ignored", path, STATE_SCHEMA);
		json_decref(state);
		return NULL;
	}
	return state;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static void load_override(struct control *control, struct backend *backend, const json_t *saved)
{
	struct override override = {.set = true};
	uint64_t max_age = control->boot->admin.state_max_age_ms;
	const char *why = NULL;

	override.when_ms = json_integer_value(json_object_get(saved, "when_ms"));
	override.revision = (uint64_t)json_integer_value(json_object_get(saved, "revision"));
	snprintf(override.by, sizeof(override.by), "%s", text_of(saved, "by"));
	snprintf(override.reason, sizeof(override.reason), "%s", text_of(saved, "reason"));
	if (admin_state_parse(text_of(saved, "state"), &override.state) < 0 ||
		admin_state_parse(text_of(saved, "configured"), &override.configured) < 0)
		why = "it is damaged";
	else if (override.configured != backend->config->state)
		why = "the configured state changed";
	else if (control_wall_ms() - override.when_ms > (int64_t)max_age)
		why = "it is too old";
	LOG(NOTICE, "%s/%s: saved override \"%s\" by %s %s%s", backend->service->name,
		backend->name, text_of(saved, "state"), text_of(saved, "by"),
		why == NULL ? "taken over" : "dropped: ", why == NULL ? "" : why);
	if (why != NULL)
		return;
	backend->override = override;
	backend->admin = override.state;
}

void state_file_load(struct control *control)
{
	json_t *state = read_state(control->boot->admin.state_file);
	json_t *saved;
	size_t i;

	json_array_foreach(json_object_get(state, "backends"), i, saved)
	{
		struct backend *backend = control_find_backend(control, text_of(saved, "backend"));
		json_t *override = json_object_get(saved, "override");

		if (backend != NULL && override != NULL)
			load_override(control, backend, override);
	}
	json_decref(state);
}

static void restore_backend(struct backend *backend, const json_t *saved)
{
	const char *name = text_of(saved, "health");

	if (backend->health.last_result != PROBE_NONE)
		return;
	for (enum health_state state = HEALTH_UNKNOWN; state < HEALTH_STATES; state++) {
		if (strcmp(health_state_name(state), name) == 0)
			backend->health.own = backend->health.state = state;
	}
	backend->health.since_ms = json_integer_value(json_object_get(saved, "since_ms"));
}

void state_file_restore_health(struct control *control)
{
	json_t *state = read_state(control->boot->admin.state_file);
	json_t *saved;
	size_t i;
	uint64_t started =
		(uint64_t)json_integer_value(json_object_get(state, "dataplane_started_ns"));

	if (control->dataplane.shm != NULL && started == control->dataplane.shm->start_unix_ns) {
		json_array_foreach(json_object_get(state, "backends"), i, saved)
		{
			struct backend *backend =
				control_find_backend(control, text_of(saved, "backend"));

			if (backend != NULL)
				restore_backend(backend, saved);
		}
	}
	json_decref(state);
}

struct state_file *state_file_create(struct control *control)
{
	struct state_file *file = calloc(1, sizeof(*file));

	if (file == NULL)
		return NULL;
	file->control = control;
	file->timer = evtimer_new(control->base, on_timer, file);
	if (file->timer == NULL) {
		free(file);
		return NULL;
	}
	return file;
}

void state_file_destroy(struct state_file *file)
{
	if (file == NULL)
		return;
	if (file->dirty)
		save_now(file);
	event_free(file->timer);
	free(file);
}
