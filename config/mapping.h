// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONFIG_MAPPING_H
#define CONFIG_MAPPING_H

#include "config/strbuf.h"

struct config;

// Normalized text -> struct config, by libcyaml, which this module alone knows.
//
// libcyaml reads "5s" as 5 and "010" as 8 and names one error at a time: so it only ever sees text
// of normalize(), and finding an error in it is our bug, not the user's.

// libcyaml's form of the schema. NULL and errno ENOMEM.
struct config_mapping *mapping_create(void);
void mapping_destroy(struct config_mapping *mapping);

// Returns 0 with *config, -ENOMEM, or -EPROTO when libcyaml does not take the text.
int mapping_load(
	const struct config_mapping *mapping, const struct strbuf *text, struct config **config);

void mapping_free(const struct config_mapping *mapping, struct config *config);

#endif
