// SPDX-License-Identifier: BSD-3-Clause
#include "config/mapping.h"

#include "config/config.h"
#include "config/schema.h"

#include <errno.h>
#include <stdlib.h>

#include <cyaml/cyaml.h>

static const cyaml_schema_value_t octet = {
	CYAML_VALUE_UINT(CYAML_FLAG_DEFAULT, uint8_t),
};

static const cyaml_schema_field_t addr_fields[] = {
	CYAML_FIELD_UINT("family", CYAML_FLAG_OPTIONAL, struct config_addr, family),
	CYAML_FIELD_SEQUENCE_FIXED("ip", CYAML_FLAG_OPTIONAL, struct config_addr, ip, &octet, 16),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t prefix_fields[] = {
	CYAML_FIELD_MAPPING("addr", CYAML_FLAG_OPTIONAL, struct config_prefix, addr, addr_fields),
	CYAML_FIELD_UINT("length", CYAML_FLAG_OPTIONAL, struct config_prefix, length),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t socket_fields[] = {
	CYAML_FIELD_STRING_PTR("host", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
		struct config_socket, host, 0, CYAML_UNLIMITED),
	CYAML_FIELD_UINT("port", CYAML_FLAG_OPTIONAL, struct config_socket, port),
	CYAML_FIELD_STRING_PTR("path", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
		struct config_socket, path, 0, CYAML_UNLIMITED),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t status_fields[] = {
	CYAML_FIELD_UINT("first", CYAML_FLAG_OPTIONAL, struct config_status_range, first),
	CYAML_FIELD_UINT("last", CYAML_FLAG_OPTIONAL, struct config_status_range, last),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t cpu_item = {
	CYAML_VALUE_UINT(CYAML_FLAG_DEFAULT, uint16_t),
};

static const cyaml_schema_value_t status_item = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_status_range, status_fields),
};

struct config_mapping {
	cyaml_schema_value_t root;
	cyaml_schema_field_t *fields; // of all mappings, each with its CYAML_FIELD_END
	uint32_t nb_fields;
	cyaml_schema_value_t *items; // of all sequences
	uint32_t nb_items;
};

static void count(const struct schema_type *type, struct config_mapping *mapping)
{
	if (type->kind == SCHEMA_SEQUENCE) {
		mapping->nb_items++;
		count(type->item, mapping);
	}
	if (type->kind != SCHEMA_MAPPING)
		return;
	for (const struct schema_key *key = type->keys; key->name != NULL; key++) {
		if (key->flags & SCHEMA_UNMAPPED)
			continue;
		mapping->nb_fields++;
		count(&key->type, mapping);
	}
	mapping->nb_fields++;
}

static cyaml_schema_value_t convert_type(
	struct config_mapping *mapping, const struct schema_type *type);

// Convert the keys of a mapping to fields, which stand together.
static const cyaml_schema_field_t *convert_keys(
	struct config_mapping *mapping, const struct schema_type *type)
{
	cyaml_schema_field_t *fields = &mapping->fields[mapping->nb_fields];
	cyaml_schema_field_t *field = fields;

	for (const struct schema_key *key = type->keys; key->name != NULL; key++)
		mapping->nb_fields += !(key->flags & SCHEMA_UNMAPPED);
	mapping->nb_fields++;
	for (const struct schema_key *key = type->keys; key->name != NULL; key++) {
		if (key->flags & SCHEMA_UNMAPPED)
			continue;
		*field++ = (cyaml_schema_field_t){
			.key = key->name,
			.data_offset = key->offset,
			.count_offset = key->count_offset,
			.count_size = sizeof(uint32_t),
			.value = convert_type(mapping, &key->type),
		};
	}
	*field = (cyaml_schema_field_t)CYAML_FIELD_END;
	return fields;
}

static void convert_sequence(cyaml_schema_value_t *value, const cyaml_schema_value_t *item)
{
	value->type = CYAML_SEQUENCE;
	value->flags |= CYAML_FLAG_POINTER;
	value->sequence.max = CYAML_UNLIMITED;
	value->sequence.entry = item;
}

static cyaml_schema_value_t convert_type(
	struct config_mapping *mapping, const struct schema_type *type)
{
	cyaml_schema_value_t value = {.flags = CYAML_FLAG_OPTIONAL, .data_size = type->size};
	cyaml_schema_value_t *item;

	switch (type->kind) {
	case SCHEMA_UINT:
	case SCHEMA_DURATION:
	case SCHEMA_SIZE:
	case SCHEMA_RATE:
	case SCHEMA_PERCENT:
	case SCHEMA_BOOL:
	case SCHEMA_ENUM:
	case SCHEMA_KEY_ID:
	case SCHEMA_RESERVED: // never a field
		value.type = CYAML_UINT;
		break;
	case SCHEMA_NAME:
	case SCHEMA_STRING:
	case SCHEMA_PATH:
	case SCHEMA_IFNAME:
	case SCHEMA_SIP_URI:
		value.type = CYAML_STRING;
		value.flags |= CYAML_FLAG_POINTER;
		value.string.max = CYAML_UNLIMITED;
		value.data_size = 0;
		break;
	case SCHEMA_ADDR:
		value.type = CYAML_MAPPING;
		value.mapping.fields = addr_fields;
		break;
	case SCHEMA_PREFIX:
	case SCHEMA_IFADDR:
		value.type = CYAML_MAPPING;
		value.mapping.fields = prefix_fields;
		break;
	case SCHEMA_SOCKET:
	case SCHEMA_LISTEN:
		value.type = CYAML_MAPPING;
		value.mapping.fields = socket_fields;
		break;
	case SCHEMA_MAPPING:
		value.type = CYAML_MAPPING;
		value.mapping.fields = convert_keys(mapping, type);
		break;
	case SCHEMA_CPUS:
		convert_sequence(&value, &cpu_item);
		break;
	case SCHEMA_STATUSES:
		convert_sequence(&value, &status_item);
		break;
	case SCHEMA_SEQUENCE:
		item = &mapping->items[mapping->nb_items++];
		*item = convert_type(mapping, type->item);
		item->flags = CYAML_FLAG_DEFAULT;
		convert_sequence(&value, item);
		break;
	}
	return value;
}

struct config_mapping *mapping_create(void)
{
	struct config_mapping *mapping = calloc(1, sizeof(*mapping));

	if (mapping == NULL)
		return NULL;
	count(&schema_root, mapping);
	mapping->fields = calloc(mapping->nb_fields, sizeof(*mapping->fields));
	mapping->items = calloc(mapping->nb_items, sizeof(*mapping->items));
	if (mapping->fields == NULL || mapping->items == NULL) {
		mapping_destroy(mapping);
		errno = ENOMEM;
		return NULL;
	}
	mapping->nb_fields = 0;
	mapping->nb_items = 0;
	mapping->root = convert_type(mapping, &schema_root);
	mapping->root.flags = CYAML_FLAG_POINTER;
	return mapping;
}

void mapping_destroy(struct config_mapping *mapping)
{
	if (mapping == NULL)
		return;
	free(mapping->fields);
	free(mapping->items);
	free(mapping);
}

static const cyaml_config_t cyaml_config = {
	.log_fn = NULL,
	.mem_fn = cyaml_mem,
	.log_level = CYAML_LOG_ERROR,
	.flags = CYAML_CFG_NO_ALIAS,
};

int mapping_load(
	const struct config_mapping *mapping, const struct strbuf *text, struct config **config)
{
	cyaml_data_t *data = NULL;
	cyaml_err_t err = cyaml_load_data((const uint8_t *)strbuf_text(text), text->len,
		&cyaml_config, &mapping->root, &data, NULL);

	if (err == CYAML_ERR_OOM)
		return -ENOMEM;
	if (err != CYAML_OK || data == NULL)
		return -EPROTO;
	*config = data;
	return 0;
}

void mapping_free(const struct config_mapping *mapping, struct config *config)
{
	cyaml_free(&cyaml_config, &mapping->root, config, 0);
}
