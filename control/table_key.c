// SPDX-License-Identifier: BSD-3-Clause
#include "control/table_key.h"

#include "dataplane/dispatch/siphash.h"

#include <stdio.h>

void table_key_make(const uint8_t secret[CONFIG_KEY_SIZE], const char *cluster, uint8_t key[16])
{
	char text[CONFIG_NAME_MAX + 16];

	for (unsigned int half = 0; half < 2; half++) {
		int len = snprintf(text, sizeof(text), "table key %u %s", half, cluster);
		uint64_t word = siphash24(secret, text, (size_t)len);

		for (unsigned int i = 0; i < 8; i++)
			key[half * 8 + i] = (uint8_t)(word >> (8 * i));
	}
}

const uint8_t *table_key_secret(const struct config *config)
{
	const struct config_cluster_keys *keys = &config->cluster_keys;

	if (!config->has_keys)
		return NULL;
	return keys->table_file != NULL ? keys->table_secret : keys->keys[0].secret;
}

void table_key_from_config(const struct config *config, uint8_t key[16])
{
	static const uint8_t none[CONFIG_KEY_SIZE];
	const uint8_t *secret = table_key_secret(config);

	table_key_make(secret != NULL ? secret : none, config->node.cluster, key);
}
