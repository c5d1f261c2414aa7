// SPDX-License-Identifier: BSD-3-Clause
#include "control/notes.h"

#include "dataplane/dispatch/table.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

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
