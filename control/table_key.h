// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_TABLE_KEY_H
#define CONTROL_TABLE_KEY_H

#include <stdint.h>

#include "config/config.h"

// What seeds the lookup tables (snapshot.table_key): a function of a secret of the cluster and its
// name, so that every node of a cluster builds the same tables and nobody else can choose Call-IDs
// that all meet in one backend.
//
// The secret is that of cluster_keys.table_file, else the first key of the file: never the primary,
// because changing which key signs must move no call.

void table_key_make(const uint8_t secret[CONFIG_KEY_SIZE], const char *cluster, uint8_t key[16]);

// The secret of a configuration; NULL without cluster_keys.
const uint8_t *table_key_secret(const struct config *config);

// Without cluster_keys the running process makes up a secret; offline it counts as all zeros.
void table_key_from_config(const struct config *config, uint8_t key[16]);

#endif
