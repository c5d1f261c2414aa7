// SPDX-License-Identifier: BSD-3-Clause
#include "control/cluster_admin.h"

#include "control/redis_map.h"
#include "control/words.h"

#include <event2/event.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WISHES_MAX (4 * CONFIG_BACKENDS_MAX) // those of backends that are gone included
#define PATH_MAX_OCTETS (2 * CONFIG_NAME_MAX + 2)
#define RESYNC_MS 60000

struct wish {
	char path[PATH_MAX_OCTETS];
	struct override override;
	bool dirty; // Redis has not got it
	bool seen; // by the current load
};

struct cluster_admin {
	struct cluster_admin_callbacks callbacks;
	void *arg;
	struct redis_map *map;
	struct wish **wishes; // sorted by path
	uint32_t nb, size;
};

static const char *const state_words[] = {"ready", "drain", "maint"};

// ---- Text --------------------------------------------------------------------------------------

// Printable octets but '%' stand for themselves, others as %XX; an empty text is "-", "-" is "%2D".
static size_t encode(const char *text, char *out)
{
	static const char hex[] = "0123456789ABCDEF";
	bool dash = strcmp(text, "-") == 0;
	size_t len = 0;

	if (*text == '\0')
		out[len++] = '-';
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		// No reader takes control octets: they would end on a terminal.
		if (c < ' ' || c == 0x7f)
			c = '?';
		if (c > ' ' && c <= '~' && c != '%' && !dash) {
			out[len++] = (char)c;
			continue;
		}
		out[len++] = '%';
		out[len++] = hex[c >> 4];
		out[len++] = hex[c & 15];
	}
	out[len] = '\0';
	return len;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool decode(struct strv text, char *out, size_t size)
{
	size_t len = 0;

	if (text.len == 0)
		return false;
	if (strv_eq(text, STRV("-")))
		text.len = 0;
	for (size_t i = 0; i < text.len; i++) {
		int c = (unsigned char)text.ptr[i];

		if (c == '%') {
			if (i + 2 >= text.len || hex_value(text.ptr[i + 1]) < 0 ||
				hex_value(text.ptr[i + 2]) < 0)
				return false;
			c = hex_value(text.ptr[i + 1]) << 4 | hex_value(text.ptr[i + 2]);
			i += 2;
		}
		// It is shown on terminals: no control octets.
		if (len + 1 >= size || c < ' ' || c == 0x7f)
			return false;
		out[len++] = (char)c;
	}
	out[len] = '\0';
	return true;
}

static int parse_state(struct strv text)
{
	for (int i = 0; i < 3; i++)
		if (strv_eq(text, strv_from(state_words[i])))
			return i;
	return -1;
}

unsigned int cluster_admin_format(
	const struct override *override, char out[CLUSTER_ADMIN_VALUE_MAX])
{
	size_t len = (size_t)sprintf(out, "%016" PRIu64 " %s %s %" PRId64 " ", override->revision,
		override->set ? state_words[override->state] : "none",
		state_words[override->configured], override->when_ms);

	len += encode(override->by, out + len);
	out[len++] = ' ';
	len += encode(override->reason, out + len);
	return (unsigned int)len;
}

int cluster_admin_parse(struct strv text, struct override *override)
{
	struct strv rest = text, state, when;
	int word, configured;

	*override = (struct override){.revision = redis_map_version(text)};
	if (override->revision == 0 || words_next(&rest).len != REDIS_MAP_VERSION_LEN)
		return -EBADMSG;
	state = words_next(&rest);
	word = parse_state(state);
	configured = parse_state(words_next(&rest));
	when = words_next(&rest);
	if ((word < 0 && !strv_eq(state, STRV("none"))) || configured < 0 || when.len == 0 ||
		when.len > 15)
		return -EBADMSG;
	for (size_t i = 0; i < when.len; i++) {
		if (when.ptr[i] < '0' || when.ptr[i] > '9')
			return -EBADMSG;
		override->when_ms = override->when_ms * 10 + (when.ptr[i] - '0');
	}
	override->set = word >= 0;
	override->state = word >= 0 ? (enum config_admin_state)word : CONFIG_STATE_READY;
	override->configured = (enum config_admin_state)configured;
	if (!decode(words_next(&rest), override->by, sizeof(override->by)) ||
		!decode(rest, override->reason, sizeof(override->reason)))
		return -EBADMSG;
	return 0;
}

// ---- Wishes ------------------------------------------------------------------------------------

static struct wish *find_wish(const struct cluster_admin *admin, const char *path, uint32_t *place)
{
	uint32_t low = 0, high = admin->nb;

	while (low < high) {
		uint32_t mid = (low + high) / 2;
		int order = strcmp(admin->wishes[mid]->path, path);

		if (order == 0)
			return admin->wishes[mid];
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*place = low;
	return NULL;
}

static struct wish *get_wish(struct cluster_admin *admin, const char *path)
{
	uint32_t place = 0;
	struct wish *wish = find_wish(admin, path, &place);

	if (wish != NULL || admin->nb == WISHES_MAX)
		return wish;
	if (admin->nb == admin->size) {
		uint32_t size = admin->size > 0 ? admin->size * 2 : 16;
		struct wish **grown = realloc(admin->wishes, size * sizeof(*grown));

		if (grown == NULL)
			return NULL;
		admin->wishes = grown;
		admin->size = size;
	}
	wish = calloc(1, sizeof(*wish));
	if (wish == NULL)
		return NULL;
	snprintf(wish->path, sizeof(wish->path), "%s", path);
	memmove(&admin->wishes[place + 1], &admin->wishes[place],
		(admin->nb - place) * sizeof(*admin->wishes));
	admin->wishes[place] = wish;
	admin->nb++;
	return wish;
}

static void flush(struct cluster_admin *admin)
{
	for (uint32_t i = 0; i < admin->nb; i++) {
		struct wish *wish = admin->wishes[i];
		char text[CLUSTER_ADMIN_VALUE_MAX];
		struct strv value = {text, 0};

		if (!wish->dirty)
			continue;
		value.len = cluster_admin_format(&wish->override, text);
		if (redis_map_put(admin->map, (struct strv){0}, strv_from(wish->path), value, 0) <
			0)
			return;
		wish->dirty = false;
		wish->seen = true;
	}
}

uint64_t cluster_admin_set(
	struct cluster_admin *admin, const char *path, const struct override *override)
{
	struct wish *wish = get_wish(admin, path);
	uint64_t known;

	if (wish == NULL)
		return 0;
	known = wish->override.revision;
	if (override->revision != 0 && override->revision <= known)
		return known;
	wish->override = *override;
	if (override->revision == 0)
		wish->override.revision = redis_map_next_version(known);
	wish->dirty = true;
	flush(admin);
	return wish->override.revision;
}

const struct override *cluster_admin_get(const struct cluster_admin *admin, const char *path)
{
	uint32_t place;
	const struct wish *wish = find_wish(admin, path, &place);

	return wish != NULL ? &wish->override : NULL;
}

// ---- From Redis --------------------------------------------------------------------------------

static void on_value(void *arg, struct strv key, struct strv field, struct strv value, bool loading)
{
	struct cluster_admin *admin = arg;
	struct override override;
	char path[PATH_MAX_OCTETS];
	struct wish *wish;

	if (field.len == 0 || field.len >= sizeof(path) ||
		memchr(field.ptr, '\0', field.len) != NULL ||
		cluster_admin_parse(value, &override) < 0)
		return;
	memcpy(path, field.ptr, field.len);
	path[field.len] = '\0';
	wish = get_wish(admin, path);
	if (wish == NULL)
		return;
	wish->seen = true;
	if (override.revision > wish->override.revision) {
		wish->override = override;
		wish->dirty = false;
		admin->callbacks.on_override(admin->arg, path, &override);
	} else if (override.revision < wish->override.revision && loading) {
		wish->dirty = true;
	}
}

static void on_load_begin(void *arg)
{
	struct cluster_admin *admin = arg;

	for (uint32_t i = 0; i < admin->nb; i++)
		admin->wishes[i]->seen = false;
}

// Redis does not have what was not seen: it restarted empty, or we could not write.
static void on_loaded(void *arg)
{
	struct cluster_admin *admin = arg;

	for (uint32_t i = 0; i < admin->nb; i++)
		if (!admin->wishes[i]->seen)
			admin->wishes[i]->dirty = true;
	flush(admin);
}

static void on_room(void *arg)
{
	flush(arg);
}

static void on_error(void *arg, const char *text)
{
	struct cluster_admin *admin = arg;

	if (admin->callbacks.on_error != NULL)
		admin->callbacks.on_error(admin->arg, text);
}

void cluster_admin_set_redis(struct cluster_admin *admin, struct redis *redis)
{
	redis_map_set_redis(admin->map, redis);
}

void cluster_admin_redis_up(struct cluster_admin *admin)
{
	redis_map_up(admin->map);
}

void cluster_admin_redis_down(struct cluster_admin *admin)
{
	redis_map_down(admin->map);
}

struct cluster_admin *cluster_admin_create(struct event_base *base, const char *cluster,
	const struct cluster_admin_callbacks *callbacks, void *arg)
{
	static const struct redis_map_callbacks map_callbacks = {
		.on_value = on_value,
		.on_load_begin = on_load_begin,
		.on_loaded = on_loaded,
		.on_room = on_room,
		.on_error = on_error,
	};
	struct cluster_admin *admin = calloc(1, sizeof(*admin));
	char key[128], stream[128];
	struct redis_map_options options = {.prefix = key,
		.stream = stream,
		.single = true,
		.stream_max = 1000,
		.resync_ms = RESYNC_MS};

	if (admin == NULL)
		return NULL;
	snprintf(key, sizeof(key), "sipshunt:{%s}:admin", cluster);
	snprintf(stream, sizeof(stream), "sipshunt:{%s}:admin-changes", cluster);
	admin->callbacks = *callbacks;
	admin->arg = arg;
	admin->map = redis_map_create(base, &options, &map_callbacks, admin);
	if (admin->map == NULL) {
		cluster_admin_destroy(admin);
		errno = ENOMEM;
		return NULL;
	}
	return admin;
}

void cluster_admin_destroy(struct cluster_admin *admin)
{
	if (admin == NULL)
		return;
	redis_map_destroy(admin->map);
	for (uint32_t i = 0; i < admin->nb; i++)
		free(admin->wishes[i]);
	free(admin->wishes);
	free(admin);
}
