// SPDX-License-Identifier: BSD-3-Clause
#include "config/document.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 16 // of nested mappings and sequences; the schema needs 8
#define FILE_SIZE_MAX (16 << 20)
#define BOM "\xef\xbb\xbf"

static struct mark from_yaml(yaml_mark_t mark)
{
	return (struct mark){(uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

// libyaml gives only the offset of an octet that is no UTF-8.
static struct mark mark_at(struct text text, size_t offset)
{
	struct mark mark = {1, 1};

	for (size_t i = 0; i < offset && i < text.len; i++) {
		mark.column++;
		if (text.ptr[i] == '\n')
			mark = (struct mark){mark.line + 1, 1};
	}
	return mark;
}

static int syntax_error(
	const yaml_parser_t *parser, const char *name, struct text text, struct config_errors *errs)
{
	struct strbuf message = {0};
	struct mark mark = from_yaml(parser->problem_mark);
	size_t offset = parser->problem_mark.index;

	switch (parser->error) {
	case YAML_MEMORY_ERROR:
		return -ENOMEM;
	case YAML_READER_ERROR:
		mark = mark_at(text, parser->problem_offset);
		strbuf_puts(&message, "not text in UTF-8");
		break;
	default:
		if (offset < text.len && text.ptr[offset] == '\t')
			strbuf_puts(&message, "found a tab, allowed: spaces");
		else
			strbuf_printf(&message, "not YAML: %s%s%s",
				parser->context != NULL ? parser->context : "",
				parser->context != NULL ? ", " : "", parser->problem);
		break;
	}
	errors_add(errs, name, mark, "", strbuf_text(&message));
	strbuf_fini(&message);
	return -EINVAL;
}

// One event of the first pass. Returns 1 at the end, 0 to go on, or -EINVAL.
static int check_event(const yaml_event_t *event, const char *name, struct config_errors *errs,
	unsigned int *nb_documents, unsigned int *depth)
{
	struct mark mark = from_yaml(event->start_mark);

	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (++*nb_documents < 2)
			return 0;
		errors_add(errs, name, mark, "", "a second document starts here, allowed: one");
		return -EINVAL;
	case YAML_MAPPING_START_EVENT:
	case YAML_SEQUENCE_START_EVENT:
		if (++*depth <= DEPTH_MAX)
			return 0;
		errors_add(errs, name, mark, "", "nested too deeply, allowed: 16 levels");
		return -EINVAL;
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		--*depth;
		return 0;
	case YAML_STREAM_END_EVENT:
		return 1;
	default:
		return 0;
	}
}

static void parser_open(yaml_parser_t *parser, struct text text)
{
	yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(parser, (const unsigned char *)text.ptr, text.len);
}

// The first pass keeps from the tree what would make it too deep or leave a part of the file
// unread.
static int check_events(const char *name, struct text text, struct config_errors *errs)
{
	unsigned int nb_documents = 0, depth = 0;
	yaml_parser_t parser;
	yaml_event_t event;
	int ret = 0;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	parser_open(&parser, text);
	while (ret == 0) {
		if (!yaml_parser_parse(&parser, &event)) {
			ret = syntax_error(&parser, name, text, errs);
			break;
		}
		ret = check_event(&event, name, errs, &nb_documents, &depth);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	if (ret == 1 && nb_documents == 0) {
		errors_add(errs, name, (struct mark){0}, "", "empty, a mapping is needed");
		ret = -EINVAL;
	}
	return ret < 0 ? ret : 0;
}

static const yaml_node_t *get_node(const struct document *doc, int node)
{
	return &doc->yaml.nodes.start[node - 1];
}

// A tag asks a reader to do something that this one does not.
static int check_tags(const struct document *doc)
{
	int ret = 0;

	for (const yaml_node_t *n = doc->yaml.nodes.start; n < doc->yaml.nodes.top; n++) {
		const char *tag = (const char *)n->tag;
		struct strbuf message = {0};

		if (!strcmp(tag, YAML_DEFAULT_SCALAR_TAG) ||
			!strcmp(tag, YAML_DEFAULT_SEQUENCE_TAG) ||
			!strcmp(tag, YAML_DEFAULT_MAPPING_TAG))
			continue;
		strbuf_puts(&message, "tag ");
		value_quote((struct text){tag, strlen(tag)}, &message);
		strbuf_puts(&message, " found, allowed: no tags");
		errors_add(
			doc->errs, doc->name, from_yaml(n->start_mark), "", strbuf_text(&message));
		strbuf_fini(&message);
		ret = -EINVAL;
	}
	return ret;
}

int document_init(
	struct document *doc, const char *name, struct text text, struct config_errors *errs)
{
	yaml_parser_t parser;
	int ret;

	*doc = (struct document){.name = name, .errs = errs};
	// Some editors put a byte order mark in front, which libyaml takes only where it may guess.
	if (text.len >= strlen(BOM) && memcmp(text.ptr, BOM, strlen(BOM)) == 0)
		text = (struct text){text.ptr + strlen(BOM), text.len - strlen(BOM)};
	if (text.len > FILE_SIZE_MAX) {
		errors_add(errs, name, (struct mark){0}, "", "too large, allowed: 16MiB");
		return -EINVAL;
	}
	ret = check_events(name, text, errs);
	if (ret < 0)
		return ret;
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	parser_open(&parser, text);
	if (!yaml_parser_load(&parser, &doc->yaml)) {
		ret = syntax_error(&parser, name, text, errs);
		yaml_parser_delete(&parser);
		return ret;
	}
	yaml_parser_delete(&parser);
	ret = check_tags(doc);
	if (ret < 0)
		document_fini(doc);
	return ret;
}

void document_fini(struct document *doc)
{
	yaml_document_delete(&doc->yaml);
}

int document_root(const struct document *doc)
{
	return 1; // libyaml puts it first
}

enum node_kind document_kind(const struct document *doc, int node)
{
	switch (get_node(doc, node)->type) {
	case YAML_SEQUENCE_NODE:
		return NODE_SEQUENCE;
	case YAML_MAPPING_NODE:
		return NODE_MAPPING;
	default:
		return NODE_SCALAR;
	}
}

struct mark document_mark(const struct document *doc, int node)
{
	return from_yaml(get_node(doc, node)->start_mark);
}

struct text document_text(const struct document *doc, int node)
{
	const yaml_node_t *n = get_node(doc, node);

	if (n->type != YAML_SCALAR_NODE)
		return (struct text){"", 0};
	return (struct text){(const char *)n->data.scalar.value, n->data.scalar.length};
}

bool document_is_null(const struct document *doc, int node)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
	const yaml_node_t *n = get_node(doc, node);

	if (n->type != YAML_SCALAR_NODE || n->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++) {
		if (text_eq(document_text(doc, node), nulls[i]))
			return true;
	}
	return false;
}

uint32_t document_nb_items(const struct document *doc, int node)
{
	const yaml_node_t *n = get_node(doc, node);

	switch (n->type) {
	case YAML_SEQUENCE_NODE:
		return (uint32_t)(n->data.sequence.items.top - n->data.sequence.items.start);
	case YAML_MAPPING_NODE:
		return (uint32_t)(n->data.mapping.pairs.top - n->data.mapping.pairs.start);
	default:
		return 0;
	}
}

int document_item(const struct document *doc, int sequence, uint32_t i)
{
	return get_node(doc, sequence)->data.sequence.items.start[i];
}

void document_pair(const struct document *doc, int mapping, uint32_t i, int *key, int *value)
{
	const yaml_node_pair_t *pair = &get_node(doc, mapping)->data.mapping.pairs.start[i];

	*key = pair->key;
	*value = pair->value;
}

int document_find(const struct document *doc, int mapping, const char *key)
{
	if (mapping == 0 || document_kind(doc, mapping) != NODE_MAPPING)
		return 0;
	for (uint32_t i = 0; i < document_nb_items(doc, mapping); i++) {
		int k, v;

		document_pair(doc, mapping, i, &k, &v);
		if (document_kind(doc, k) == NODE_SCALAR && text_eq(document_text(doc, k), key))
			return v;
	}
	return 0;
}

// One step of a path: a key (index is UINT32_MAX) or an index.
struct step {
	char key[64];
	uint32_t index;
};

// Returns the rest of the path.
static const char *next_step(const char *path, struct step *step)
{
	size_t len;
	char *end;

	if (*path == '[') {
		step->index = (uint32_t)strtoul(path + 1, &end, 10);
		return end + 1;
	}
	path += *path == '.';
	len = strcspn(path, ".[");
	step->index = UINT32_MAX;
	snprintf(step->key, sizeof(step->key), "%.*s", (int)len, path);
	return path + len;
}

// The node of a step below `node`, or 0.
static int take_step(const struct document *doc, int node, const struct step *step)
{
	if (step->index == UINT32_MAX)
		return document_find(doc, node, step->key);
	if (node == 0 || document_kind(doc, node) != NODE_SEQUENCE ||
		step->index >= document_nb_items(doc, node))
		return 0;
	return document_item(doc, node, step->index);
}

bool document_has(const struct document *doc, const char *path)
{
	int node = document_root(doc);

	while (*path != '\0' && node != 0) {
		struct step step;

		path = next_step(path, &step);
		node = take_step(doc, node, &step);
	}
	return node != 0;
}

struct mark document_locate(const struct document *doc, const char *path, struct strbuf *shown)
{
	int node = document_root(doc);
	struct mark mark = document_mark(doc, node);
	bool first = true;

	while (*path != '\0') {
		struct step step;
		int name;

		path = next_step(path, &step);
		node = take_step(doc, node, &step);
		if (node != 0)
			mark = document_mark(doc, node);
		name = document_find(doc, node, "name");
		if (step.index == UINT32_MAX)
			strbuf_printf(shown, "%s%s", first ? "" : ".", step.key);
		// An error in the name itself is clearer with the number.
		else if (name != 0 && value_is_name(document_text(doc, name)) &&
			strcmp(path, ".name") != 0)
			strbuf_printf(shown, "[%.*s]", (int)document_text(doc, name).len,
				document_text(doc, name).ptr);
		else
			strbuf_printf(shown, "[%u]", step.index);
		first = false;
	}
	return mark;
}

void document_report(struct document *doc, const char *path, const char *fmt, ...)
{
	struct strbuf shown = {0};
	struct mark mark;
	char *message;
	va_list args;
	int len;

	// Finding the place costs time: not for errors that nobody will see.
	if (errors_full(doc->errs)) {
		doc->errs->nb_dropped++;
		return;
	}
	mark = document_locate(doc, path, &shown);
	va_start(args, fmt);
	len = vasprintf(&message, fmt, args);
	va_end(args);
	errors_add(doc->errs, doc->name, mark, strbuf_text(&shown),
		len < 0 ? "out of memory" : message);
	if (len >= 0)
		free(message);
	strbuf_fini(&shown);
}
