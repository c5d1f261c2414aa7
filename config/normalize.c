// SPDX-License-Identifier: BSD-3-Clause
#include "config/normalize.h"

#include "config/schema.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

// Aliases can make a small file large; this is many times what the limits of the schema allow
// without.
#define TEXT_MAX (64 << 20)

#define SOURCES_MAX 3 // a mapping and the templates it inherits from

struct walk {
	struct document *doc;
	struct normalized *to;
	struct strbuf path; // of the value in hand
	int templates[SOURCES_MAX - 1]; // the nearest first; 0: none
	unsigned int silent; // > 0: errors of the value in hand are reported elsewhere
	unsigned int restart; // > 0: under a SCHEMA_RESTART key
	XXH64_state_t cluster;
	bool failed; // out of memory
};

// Where a mapping takes its keys from: itself, then what it inherits from. 0 stands for an absent
// one.
struct sources {
	int nodes[SOURCES_MAX];
	unsigned int nb_nodes;
};

static void walk_value(struct walk *w, const struct schema_key *key, int node);
static void walk_mapping(
	struct walk *w, const struct schema_type *mapping, const struct sources *sources);

#define REPORT(w, ...)                                                                   \
	do {                                                                             \
		if ((w)->silent == 0)                                                    \
			document_report((w)->doc, strbuf_text(&(w)->path), __VA_ARGS__); \
	} while (0)

static const char *kind_found(struct walk *w, int node)
{
	switch (document_kind(w->doc, node)) {
	case NODE_SEQUENCE:
		return "a sequence";
	case NODE_MAPPING:
		return "a mapping";
	default:
		return document_is_null(w->doc, node) ? "no value" : "a scalar";
	}
}

static void report_kind(struct walk *w, const struct schema_type *type, int node)
{
	REPORT(w, "found %s, allowed: %s", kind_found(w, node), schema_kind_name(type->kind));
}

// Remember a scalar of a key that needs a restart. `value` is what was appended for it.
static void add_restart_key(struct walk *w, struct text text, const char *value)
{
	struct config_restart_key *keys;
	struct strbuf shown = {0};
	uint32_t nb = w->to->nb_restart_keys;

	// Doubles the array at each power of two.
	if ((nb & (nb - 1)) == 0) {
		keys = reallocarray(
			w->to->restart_keys, nb > 0 ? 2 * (size_t)nb : 1, sizeof(*keys));
		if (keys == NULL) {
			w->failed = true;
			return;
		}
		w->to->restart_keys = keys;
	}
	document_locate(w->doc, strbuf_text(&w->path), &shown);
	keys = &w->to->restart_keys[nb];
	keys->path = shown.data;
	keys->text = strndup(text.ptr, text.len);
	keys->value = strdup(value);
	w->to->nb_restart_keys++;
	w->failed |=
		shown.failed || keys->path == NULL || keys->text == NULL || keys->value == NULL;
}

// A scalar from the file, or a default with node 0.
static void walk_scalar(struct walk *w, const struct schema_type *type, int node, struct text text)
{
	struct strbuf *out = &w->to->text;
	struct strbuf why = {0};
	size_t start = out->len;

	if (node != 0 &&
		(document_kind(w->doc, node) != NODE_SCALAR || document_is_null(w->doc, node))) {
		report_kind(w, type, node);
		return;
	}
	if (value_normalize(type, text, out, &why) < 0)
		REPORT(w, "%s", strbuf_text(&why));
	else if (w->restart > 0)
		add_restart_key(w, text, strbuf_text(out) + start);
	strbuf_fini(&why);
}

// One item of a sequence. It is appended even if it is wrong, so that items keep their numbers.
static void walk_item(struct walk *w, const struct schema_type *item, int node)
{
	struct strbuf *out = &w->to->text;
	size_t start = out->len;

	if (item->kind != SCHEMA_MAPPING)
		walk_scalar(w, item, node, document_text(w->doc, node));
	else if (document_kind(w->doc, node) != NODE_MAPPING)
		report_kind(w, item, node);
	else
		walk_mapping(w, item, &(struct sources){{node}, 1});
	if (out->len == start)
		strbuf_puts(out, "{}");
}

static void walk_sequence(struct walk *w, const struct schema_type *type, int node)
{
	struct strbuf *out = &w->to->text;
	uint32_t nb_items;

	if (document_kind(w->doc, node) != NODE_SEQUENCE) {
		report_kind(w, type, node);
		return;
	}
	nb_items = document_nb_items(w->doc, node);
	if (nb_items < type->min || nb_items > type->max) {
		REPORT(w, "has %u items, allowed: %llu..%llu", nb_items,
			(unsigned long long)type->min, (unsigned long long)type->max);
		return;
	}
	strbuf_puts(out, "[");
	for (uint32_t i = 0; i < nb_items && out->len < TEXT_MAX; i++) {
		size_t len = w->path.len;

		if (i > 0)
			strbuf_puts(out, ", ");
		strbuf_printf(&w->path, "[%u]", i);
		walk_item(w, type->item, document_item(w->doc, node, i));
		strbuf_truncate(&w->path, len);
	}
	strbuf_puts(out, "]");
}

// A key that is there, or has templates to inherit from.
static void walk_present(struct walk *w, const struct schema_key *key, int node)
{
	struct sources sources = {{node}, 1};

	switch (key->type.kind) {
	case SCHEMA_RESERVED:
		REPORT(w, "not implemented in this version, leave it out");
		break;
	case SCHEMA_SEQUENCE:
		walk_sequence(w, &key->type, node);
		break;
	case SCHEMA_MAPPING:
		if (node != 0 && document_kind(w->doc, node) != NODE_MAPPING) {
			report_kind(w, &key->type, node);
			break;
		}
		if (key->flags & SCHEMA_INHERITS) {
			for (; sources.nb_nodes < SOURCES_MAX; sources.nb_nodes++)
				sources.nodes[sources.nb_nodes] =
					w->templates[sources.nb_nodes - 1];
		}
		walk_mapping(w, &key->type, &sources);
		break;
	default:
		walk_scalar(w, &key->type, node, document_text(w->doc, node));
		break;
	}
}

static void walk_absent(struct walk *w, const struct schema_key *key)
{
	const char *fallback = key->fallback;
	struct strbuf allowed = {0};

	if (key->flags & SCHEMA_REQUIRED) {
		schema_describe(&key->type, &allowed);
		REPORT(w, "missing, needed: %s%s%s", schema_kind_name(key->type.kind),
			allowed.len > 0 ? ", " : "", strbuf_text(&allowed));
		strbuf_fini(&allowed);
	} else if (key->type.kind == SCHEMA_MAPPING && !(key->flags & SCHEMA_SECTION)) {
		walk_present(w, key, 0);
	} else if (fallback != NULL) {
		walk_scalar(w, &key->type, 0, (struct text){fallback, strlen(fallback)});
	}
}

// Walk the value of a key (node 0: absent) and append "key: value" unless there is none.
static void walk_value(struct walk *w, const struct schema_key *key, int node)
{
	struct strbuf *out = &w->to->text;
	size_t start = out->len, path_len = w->path.len, value;
	unsigned int restart = w->restart;

	strbuf_printf(
		out, "%s%s: ", start > 0 && out->data[start - 1] != '{' ? ", " : "", key->name);
	strbuf_printf(&w->path, "%s%s", path_len > 0 ? "." : "", key->name);
	value = out->len;
	w->restart += (key->flags & SCHEMA_RESTART) != 0;
	if (key->flags & SCHEMA_RELOAD)
		w->restart = 0;

	if (node != 0)
		walk_present(w, key, node);
	else
		walk_absent(w, key);

	// A template is for those who inherit from it; when absent, it is not the previous
	// service's.
	if (key->flags & SCHEMA_FIRST_TEMPLATE)
		w->templates[1] = node;
	if (key->flags & SCHEMA_NEXT_TEMPLATE)
		w->templates[0] = node;
	if (out->len == value || (key->flags & SCHEMA_UNMAPPED))
		strbuf_truncate(out, start);
	else if (key->flags & SCHEMA_CLUSTER)
		XXH64_update(&w->cluster, out->data + start, out->len - start);
	w->restart = restart;
	strbuf_truncate(&w->path, path_len);
}

static const struct schema_key *find_key(const struct schema_type *mapping, struct text name)
{
	for (const struct schema_key *key = mapping->keys; key->name != NULL; key++) {
		if (text_eq(name, key->name))
			return key;
	}
	return NULL;
}

static const char *next_key(void *cursor)
{
	const struct schema_key **key = cursor;

	while ((*key)->type.kind == SCHEMA_RESERVED)
		(*key)++;
	return (*key)->name != NULL ? (*key)++->name : NULL;
}

// Add an error at a key itself; document_report() would point at its value.
static void report_key(struct walk *w, int node, const char *message)
{
	struct text name = document_text(w->doc, node);
	struct strbuf shown = {0};

	document_locate(w->doc, strbuf_text(&w->path), &shown);
	if (value_is_name(name))
		strbuf_printf(&shown, "%s%.*s", shown.len > 0 ? "." : "", (int)name.len, name.ptr);
	errors_add(w->doc->errs, w->doc->name, document_mark(w->doc, node), strbuf_text(&shown),
		message);
	strbuf_fini(&shown);
}

// Returns the key that was meant, or NULL.
static const char *report_unknown_key(struct walk *w, const struct schema_type *mapping, int node)
{
	const struct schema_key *cursor = mapping->keys;
	struct text name = document_text(w->doc, node);
	struct strbuf message = {0};
	const char *suggestion = value_suggest(name, next_key, &cursor);

	strbuf_puts(&message, "unknown key ");
	value_quote(name, &message);
	if (text_eq(name, "<<")) {
		strbuf_puts(&message, ", merge keys are not supported");
	} else if (suggestion != NULL) {
		strbuf_printf(&message, ", did you mean \"%s\"?", suggestion);
	} else {
		strbuf_puts(&message, ", allowed: ");
		cursor = mapping->keys;
		for (const char *key = next_key(&cursor); key != NULL; key = next_key(&cursor))
			strbuf_printf(
				&message, "%s%s", key != mapping->keys->name ? ", " : "", key);
	}
	report_key(w, node, strbuf_text(&message));
	strbuf_fini(&message);
	return suggestion;
}

// A key node, for sorting.
struct key_node {
	struct text name;
	int node;
};

static int compare_key_nodes(const void *a, const void *b)
{
	const struct key_node *x = a, *y = b;
	size_t len = x->name.len < y->name.len ? x->name.len : y->name.len;
	int order = memcmp(x->name.ptr, y->name.ptr, len);

	if (order == 0 && x->name.len != y->name.len)
		order = x->name.len < y->name.len ? -1 : 1;
	return order != 0 ? order : x->node - y->node;
}

static void check_duplicates(struct walk *w, struct key_node *keys, uint32_t nb_keys)
{
	qsort(keys, nb_keys, sizeof(*keys), compare_key_nodes);
	for (uint32_t i = 1; i < nb_keys; i++) {
		const struct key_node *first = &keys[i - 1], *second = &keys[i];
		struct strbuf message = {0};

		if (first->name.len != second->name.len ||
			memcmp(first->name.ptr, second->name.ptr, first->name.len) != 0)
			continue;
		strbuf_puts(&message, "key ");
		value_quote(second->name, &message);
		strbuf_printf(&message, " is already used at line %u",
			document_mark(w->doc, first->node).line);
		report_key(w, second->node, strbuf_text(&message));
		strbuf_fini(&message);
	}
}

// `meant[i]` is set when the i-th key of the schema seems to be there with its name misspelt.
static void check_keys(
	struct walk *w, const struct schema_type *mapping, int node, bool meant[SCHEMA_KEYS_MAX])
{
	uint32_t nb_pairs = document_nb_items(w->doc, node), nb_keys = 0;
	struct key_node *keys = calloc((size_t)nb_pairs + 1, sizeof(*keys));

	if (keys == NULL) {
		w->failed = true;
		return;
	}
	for (uint32_t i = 0; i < nb_pairs; i++) {
		struct text name;
		int key, value;

		document_pair(w->doc, node, i, &key, &value);
		if (document_kind(w->doc, key) != NODE_SCALAR) {
			report_key(w, key, "found a key that is not a scalar, allowed: words");
			continue;
		}
		name = document_text(w->doc, key);
		keys[nb_keys++] = (struct key_node){name, key};
		// The user's own notes.
		if (mapping == &schema_root && name.len > 2 && memcmp(name.ptr, "x-", 2) == 0)
			continue;
		if (find_key(mapping, name) == NULL && !errors_full(w->doc->errs)) {
			const char *suggestion = report_unknown_key(w, mapping, key);

			for (uint32_t k = 0; suggestion != NULL && mapping->keys[k].name != NULL;
				k++)
				meant[k] |= mapping->keys[k].name == suggestion;
		}
	}
	check_duplicates(w, keys, nb_keys);
	free(keys);
}

static void walk_mapping(
	struct walk *w, const struct schema_type *mapping, const struct sources *sources)
{
	bool meant[SCHEMA_KEYS_MAX] = {false};

	if (sources->nodes[0] != 0 && w->silent == 0)
		check_keys(w, mapping, sources->nodes[0], meant);
	strbuf_puts(&w->to->text, "{");
	for (const struct schema_key *key = mapping->keys; key->name != NULL; key++) {
		unsigned int i = 0;
		int node = 0;
		bool silent;

		while (i < sources->nb_nodes && node == 0)
			node = document_find(w->doc, sources->nodes[i++], key->name);
		// An inherited value is checked where it stands. A misspelt key is not missing as
		// well.
		silent = node != 0 ? i > 1 : meant[key - mapping->keys];
		w->silent += silent;
		walk_value(w, key, node);
		w->silent -= silent;
	}
	strbuf_puts(&w->to->text, "}");
}

int normalize(struct document *doc, struct normalized *normalized)
{
	struct walk w = {.doc = doc, .to = normalized};
	int root = document_root(doc);

	*normalized = (struct normalized){0};
	XXH64_reset(&w.cluster, 0);
	if (document_kind(doc, root) == NODE_MAPPING)
		walk_mapping(&w, &schema_root, &(struct sources){{root}, 1});
	else
		report_kind(&w, &schema_root, root);
	if (normalized->text.len >= TEXT_MAX) {
		document_report(doc, "", "too large with its aliases written out, allowed: 64MiB");
		strbuf_truncate(&normalized->text, 0);
	}
	normalized->digest = XXH64(strbuf_text(&normalized->text), normalized->text.len, 0);
	normalized->cluster_digest = XXH64_digest(&w.cluster);
	w.failed |= normalized->text.failed || w.path.failed;
	strbuf_fini(&w.path);
	return w.failed ? -ENOMEM : 0;
}

void normalized_fini(struct normalized *normalized)
{
	strbuf_fini(&normalized->text);
	restart_keys_free(normalized->restart_keys, normalized->nb_restart_keys);
	*normalized = (struct normalized){0};
}

void restart_keys_free(struct config_restart_key *keys, uint32_t nb_keys)
{
	for (uint32_t i = 0; i < nb_keys; i++) {
		free(keys[i].path);
		free(keys[i].text);
		free(keys[i].value);
	}
	free(keys);
}
