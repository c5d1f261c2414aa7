// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include "config/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

// Every key of the file in one table: its type, range and default, where its value goes in struct
// config, and what it means. The checks, the mapping by libcyaml, docs/configuration.md and the
// list of keys that need a restart all come from it.

enum schema_kind {
	// Scalars that become a number
	SCHEMA_UINT, // range min..max
	SCHEMA_DURATION, // milliseconds, range min..max
	SCHEMA_SIZE, // octets, range min..max
	SCHEMA_RATE, // per second, range min..max
	SCHEMA_PERCENT, // range min..max
	SCHEMA_BOOL,
	SCHEMA_ENUM, // one of values[]
	SCHEMA_KEY_ID, // 'a'..'z'
	// Scalars that become text of min..max octets
	SCHEMA_NAME,
	SCHEMA_STRING,
	SCHEMA_PATH, // absolute
	SCHEMA_IFNAME, // of a kernel interface
	SCHEMA_SIP_URI,
	// Scalars that become a struct
	SCHEMA_ADDR, // config_addr, unicast
	SCHEMA_PREFIX, // config_prefix, a network
	SCHEMA_IFADDR, // config_prefix, an interface's address in its network
	SCHEMA_SOCKET, // config_socket, to connect to
	SCHEMA_LISTEN, // config_socket, to listen on: loopback or UNIX
	// Scalars that become an array
	SCHEMA_CPUS, // "2-5,7" -> uint16_t[]
	SCHEMA_STATUSES, // "200-299,404" -> config_status_range[]
	// Not scalars
	SCHEMA_MAPPING, // has keys[]
	SCHEMA_SEQUENCE, // of min..max items
	SCHEMA_RESERVED, // a key of a later version
};

struct schema_value {
	const char *name; // NULL ends the list
	int value; // or SCHEMA_NOT_IMPLEMENTED
};

#define SCHEMA_NOT_IMPLEMENTED (-1) // a value of a later version

#define SCHEMA_KEYS_MAX 16 // of one mapping

struct schema_key;

struct schema_type {
	enum schema_kind kind;
	uint32_t size; // of the C object: the member, or the element of an array
	uint64_t min, max;
	const struct schema_value *values; // SCHEMA_ENUM
	const struct schema_key *keys; // SCHEMA_MAPPING; ends with an empty name
	const struct schema_type *item; // SCHEMA_SEQUENCE
};

enum schema_flags {
	SCHEMA_REQUIRED = 1 << 0, // no default; the file must have it
	SCHEMA_SECTION = 1 << 1, // a mapping that is switched off, not defaulted, when absent
	SCHEMA_RESTART = 1 << 2, // this key and all below it take effect at a restart only
	SCHEMA_CLUSTER = 1 << 3, // part of cluster_digest, with all below it
	SCHEMA_FIRST_TEMPLATE =
		1 << 4, // what a SCHEMA_INHERITS mapping falls back to; not mapped itself
	SCHEMA_NEXT_TEMPLATE = 1 << 5, // the same, and goes before SCHEMA_FIRST_TEMPLATE
	SCHEMA_INHERITS = 1 << 6, // absent keys come from the templates, then from the defaults
	SCHEMA_UNMAPPED = 1 << 7, // has no member in the C struct
	SCHEMA_RELOAD = 1 << 8, // takes effect at a reload, although it is below SCHEMA_RESTART
};

struct schema_key {
	const char *name;
	struct schema_type type;
	uint32_t flags; // enum schema_flags
	uint32_t offset; // of the member
	uint32_t count_offset; // of the array's uint32_t nb_ member
	const char *fallback; // the default as one would write it; NULL: none
	const char *help;
};

// The whole file; a SCHEMA_MAPPING.
extern const struct schema_type schema_root;

// What values are allowed, for people: "1..256", "100ms..1h", "poll, pause".
void schema_describe(const struct schema_type *type, struct strbuf *out);

// "a duration", "a sequence of mappings"
const char *schema_kind_name(enum schema_kind kind);

// A value with the largest unit that divides it.
void schema_format_number(enum schema_kind kind, uint64_t value, struct strbuf *out);

// The reference in docs/configuration.md: a table for each key of the top level, in the order of
// the schema, with a row for every key below it.
void schema_print_markdown(struct strbuf *out);

#endif
