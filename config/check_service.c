// SPDX-License-Identifier: BSD-3-Clause
#include "config/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Addresses of one prefix length and family sort together.
static int compare_prefixes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct config_prefix));
}

static bool is_listed(
	const struct config_prefix *sorted, uint32_t nb_sorted, const struct config_prefix *prefix)
{
	return nb_sorted > 0 &&
		bsearch(prefix, sorted, nb_sorted, sizeof(*sorted), compare_prefixes) != NULL;
}

// A prefix in both lists has no answer.
static int check_acl(const struct config_acl *acl, const char *listener, struct document *doc)
{
	struct config_prefix *allow = calloc((size_t)acl->nb_allow + 1, sizeof(*allow));

	if (allow == NULL)
		return -ENOMEM;
	if (acl->nb_allow > 0)
		memcpy(allow, acl->allow, acl->nb_allow * sizeof(*allow));
	qsort(allow, acl->nb_allow, sizeof(*allow), compare_prefixes);
	for (uint32_t i = 0; i < acl->nb_deny; i++) {
		const struct config_prefix *deny = &acl->deny[i];
		char path[128], text[64];

		if (deny->addr.family == 0 || !is_listed(allow, acl->nb_allow, deny))
			continue;
		snprintf(path, sizeof(path), "%s.acl.deny[%u]", listener, i);
		check_format_addr(&deny->addr, 0, text, sizeof(text));
		document_report(doc, path, "\"%s/%u\" is in \"allow\" too, allowed: one of the two",
			text, deny->length);
	}
	free(allow);
	return 0;
}

static int check_listener(
	const struct config_listener *listener, const char *path, struct document *doc)
{
	char address[128], text[64];

	if (check_is_link_local(&listener->address)) {
		snprintf(address, sizeof(address), "%s.address", path);
		check_format_addr(&listener->address, 0, text, sizeof(text));
		document_report(doc, address,
			"\"%s\" is link-local, allowed: an address that is valid everywhere", text);
	}
	return check_acl(&listener->acl, path, doc);
}

// Messages to a backend leave from a listener of the same service, so that the answers find back:
// each family needs one.
static void check_family(
	const struct config_service *service, uint32_t i, uint32_t b, struct document *doc)
{
	const struct config_backend *backend = &service->backends[b];
	char path[64], text[64];

	if (backend->address.family == 0 || service->nb_listen == 0)
		return;
	for (uint32_t l = 0; l < service->nb_listen; l++) {
		uint8_t family = service->listen[l].address.family;

		if (family == backend->address.family || family == 0)
			return;
	}
	snprintf(path, sizeof(path), "services[%u].backends[%u].address", i, b);
	check_format_addr(&backend->address, 0, text, sizeof(text));
	document_report(doc, path,
		"\"%s\" is IPv%u, but no listener of the service is; needed: an IPv%u address in "
		"\"listen\", because requests leave for a backend from a listener's address",
		text, backend->address.family, backend->address.family);
}

// The nearest place that sets a backend's timeout or interval.
static void find_timing(const struct document *doc, uint32_t i, uint32_t b, char *path, size_t size)
{
	static const char *const keys[] = {"timeout", "interval"};

	for (size_t k = 0; k < 2; k++) {
		snprintf(path, size, "services[%u].backends[%u].health_check.%s", i, b, keys[k]);
		if (document_has(doc, path))
			return;
	}
	for (size_t k = 0; k < 2; k++) {
		snprintf(path, size, "services[%u].health_check.%s", i, keys[k]);
		if (document_has(doc, path))
			return;
	}
	for (size_t k = 0; k < 2; k++) {
		snprintf(path, size, "defaults.health_check.%s", keys[k]);
		if (document_has(doc, path))
			return;
	}
}

static void check_health(
	const struct config_health_check *health, uint32_t i, uint32_t b, struct document *doc)
{
	struct strbuf timeout = {0}, interval = {0};
	char path[96];

	if (health->interval_ms == 0 || health->timeout_ms <= health->interval_ms)
		return;
	find_timing(doc, i, b, path, sizeof(path));
	schema_format_number(SCHEMA_DURATION, health->timeout_ms, &timeout);
	schema_format_number(SCHEMA_DURATION, health->interval_ms, &interval);
	document_report(doc, path,
		"a timeout of \"%s\" is longer than the interval of \"%s\", allowed: at most as "
		"long",
		strbuf_text(&timeout), strbuf_text(&interval));
	strbuf_fini(&timeout);
	strbuf_fini(&interval);
}

static void check_backend(
	const struct config_service *service, uint32_t i, uint32_t b, struct document *doc)
{
	const struct config_backend *backend = &service->backends[b];
	char path[64], text[64];

	if (check_is_link_local(&backend->address)) {
		snprintf(path, sizeof(path), "services[%u].backends[%u].address", i, b);
		check_format_addr(&backend->address, 0, text, sizeof(text));
		document_report(doc, path,
			"\"%s\" is link-local, allowed: an address that is valid everywhere", text);
	}
	check_family(service, i, b, doc);
	check_health(&backend->health_check, i, b, doc);
}

// A backend that is one of our listeners would get its own messages back for ever.
static void check_loop(const struct config *config, uint32_t i, uint32_t b, struct document *doc)
{
	const struct config_backend *backend = &config->services[i].backends[b];
	char path[64], text[64];

	if (backend->address.family == 0 || backend->port == 0)
		return;
	for (uint32_t s = 0; s < config->nb_services; s++) {
		const struct config_service *service = &config->services[s];

		for (uint32_t l = 0; l < service->nb_listen; l++) {
			const struct config_listener *listener = &service->listen[l];

			if (listener->port != backend->port ||
				memcmp(&listener->address, &backend->address,
					sizeof(listener->address)) != 0)
				continue;
			snprintf(path, sizeof(path), "services[%u].backends[%u].address", i, b);
			check_format_addr(&backend->address, backend->port, text, sizeof(text));
			document_report(doc, path,
				"\"%s\" is a listener of this file, allowed: an address of a proxy",
				text);
		}
	}
}

int check_service(const struct config *config, uint32_t i, struct document *doc)
{
	const struct config_service *service = &config->services[i];
	struct check_value *values = calloc((size_t)service->nb_backends + 1, sizeof(*values));
	int ret = 0;

	if (values == NULL)
		return -ENOMEM;
	for (uint32_t l = 0; l < service->nb_listen && ret == 0; l++) {
		char path[64];

		snprintf(path, sizeof(path), "services[%u].listen[%u]", i, l);
		ret = check_listener(&service->listen[l], path, doc);
	}
	for (uint32_t b = 0; b < service->nb_backends; b++) {
		check_backend(service, i, b, doc);
		check_loop(config, i, b, doc);
		snprintf(values[b].text, sizeof(values[b].text), "%s",
			service->backends[b].name != NULL ? service->backends[b].name : "");
		snprintf(values[b].path, sizeof(values[b].path), "services[%u].backends[%u].name",
			i, b);
	}
	check_unique(values, service->nb_backends, doc);
	for (uint32_t b = 0; b < service->nb_backends; b++) {
		const struct config_backend *backend = &service->backends[b];

		values[b].text[0] = '\0';
		if (backend->port != 0)
			check_format_addr(&backend->address, backend->port, values[b].text,
				sizeof(values[b].text));
		snprintf(values[b].path, sizeof(values[b].path),
			"services[%u].backends[%u].address", i, b);
	}
	check_unique(values, service->nb_backends, doc);
	free(values);
	return ret;
}
