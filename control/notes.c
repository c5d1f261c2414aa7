// SPDX-License-Identifier: BSD-3-Clause
#include "control/notes.h"

#include "dataplane/dispatch/table.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// Of so many rows a backend's load is within 10 % of its weight (four standard deviations are 8 %).
#define ROWS_EXACT 2500
#define SHOWN_MAX 3 // backends of a service that are named

struct notes {
	notes_fn *fn;
	void *arg;
};

static void __attribute__((format(printf, 2, 3)))
note(const struct notes *notes, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	notes->fn(text, notes->arg);
}

static void note_ports(const struct notes *notes, const struct config_dataplane *dataplane)
{
	bool said = false, forged = false;

	for (uint32_t i = 0; i < dataplane->nb_ports; i++) {
		said |= dataplane->ports[i].backends != CONFIG_BACKENDS_AUTO;
		forged |= dataplane->ports[i].backends == CONFIG_BACKENDS_NEVER;
	}
	if (dataplane->nb_ports == 1 && !forged)
		note(notes,
			"one port for clients and backends: whoever can send a packet with a "
			"backend's "
			"address is taken for it, so routers in front must drop such sources");
	else if (!said)
		note(notes,
			"dataplane.ports: where backends may be is left to the routes of the "
			"moment: "
			"say \"backends: never\" at each port towards the outside, so that nobody "
			"there "
			"can send as one of them");
}

// Rows go to backends by independent draws, so that a change moves only what it must: the fewer
// rows a backend has, the further off its share may be. Four standard deviations.
static void note_weights(const struct notes *notes, const struct config_service *service)
{
	uint32_t nb_rows = table_rows(service->nb_backends), sum = 0, nb_light = 0;

	for (uint32_t i = 0; i < service->nb_backends; i++)
		sum += service->backends[i].weight;
	for (uint32_t i = 0; i < service->nb_backends; i++) {
		const struct config_backend *backend = &service->backends[i];
		double rows = (double)nb_rows * backend->weight / sum;

		if (rows >= ROWS_EXACT || ++nb_light > SHOWN_MAX)
			continue;
		note(notes,
			"services[%s].backends[%s]: weight %u of %u is %.0f of %u rows, so its "
			"load may "
			"be off by %.0f %%",
			service->name, backend->name, backend->weight, sum, rows, nb_rows,
			100 * 4 / sqrt(rows));
	}
	if (nb_light > SHOWN_MAX)
		note(notes,
			"services[%s]: the same is true of %u more backends: their load may be off "
			"by more "
			"than 8 %% of their weight",
			service->name, nb_light - SHOWN_MAX);
}

void notes_weights(const struct config *config, notes_fn *fn, void *arg)
{
	const struct notes notes = {fn, arg};

	for (uint32_t i = 0; i < config->nb_services; i++)
		note_weights(&notes, &config->services[i]);
}

void notes_make(const struct config *config, notes_fn *fn, void *arg)
{
	const struct notes notes = {fn, arg};

	note_ports(&notes, &config->dataplane);
	notes_weights(config, fn, arg);
}

static bool has_key(const struct config *config, const struct config *other, char id)
{
	const struct config_cluster_keys *keys = &config->cluster_keys,
					 *others = &other->cluster_keys;

	for (uint32_t i = 0; i < keys->nb_keys; i++) {
		for (uint32_t k = 0; k < others->nb_keys; k++) {
			if (keys->keys[i].id == id && others->keys[k].id == id)
				return memcmp(keys->keys[i].secret, others->keys[k].secret,
					       CONFIG_KEY_SIZE) == 0;
		}
	}
	return false;
}

void notes_change(const struct config *from, const struct config *to, notes_fn *fn, void *arg)
{
	const struct notes notes = {fn, arg};
	char was = from->cluster_keys.primary, is = to->cluster_keys.primary;

	// A node that made its key up alone loses its dialogs once, whatever comes next.
	if (!from->has_keys || !to->has_keys)
		return;
	if (!has_key(from, to, is))
		note(&notes,
			"cluster_keys: key \"%c\" signs before the other nodes know it: what it "
			"signs leads "
			"nowhere there; first add it on all nodes, then make it primary",
			is);
	if (!has_key(to, from, was))
		note(&notes,
			"cluster_keys: key \"%c\" signs now and is gone then: dialogs and "
			"registrations of "
			"now are not found again; first make another key primary and wait",
			was);
}
