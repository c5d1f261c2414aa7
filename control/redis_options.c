// SPDX-License-Identifier: BSD-3-Clause
#include "control/redis_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_MIN 16 // the handshake needs some

static bool address_is_set(const struct redis_address *address)
{
	return address->path != NULL || (address->host != NULL && address->port != 0);
}

bool redis_options_are_sound(const struct redis_options *options)
{
	if (options->master_name == NULL)
		return address_is_set(&options->address);
	for (uint32_t i = 0; i < options->nb_sentinels; i++)
		if (!address_is_set(&options->sentinels[i]))
			return false;
	return options->nb_sentinels > 0;
}

static const char *copy_string(const char *text, bool *failed)
{
	char *copy = text != NULL ? strdup(text) : NULL;

	if (text != NULL && copy == NULL)
		*failed = true;
	return copy;
}

static struct redis_address copy_address(const struct redis_address *address, bool *failed)
{
	return (struct redis_address){
		.host = copy_string(address->host, failed),
		.port = address->port,
		.path = copy_string(address->path, failed),
	};
}

static bool copy_sentinels(struct redis_options *to, const struct redis_options *from)
{
	struct redis_address *sentinels = calloc(from->nb_sentinels + 1, sizeof(*sentinels));
	bool failed = false;

	to->sentinels = sentinels;
	to->nb_sentinels = 0;
	if (sentinels == NULL)
		return false;
	for (uint32_t i = 0; i < from->nb_sentinels; i++)
		sentinels[i] = copy_address(&from->sentinels[i], &failed);
	to->nb_sentinels = from->nb_sentinels;
	return !failed;
}

static void set_default(uint32_t *value, uint32_t otherwise)
{
	if (*value == 0)
		*value = otherwise;
}

int redis_options_copy(struct redis_options *to, const struct redis_options *from)
{
	bool failed = false;

	*to = *from;
	to->address = copy_address(&from->address, &failed);
	to->master_name = copy_string(from->master_name, &failed);
	to->username = copy_string(from->username, &failed);
	to->password = copy_string(from->password, &failed);
	to->client_name = copy_string(from->client_name, &failed);
	set_default(&to->connect_timeout_ms, 500);
	set_default(&to->command_timeout_ms, 500);
	set_default(&to->keepalive_ms, 10000);
	set_default(&to->backoff_min_ms, 100);
	set_default(&to->backoff_max_ms, 5000);
	set_default(&to->queue_max, 4096);
	set_default(&to->reply_elements_max, 1 << 20);
	if (to->queue_max < QUEUE_MIN)
		to->queue_max = QUEUE_MIN;
	if (to->queue_octets_max == 0)
		to->queue_octets_max = 4 << 20;
	if (to->reply_octets_max == 0)
		to->reply_octets_max = 64 << 20;
	return copy_sentinels(to, from) && !failed ? 0 : -ENOMEM;
}

static void free_address(const struct redis_address *address)
{
	free((char *)address->host);
	free((char *)address->path);
}

void redis_options_fini(struct redis_options *options)
{
	free_address(&options->address);
	for (uint32_t i = 0; i < options->nb_sentinels; i++)
		free_address(&options->sentinels[i]);
	free((void *)options->sentinels);
	free((char *)options->master_name);
	free((char *)options->username);
	free((char *)options->client_name);
	if (options->password != NULL)
		explicit_bzero((char *)options->password, strlen(options->password));
	free((char *)options->password);
	*options = (struct redis_options){0};
}
