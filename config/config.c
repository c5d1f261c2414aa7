// SPDX-License-Identifier: BSD-3-Clause
#include "config/config.h"

#include "config/check.h"
#include "config/document.h"
#include "config/mapping.h"
#include "config/normalize.h"
#include "config/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define READ_SIZE 65536
#define READ_MAX ((16 << 20) + 1) // an octet more than document_init() takes

void config_destroy(struct config *config)
{
	struct config_mapping *mapping;

	if (config == NULL)
		return;
	mapping = config->mapping;
	secret_free((char *)config->redis.password);
	for (uint32_t i = 0; i < config->cluster_keys.nb_keys; i++)
		explicit_bzero(config->cluster_keys.keys[i].secret, CONFIG_KEY_SIZE);
	explicit_bzero(config->cluster_keys.table_secret, CONFIG_KEY_SIZE);
	restart_keys_free(config->restart_keys, config->nb_restart_keys);
	mapping_free(mapping, config);
	mapping_destroy(mapping);
}

static int read_keys(struct config *config, struct document *doc)
{
	struct config_cluster_keys *keys = &config->cluster_keys;
	XXH64_state_t digest;

	XXH64_reset(&digest, config->cluster_digest);
	for (uint32_t i = 0; i < keys->nb_keys; i++) {
		struct strbuf why = {0};
		char path[48];

		if (keys->keys[i].file == NULL)
			continue;
		snprintf(path, sizeof(path), "cluster_keys.keys[%u].file", i);
		if (secret_read_key(keys->keys[i].file, keys->keys[i].secret, &why) < 0)
			document_report(doc, path, "%s", strbuf_text(&why));
		strbuf_fini(&why);
		XXH64_update(&digest, keys->keys[i].secret, CONFIG_KEY_SIZE);
	}
	if (keys->table_file != NULL) {
		struct strbuf why = {0};

		if (secret_read_key(keys->table_file, keys->table_secret, &why) < 0)
			document_report(doc, "cluster_keys.table_file", "%s", strbuf_text(&why));
		strbuf_fini(&why);
		XXH64_update(&digest, keys->table_secret, CONFIG_KEY_SIZE);
	}
	if (keys->nb_keys > 0)
		config->cluster_digest = XXH64_digest(&digest);
	return 0;
}

static int read_password(struct config *config, struct document *doc)
{
	struct config_redis *redis = &config->redis;
	struct strbuf why = {0};
	char *password = NULL;
	int ret;

	if (redis->password_file == NULL)
		return 0;
	ret = secret_read_line(redis->password_file, &password, &why);
	if (ret == -EINVAL)
		document_report(doc, "redis.password_file", "%s", strbuf_text(&why));
	strbuf_fini(&why);
	redis->password = password;
	return ret == -ENOMEM ? ret : 0;
}

// Twins whose name follows from the port's. Too long names were never going to be used:
// check_config() refuses them.
static int name_twins(struct config *config, const struct document *doc)
{
	for (uint32_t i = 0; i < config->dataplane.nb_ports; i++) {
		struct config_port *port = &config->dataplane.ports[i];
		char path[48];
		char *twin;

		snprintf(path, sizeof(path), "dataplane.ports[%u].twin", i);
		if (port->name == NULL || document_has(doc, path))
			continue;
		if (asprintf(&twin, "sx-%s", port->name) < 0)
			return -ENOMEM;
		port->twin = twin;
	}
	return 0;
}

static bool has_section(const struct document *doc, const char *key)
{
	int node = document_find(doc, document_root(doc), key);

	return node != 0 && document_kind(doc, node) == NODE_MAPPING;
}

// What follows from the mapped values, and the checks that need them.
static int complete(struct config *config, struct document *doc)
{
	int ret;

	config->has_keys = has_section(doc, "cluster_keys");
	config->redis.enabled = has_section(doc, "redis");
	ret = name_twins(config, doc);
	if (ret == 0)
		ret = check_config(config, doc);
	if (ret == 0)
		ret = read_keys(config, doc);
	if (ret == 0)
		ret = read_password(config, doc);
	return ret;
}

// Returns 0 with *config, which may be NULL if there are errors, or -ENOMEM.
static int build(struct document *doc, struct config **config)
{
	struct config_mapping *mapping = mapping_create();
	struct normalized normalized = {0};
	int ret = -ENOMEM;

	if (mapping == NULL)
		return -ENOMEM;
	ret = normalize(doc, &normalized);
	if (ret < 0)
		goto destroy_mapping;
	// Nothing is left of a file that is no mapping.
	if (normalized.text.len == 0)
		goto destroy_mapping;
	ret = mapping_load(mapping, &normalized.text, config);
	if (ret == -EPROTO) {
		document_report(doc, "", "is not understood by libcyaml, please report this");
		ret = 0;
	}
	if (*config == NULL)
		goto destroy_mapping;
	(*config)->mapping = mapping;
	(*config)->digest = normalized.digest;
	(*config)->cluster_digest = normalized.cluster_digest;
	(*config)->restart_keys = normalized.restart_keys;
	(*config)->nb_restart_keys = normalized.nb_restart_keys;
	normalized.restart_keys = NULL;
	normalized.nb_restart_keys = 0;
	normalized_fini(&normalized);
	return complete(*config, doc);

destroy_mapping:
	normalized_fini(&normalized);
	mapping_destroy(mapping);
	return ret;
}

struct config *config_parse(
	const char *name, const char *text, size_t len, struct config_errors *errs)
{
	struct config *config = NULL;
	struct document doc;
	int ret = document_init(&doc, name, (struct text){text, len}, errs);

	if (ret == 0) {
		ret = build(&doc, &config);
		document_fini(&doc);
	}
	if (ret == 0 && errs->nb_items + errs->nb_dropped == 0)
		return config;
	config_destroy(config);
	errors_sort(errs);
	errno = errs->nb_items > 0 ? EINVAL : ENOMEM;
	return NULL;
}

// Returns 0, or a negative errno.
static int read_file(const char *path, struct strbuf *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = 1;
	char *buf;

	if (fd < 0)
		return -errno;
	buf = malloc(READ_SIZE);
	if (buf == NULL) {
		close(fd);
		return -ENOMEM;
	}
	while (len > 0 && text->len < READ_MAX) {
		len = read(fd, buf, READ_SIZE);
		if (len > 0)
			strbuf_add(text, buf, (size_t)len);
		else if (len < 0 && errno == EINTR)
			len = 1;
	}
	if (len < 0)
		len = -errno;
	else if (text->failed)
		len = -ENOMEM;
	free(buf);
	close(fd);
	return len < 0 ? (int)len : 0;
}

struct config *config_load(const char *path, struct config_errors *errs)
{
	struct strbuf text = {0};
	struct config *config = NULL;
	int ret = read_file(path, &text);

	if (ret == -ENOMEM) {
		errno = ENOMEM;
	} else if (ret < 0) {
		struct strbuf message = {0};

		strbuf_printf(&message, "cannot be read: %s", strerror(-ret));
		errors_add(errs, path, (struct mark){0}, "", strbuf_text(&message));
		strbuf_fini(&message);
		errno = EINVAL;
	} else {
		config = config_parse(path, strbuf_text(&text), text.len, errs);
	}
	ret = errno;
	strbuf_fini(&text);
	errno = ret;
	return config;
}
