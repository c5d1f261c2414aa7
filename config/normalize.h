// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONFIG_NORMALIZE_H
#define CONFIG_NORMALIZE_H

#include "config/document.h"
#include "config/strbuf.h"

#include <stdint.h>

// One key that needs a restart to change.
struct config_restart_key {
	char *path; // as shown to people
	char *text; // as written in the file, or the default
	char *value; // in its normal form, which two ways to write the same share
};

// What comes of a document: the same configuration as text in which nothing is left to interpret.
// It has every key of the schema in the order of the schema, defaults and inherited values
// included, and values as value_normalize() writes them. A value that is wrong is left out.
struct normalized {
	struct strbuf text;
	uint64_t digest; // of text
	uint64_t cluster_digest; // of the parts that are SCHEMA_CLUSTER
	struct config_restart_key *restart_keys;
	uint32_t nb_restart_keys;
};

// Check a document against the schema and normalize it. All errors go to the document's list.
//
// Returns 0 even if there are errors, or -ENOMEM; *normalized is to be fini'd in any case.
int normalize(struct document *doc, struct normalized *normalized);

void normalized_fini(struct normalized *normalized);

void restart_keys_free(struct config_restart_key *keys, uint32_t nb_keys);

#endif
