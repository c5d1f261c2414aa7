// SPDX-License-Identifier: BSD-3-Clause
#include "config/schema.h"

#include <stddef.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit durations[] = {
	{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {NULL, 0}};
static const struct unit sizes[] = {
	{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {NULL, 0}};

const char *schema_kind_name(enum schema_kind kind)
{
	static const char *const names[] = {
		[SCHEMA_UINT] = "a whole number",
		[SCHEMA_DURATION] = "a duration",
		[SCHEMA_SIZE] = "a size",
		[SCHEMA_RATE] = "a rate",
		[SCHEMA_PERCENT] = "a percentage",
		[SCHEMA_BOOL] = "a boolean",
		[SCHEMA_ENUM] = "a word",
		[SCHEMA_KEY_ID] = "a key id",
		[SCHEMA_NAME] = "a name",
		[SCHEMA_STRING] = "text",
		[SCHEMA_PATH] = "an absolute path",
		[SCHEMA_IFNAME] = "an interface name",
		[SCHEMA_SIP_URI] = "a SIP URI",
		[SCHEMA_ADDR] = "an IP address",
		[SCHEMA_PREFIX] = "a network prefix",
		[SCHEMA_IFADDR] = "an address with a prefix length",
		[SCHEMA_SOCKET] = "host:port or unix:path",
		[SCHEMA_LISTEN] = "address:port or unix:path",
		[SCHEMA_CPUS] = "a list of CPUs",
		[SCHEMA_STATUSES] = "a list of status codes",
		[SCHEMA_MAPPING] = "a mapping",
		[SCHEMA_SEQUENCE] = "a sequence",
		[SCHEMA_RESERVED] = "nothing",
	};

	return names[kind];
}

void schema_format_number(enum schema_kind kind, uint64_t value, struct strbuf *out)
{
	const struct unit *units = kind == SCHEMA_DURATION ? durations : sizes;
	const struct unit *unit = units;

	if (kind == SCHEMA_RATE) {
		strbuf_printf(out, "%llu/s", (unsigned long long)value);
	} else if (kind == SCHEMA_PERCENT) {
		strbuf_printf(out, "%llu%%", (unsigned long long)value);
	} else if (kind == SCHEMA_DURATION && value == 0) {
		strbuf_puts(out, "0s");
	} else if (kind == SCHEMA_DURATION || kind == SCHEMA_SIZE) {
		while (value % unit->factor != 0)
			unit++;
		strbuf_printf(
			out, "%llu%s", (unsigned long long)(value / unit->factor), unit->name);
	} else {
		strbuf_printf(out, "%llu", (unsigned long long)value);
	}
}

void schema_describe(const struct schema_type *type, struct strbuf *out)
{
	const char *separator = "";

	switch (type->kind) {
	case SCHEMA_UINT:
	case SCHEMA_DURATION:
	case SCHEMA_SIZE:
	case SCHEMA_RATE:
	case SCHEMA_PERCENT:
		schema_format_number(type->kind, type->min, out);
		if (type->max != type->min) {
			strbuf_puts(out, "..");
			schema_format_number(type->kind, type->max, out);
		}
		break;
	case SCHEMA_ENUM:
		for (const struct schema_value *v = type->values; v->name != NULL; v++) {
			if (v->value == SCHEMA_NOT_IMPLEMENTED)
				continue;
			strbuf_printf(out, "%s%s", separator, v->name);
			separator = ", ";
		}
		break;
	case SCHEMA_BOOL:
		strbuf_puts(out, "true, false");
		break;
	case SCHEMA_KEY_ID:
		strbuf_puts(out, "a..z");
		break;
	case SCHEMA_NAME:
		strbuf_printf(
			out, "[a-z0-9][a-z0-9._-]{0,%llu}", (unsigned long long)type->max - 1);
		break;
	case SCHEMA_STRING:
	case SCHEMA_PATH:
	case SCHEMA_IFNAME:
	case SCHEMA_SIP_URI:
		strbuf_printf(out, "%llu..%llu octets", (unsigned long long)type->min,
			(unsigned long long)type->max);
		break;
	case SCHEMA_CPUS:
		strbuf_puts(out, "0..1023");
		break;
	case SCHEMA_STATUSES:
		strbuf_puts(out, "200..699");
		break;
	case SCHEMA_SEQUENCE:
		strbuf_printf(out, "%llu..%llu items", (unsigned long long)type->min,
			(unsigned long long)type->max);
		break;
	case SCHEMA_ADDR:
	case SCHEMA_PREFIX:
	case SCHEMA_IFADDR:
	case SCHEMA_SOCKET:
	case SCHEMA_LISTEN:
	case SCHEMA_MAPPING:
	case SCHEMA_RESERVED:
		break;
	}
}

// Without its article.
static const char *kind_word(enum schema_kind kind)
{
	const char *name = schema_kind_name(kind);

	if (strncmp(name, "a ", 2) == 0)
		return name + 2;
	return strncmp(name, "an ", 3) == 0 ? name + 3 : name;
}

static void print_row(
	const char *path, const struct schema_key *key, uint32_t flags, struct strbuf *out)
{
	const struct schema_type *type = &key->type;
	const char *quote = type->kind == SCHEMA_NAME ? "`" : "";
	const char *fallback = "-";
	struct strbuf range = {0};

	if (key->flags & SCHEMA_REQUIRED)
		fallback = "required";
	else if (type->kind == SCHEMA_RESERVED)
		fallback = "not implemented";
	else if (key->fallback != NULL)
		fallback = key->fallback;
	schema_describe(type, &range);
	if (range.len == 0)
		strbuf_puts(&range, "-");
	strbuf_printf(out, "| `%s` | %s", path, kind_word(type->kind));
	if (type->kind == SCHEMA_SEQUENCE && type->item->kind != SCHEMA_MAPPING)
		strbuf_printf(out, ", each %s", schema_kind_name(type->item->kind));
	strbuf_printf(out, " | %s | %s%s%s | %s | %s |\n", fallback, quote, strbuf_text(&range),
		quote, flags & SCHEMA_RESTART && !(flags & SCHEMA_RELOAD) ? "restart" : "reload",
		key->help);
	strbuf_fini(&range);
}

static void print_keys(
	const struct schema_type *mapping, struct strbuf *path, uint32_t flags, struct strbuf *out);

// The row of a key and those below it. `flags` are those of all keys above.
static void print_key(
	const struct schema_key *key, struct strbuf *path, uint32_t flags, struct strbuf *out)
{
	const struct schema_type *type = &key->type;
	size_t len = path->len;

	strbuf_printf(path, "%s%s", len > 0 ? "." : "", key->name);
	if (type->kind == SCHEMA_SEQUENCE)
		strbuf_puts(path, "[]");
	flags |= key->flags;
	print_row(strbuf_text(path), key, flags, out);
	// The overrides have the keys of defaults.health_check, which are listed there.
	if (type->kind == SCHEMA_SEQUENCE && type->item->kind == SCHEMA_MAPPING)
		print_keys(type->item, path, flags, out);
	else if (type->kind == SCHEMA_MAPPING &&
		!(key->flags & (SCHEMA_INHERITS | SCHEMA_NEXT_TEMPLATE)))
		print_keys(type, path, flags, out);
	strbuf_truncate(path, len);
}

static void print_keys(
	const struct schema_type *mapping, struct strbuf *path, uint32_t flags, struct strbuf *out)
{
	for (const struct schema_key *key = mapping->keys; key->name != NULL; key++)
		print_key(key, path, flags, out);
}

void schema_print_markdown(struct strbuf *out)
{
	struct strbuf path = {0};

	for (const struct schema_key *key = schema_root.keys; key->name != NULL; key++) {
		strbuf_printf(out, "### %s\n\n", key->name);
		strbuf_puts(out, "| key | type | default | allowed | takes effect | meaning |\n");
		strbuf_puts(out, "|---|---|---|---|---|---|\n");
		print_key(key, &path, 0, out);
		strbuf_puts(out, "\n");
	}
	strbuf_fini(&path);
}
