// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONFIG_DOCUMENT_H
#define CONFIG_DOCUMENT_H

#include "config/errors.h"
#include "config/value.h"

#include <stdbool.h>
#include <stddef.h>

#include <yaml.h>

// The file as a tree of nodes, each with its place. Nodes are numbered from 1; 0 is no node.
//
// An alias is the node it names, so the tree may have cycles: walk it along the schema only.
struct document {
	const char *name; // of the file, for messages
	struct config_errors *errs;
	yaml_document_t yaml;
};

enum node_kind {
	NODE_SCALAR,
	NODE_SEQUENCE,
	NODE_MAPPING
};

// Parse `text`, which is one document with bounded size and depth and without tags.
//
// The name and errs must outlive the document.
// Returns 0, -EINVAL with errors in *errs, or -ENOMEM; *doc is then nothing to fini.
int document_init(
	struct document *doc, const char *name, struct text text, struct config_errors *errs);
void document_fini(struct document *doc);

// The node of the whole file.
int document_root(const struct document *doc);

enum node_kind document_kind(const struct document *doc, int node);
struct mark document_mark(const struct document *doc, int node);

// A scalar's text.
struct text document_text(const struct document *doc, int node);

// Whether a scalar is no value: nothing, "~" or "null", not quoted.
bool document_is_null(const struct document *doc, int node);

// Items of a sequence or pairs of a mapping.
uint32_t document_nb_items(const struct document *doc, int node);
int document_item(const struct document *doc, int sequence, uint32_t i);
void document_pair(const struct document *doc, int mapping, uint32_t i, int *key, int *value);

// The value of a key, or 0. `mapping` may be any node.
int document_find(const struct document *doc, int mapping, const char *key);

// Whether all steps of a path ("services[0].listen[1].port") are there.
bool document_has(const struct document *doc, const char *path);

// Find the place of a path, or that of the nearest step above when it is not there, and append the
// path as people should read it, with names for numbers, to *shown:
// "services[access].listen[1].port".
struct mark document_locate(const struct document *doc, const char *path, struct strbuf *shown);

// Add an error at a path.
__attribute__((format(printf, 3, 4))) void document_report(
	struct document *doc, const char *path, const char *fmt, ...);

#endif
