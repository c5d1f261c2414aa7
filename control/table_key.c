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

void table_key_from_config(const struct config *config, uint8_t key[16])
{
	static const uint8_t none[CONFIG_KEY_SIZE];

	table_key_make(config->has_keys ? config->cluster_keys.keys[0].secret : none,
		config->node.cluster, key);
}
