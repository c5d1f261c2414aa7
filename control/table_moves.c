// SPDX-License-Identifier: BSD-3-Clause
#include "control/table_moves.h"

#include "dataplane/dispatch/table.h"

#include <stdlib.h>
#include <string.h>

uint16_t table_find_service(const struct snapshot *snapshot, const char *service)
{
	for (uint16_t i = 0; i < snapshot->services.nb; i++) {
		if (strcmp(snapshot_service(snapshot, i)->name, service) == 0)
			return i;
	}
	return SNAPSHOT_NONE;
}

void table_shares(const struct snapshot *snapshot, uint16_t service, double *shares)
{
	const struct snapshot_service *entry = snapshot_service(snapshot, service);

	for (uint16_t i = 0; i < entry->nb_backends; i++)
		shares[i] = 0;
	for (uint32_t row = 0; row < entry->table.nb; row++) {
		uint16_t first = snapshot_row(snapshot, &entry->table, row)[0];

		if (first >= entry->backend_first &&
			first < entry->backend_first + entry->nb_backends)
			shares[first - entry->backend_first] += 1;
	}
	for (uint16_t i = 0; i < entry->nb_backends; i++)
		shares[i] /= entry->table.nb;
}

struct view {
	struct table_view view;
	uint32_t ids[SNAPSHOT_BACKENDS_MAX];
	uint16_t weights[SNAPSHOT_BACKENDS_MAX];
};

static void view_init(struct view *v, const struct snapshot *snapshot, uint16_t service)
{
	const struct snapshot_service *entry = snapshot_service(snapshot, service);

	for (uint16_t i = 0; i < entry->nb_backends; i++) {
		const struct snapshot_backend *backend =
			snapshot_backend(snapshot, (uint16_t)(entry->backend_first + i));

		v->ids[i] = backend->id;
		v->weights[i] = backend->weight;
	}
	v->view = (struct table_view){
		.rows = (const uint16_t *)((const char *)snapshot + entry->table.off),
		.nb_rows = entry->table.nb,
		.ids = v->ids,
		.weights = v->weights,
		.nb_backends = entry->nb_backends,
		.first = entry->backend_first,
	};
}

bool table_moves(const struct snapshot *from, const struct snapshot *to, const char *service,
	struct table_moves *moves)
{
	uint16_t old = table_find_service(from, service), new = table_find_service(to, service);
	struct view *views;
	struct table_diff diff;

	if (old == SNAPSHOT_NONE || new == SNAPSHOT_NONE)
		return false;
	*moves = (struct table_moves){0};
	if (snapshot_service(from, old)->table_hash == snapshot_service(to, new)->table_hash)
		return true;
	views = calloc(2, sizeof(*views));
	if (views == NULL)
		return false;
	view_init(&views[0], from, old);
	view_init(&views[1], to, new);
	diff = table_compare(&views[0].view, &views[1].view);
	free(views);
	moves->share = diff.rows == 0 ? 0 : (double)diff.moved / diff.rows;
	moves->ideal = diff.ideal;
	return true;
}
