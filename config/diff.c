// SPDX-License-Identifier: BSD-3-Clause
#include "config/config.h"
#include "config/normalize.h"

#include <string.h>

static const struct config_restart_key *find(const struct config *config, const char *path)
{
	for (uint32_t i = 0; i < config->nb_restart_keys; i++) {
		if (strcmp(config->restart_keys[i].path, path) == 0)
			return &config->restart_keys[i];
	}
	return NULL;
}

uint32_t config_diff_restart_keys(
	const struct config *from, const struct config *to, config_diff_fn *fn, void *arg)
{
	uint32_t nb = 0;

	for (uint32_t i = 0; i < to->nb_restart_keys; i++) {
		const struct config_restart_key *new = &to->restart_keys[i];
		const struct config_restart_key *old = find(from, new->path);

		if (old != NULL && strcmp(old->value, new->value) == 0)
			continue;
		nb++;
		if (fn != NULL)
			fn(new->path, old != NULL ? old->text : "(absent)", new->text, arg);
	}
	for (uint32_t i = 0; i < from->nb_restart_keys; i++) {
		const struct config_restart_key *old = &from->restart_keys[i];

		if (find(to, old->path) != NULL)
			continue;
		nb++;
		if (fn != NULL)
			fn(old->path, old->text, "(absent)", arg);
	}
	return nb;
}
