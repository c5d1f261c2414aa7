// SPDX-License-Identifier: BSD-3-Clause
#include "control/admin_command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct admin_command commands[] = {
	{"backend list", 0, 1, "", admin_backend_list},
	{"backend set", 2, 2, " reason ", admin_backend_set},
	{"backend show", 1, 1, "", admin_backend_show},
	{"config diff", 0, 0, "", admin_config_diff},
	{"config show", 0, 0, "", admin_config_show},
	{"counters", 0, 0, "", admin_counters},
	{"errors show", 0, 0, " last ", admin_errors_show},
	{"node list", 0, 0, "", admin_node_list},
	{"ready", 0, 1, "", admin_ready},
	{"registration list", 0, 0, " limit ", admin_registration_list},
	{"registration show", 1, 1, "", admin_registration_show},
	{"reload", 0, 0, " dry_run ", admin_reload},
	{"service list", 0, 0, "", admin_service_list},
	{"status", 0, 0, "", admin_status},
	{"trace start", 0, 0, " call_id from source limit timeout_s ", admin_trace_start},
	{"trace stop", 0, 0, "", admin_trace_stop},
	{"version", 0, 0, "", admin_version},
	{"where message", 0, 0, " message source listener port ", admin_where_message},
	{"where", 3, 3, "", admin_where},
};

// How many words of the request the command takes; 0: it is another one.
static uint32_t match(const struct admin_command *command, const json_t *words)
{
	const char *pos = command->words;
	uint32_t nb = 0;

	while (*pos != '\0') {
		size_t len = strcspn(pos, " ");
		const char *word = json_string_value(json_array_get(words, nb));

		if (word == NULL || strlen(word) != len || memcmp(word, pos, len) != 0)
			return 0;
		nb++;
		pos += len + (pos[len] == ' ');
	}
	return nb;
}

const struct admin_command *admin_find_command(const json_t *words, uint32_t *nb_words)
{
	for (size_t i = 0; i < json_array_size(words); i++) {
		if (!json_is_string(json_array_get(words, i)))
			return NULL;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		*nb_words = match(&commands[i], words);
		if (*nb_words > 0)
			return &commands[i];
	}
	return NULL;
}

json_t *admin_error(enum admin_exit exit, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return json_pack("{s:b, s:i, s:s}", "ok", 0, "exit", (int)exit, "error", text);
}

const char *admin_text(const struct admin_request *request, const char *name)
{
	return json_string_value(json_object_get(request->options, name));
}

int64_t admin_number(const struct admin_request *request, const char *name, int64_t fallback)
{
	const json_t *value = json_object_get(request->options, name);

	if (json_is_integer(value))
		return json_integer_value(value);
	if (!json_is_real(value))
		return fallback;
	// Beyond these a conversion has no meaning, and no option has such a value.
	if (json_real_value(value) < -1e15)
		return INT64_MIN;
	return json_real_value(value) > 1e15 ? INT64_MAX : (int64_t)json_real_value(value);
}

bool admin_flag(const struct admin_request *request, const char *name)
{
	return json_is_true(json_object_get(request->options, name));
}

json_t *admin_time(int64_t wall_ms)
{
	char text[40];
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm utc;
	size_t len;

	if (wall_ms <= 0)
		return json_null();
	gmtime_r(&seconds, &utc);
	len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text + len, sizeof(text) - len, ".%03dZ", (int)(wall_ms % 1000));
	return json_string(text);
}

json_t *admin_hash(uint64_t hash)
{
	char text[17];

	if (hash == 0)
		return json_null();
	snprintf(text, sizeof(text), "%016llx", (unsigned long long)hash);
	return json_string(text);
}

json_t *admin_endpoint(const struct endpoint *ep)
{
	char text[ENDPOINT_TEXT_MAX];

	if (ep->ip.family != 4 && ep->ip.family != 6)
		return json_null();
	endpoint_format(ep, text);
	return json_string(text);
}

json_t *admin_string(const char *text)
{
	return text == NULL || text[0] == '\0' ? json_null() : json_string(text);
}

// ---- base64 (RFC 4648 section 4) ----------------------------------------------------------------

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

json_t *admin_octets(const void *octets, size_t len)
{
	const uint8_t *in = octets;
	char *text = malloc((len + 2) / 3 * 4 + 1), *out = text;
	json_t *string;

	if (text == NULL)
		return json_null();
	for (size_t i = 0; i < len; i += 3) {
		uint32_t word = (uint32_t)in[i] << 16;

		if (i + 1 < len)
			word |= (uint32_t)in[i + 1] << 8;
		if (i + 2 < len)
			word |= in[i + 2];
		*out++ = digits[word >> 18];
		*out++ = digits[word >> 12 & 63];
		*out++ = i + 1 < len ? digits[word >> 6 & 63] : '=';
		*out++ = i + 2 < len ? digits[word & 63] : '=';
	}
	*out = '\0';
	string = json_string(text);
	free(text);
	return string;
}

uint8_t *admin_decode(const char *text, size_t *len)
{
	size_t in_len = strlen(text);
	uint8_t *out = malloc(in_len / 4 * 3 + 1);
	size_t padding = 0;

	*len = 0;
	if (in_len % 4 != 0 || out == NULL)
		goto bad;
	while (padding < 2 && padding < in_len && text[in_len - 1 - padding] == '=')
		padding++;
	for (size_t i = 0; i < in_len; i += 4) {
		uint32_t word = 0;

		for (size_t k = 0; k < 4; k++) {
			const char *digit = NULL;

			if (i + k < in_len - padding)
				digit = strchr(digits, text[i + k]);
			if (digit == NULL && i + k < in_len - padding)
				goto bad;
			word = word << 6 | (digit != NULL ? (uint32_t)(digit - digits) : 0);
		}
		out[(*len)++] = (uint8_t)(word >> 16);
		out[(*len)++] = (uint8_t)(word >> 8);
		out[(*len)++] = (uint8_t)word;
	}
	*len -= padding;
	return out;

bad:
	free(out);
	return NULL;
}

const char *admin_action_name(uint8_t action)
{
	static const char *const names[ACTIONS] = {
		[ACTION_FORWARD] = "forward",
		[ACTION_REPLY] = "reply",
		[ACTION_DROP] = "drop",
		[ACTION_PROBE] = "probe",
		[ACTION_RESOLVE] = "resolve",
	};

	return action < ACTIONS ? names[action] : "drop";
}

// ---- Names --------------------------------------------------------------------------------------

struct service *admin_get_service(
	const struct admin_request *request, const char *name, json_t **error)
{
	struct service *service = control_find_service(request->control, name);

	if (service == NULL)
		*error = admin_error(ADMIN_REFUSED, "no service \"%s\"", name);
	return service;
}

struct backend *admin_get_backend(
	const struct admin_request *request, const char *path, json_t **error)
{
	struct backend *backend = control_find_backend(request->control, path);

	if (backend == NULL)
		*error = admin_error(ADMIN_REFUSED, "no backend \"%s\" (SERVICE/NAME)", path);
	return backend;
}
