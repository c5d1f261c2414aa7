// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_TABLE_KEY_H
#define CONTROL_TABLE_KEY_H

#include <stdint.h>

#include "config/config.h"

// What seeds the lookup tables (snapshot.table_key): a function of the first of the cluster's keys
// and the cluster's name, so that every node of a cluster builds the same tables.
//
// The first key of the file, not the primary: changing which key signs must move no call.

void table_key_make(const uint8_t secret[CONFIG_KEY_SIZE], const char *cluster, uint8_t key[16]);

// Without cluster_keys the running process makes up a secret; offline it counts as all zeros.
void table_key_from_config(const struct config *config, uint8_t key[16]);

#endif
