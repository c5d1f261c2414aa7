// SPDX-License-Identifier: BSD-3-Clause
#include "control/cluster_health.h"

#include "control/cluster_nodes.h"
#include "control/redis.h"
#include "control/redis_map.h"

#include <event2/event.h>
#include <hiredis/hiredis.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEY_MAX 192
#define SOON_MS 20 // gathers the changes of one moment

// One letter a state, in the order of enum health_state.
static const char letters[] = "?druf";

struct entry {
	char path[CLUSTER_PATH_MAX];
	enum health_state state;
};

// Entries sorted by path.
struct view {
	char node[64];
	uint64_t revision; // as read; 0: never
	bool asking;
	struct entry *entries;
	uint32_t nb, size;
};

struct question {
	struct cluster_health *health;
	uint64_t revision;
	char node[64];
};

struct cluster_health {
	struct redis *redis; // NULL: none
	struct cluster_health_callbacks callbacks;
	void *arg;
	char prefix[KEY_MAX]; // "sipshunt:{cluster}:health:"
	uint32_t lease_ms, publish_ms;
	struct event *publish;
	bool up;
	bool changed; // since the last publication
	uint64_t revision; // of the own view
	int64_t published_ms;
	struct view *views[CLUSTER_NODES_MAX]; // [0] is this node's
	uint32_t nb_views;
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

// ---- Views -------------------------------------------------------------------------------------

// The place of a path: where it is, or where it belongs.
static uint32_t find_place(const struct view *view, const char *path)
{
	uint32_t low = 0, high = view->nb;

	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (strcmp(view->entries[mid].path, path) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct entry *find_entry(const struct view *view, const char *path)
{
	uint32_t place = find_place(view, path);

	if (place == view->nb || strcmp(view->entries[place].path, path) != 0)
		return NULL;
	return &view->entries[place];
}

static int add_entry(struct view *view, const char *path, enum health_state state)
{
	uint32_t place = find_place(view, path);

	if (view->nb == view->size) {
		uint32_t size = view->size > 0 ? view->size * 2 : 16;
		struct entry *grown = realloc(view->entries, size * sizeof(*grown));

		if (grown == NULL)
			return -ENOMEM;
		view->entries = grown;
		view->size = size;
	}
	memmove(&view->entries[place + 1], &view->entries[place],
		(view->nb - place) * sizeof(*view->entries));
	view->nb++;
	snprintf(view->entries[place].path, CLUSTER_PATH_MAX, "%s", path);
	view->entries[place].state = state;
	return 0;
}

static struct view *find_view(const struct cluster_health *health, const char *node)
{
	for (uint32_t i = 0; i < health->nb_views; i++)
		if (strcmp(health->views[i]->node, node) == 0)
			return health->views[i];
	return NULL;
}

static struct view *add_view(struct cluster_health *health, const char *node)
{
	struct view *view;

	if (health->nb_views == CLUSTER_NODES_MAX)
		return NULL;
	view = calloc(1, sizeof(*view));
	if (view == NULL)
		return NULL;
	snprintf(view->node, sizeof(view->node), "%s", node);
	health->views[health->nb_views++] = view;
	return view;
}

static void free_view(struct view *view)
{
	free(view->entries);
	free(view);
}

// ---- Publishing --------------------------------------------------------------------------------

// "service/backend=u service/backend=d ..."
static char *format_view(const struct view *view)
{
	size_t size = view->nb * (size_t)(CLUSTER_PATH_MAX + 3) + 1, len = 0;
	char *text = malloc(size);

	if (text == NULL)
		return NULL;
	text[0] = '\0';
	for (uint32_t i = 0; i < view->nb; i++)
		len += (size_t)snprintf(text + len, size - len, "%s%s=%c", i > 0 ? " " : "",
			view->entries[i].path, letters[view->entries[i].state]);
	return text;
}

static void on_published(const redisReply *reply, void *arg)
{
	struct cluster_health *health = arg;

	if (reply != NULL && reply->type == REDIS_REPLY_ERROR && health->callbacks.on_error != NULL)
		health->callbacks.on_error(health->arg, reply->str);
}

static void publish(struct cluster_health *health)
{
	char key[KEY_MAX + 64], lease[16];
	char *text = format_view(health->views[0]);
	struct strv state[] = {STRV("HSET"), {0}, STRV("state"), {0}};
	struct strv expire[] = {STRV("PEXPIRE"), {0}, {0}};

	if (text == NULL)
		return;
	snprintf(key, sizeof(key), "%s%s", health->prefix, health->views[0]->node);
	snprintf(lease, sizeof(lease), "%u", health->lease_ms);
	state[1] = expire[1] = strv_from(key);
	state[3] = strv_from(text);
	expire[2] = strv_from(lease);
	if (redis_send(health->redis, state, 4, on_published, health) == 0 &&
		redis_send(health->redis, expire, 3, on_published, health) == 0) {
		health->published_ms = now_ms();
		if (health->changed)
			health->revision = redis_map_next_version(health->revision);
		health->changed = false;
		// On the same connection, so the lease that names it comes later.
		health->callbacks.on_revision(health->arg, health->revision);
	}
	free(text);
}

static void schedule(struct cluster_health *health)
{
	int64_t wait = health->published_ms - now_ms();
	struct timeval tv;

	wait += health->changed ? health->publish_ms : health->lease_ms / 3;
	if (wait < SOON_MS)
		wait = SOON_MS;
	tv = (struct timeval){wait / 1000, wait % 1000 * 1000};
	evtimer_add(health->publish, &tv);
}

static void on_publish(evutil_socket_t fd, short what, void *arg)
{
	struct cluster_health *health = arg;

	if (health->up)
		publish(health);
	schedule(health);
}

int cluster_health_set(struct cluster_health *health, const char *path, enum health_state state)
{
	struct view *own = health->views[0];
	struct entry *entry = find_entry(own, path);

	if ((entry != NULL ? entry->state : HEALTH_UNKNOWN) == state)
		return 0;
	if (entry == NULL) {
		if (add_entry(own, path, state) < 0)
			return -ENOMEM;
	} else if (state != HEALTH_UNKNOWN) {
		entry->state = state;
	} else {
		own->nb--;
		memmove(entry, entry + 1,
			(size_t)(&own->entries[own->nb] - entry) * sizeof(*entry));
	}
	health->changed = true;
	schedule(health);
	return 0;
}

// ---- Reading -----------------------------------------------------------------------------------

static void take_entry(struct view *view, struct strv text)
{
	char path[CLUSTER_PATH_MAX];
	const char *letter;

	// One that comes twice is a mistake of somebody: the first counts.
	if (text.len < 3 || text.len - 2 >= sizeof(path) || text.ptr[text.len - 2] != '=')
		return;
	letter = memchr(letters, text.ptr[text.len - 1], HEALTH_STATES);
	if (letter == NULL || memchr(text.ptr, '\0', text.len) != NULL)
		return;
	memcpy(path, text.ptr, text.len - 2);
	path[text.len - 2] = '\0';
	if (find_entry(view, path) == NULL && view->nb < CONFIG_BACKENDS_MAX)
		add_entry(view, path, (enum health_state)(letter - letters));
}

static void take_view(struct view *view, struct strv text)
{
	view->nb = 0;
	while (text.len > 0) {
		const char *space = memchr(text.ptr, ' ', text.len);
		size_t len = space != NULL ? (size_t)(space - text.ptr) : text.len;

		take_entry(view, (struct strv){text.ptr, len});
		text.ptr += len + (space != NULL);
		text.len -= len + (space != NULL);
	}
}

// [field, value, ...]
static void on_view(const redisReply *reply, void *arg)
{
	struct question *question = arg;
	struct cluster_health *health = question->health;
	struct view *view = find_view(health, question->node);
	uint64_t revision = question->revision;

	free(question);
	if (view != NULL)
		view->asking = false;
	if (reply == NULL || view == NULL)
		return;
	if (reply->type != REDIS_REPLY_ARRAY) {
		on_published(reply, health);
		return;
	}
	for (size_t i = 0; i + 1 < reply->elements; i += 2)
		if (reply->element[i]->type == REDIS_REPLY_STRING &&
			reply->element[i + 1]->type == REDIS_REPLY_STRING &&
			strcmp(reply->element[i]->str, "state") == 0) {
			take_view(view,
				(struct strv){
					reply->element[i + 1]->str, reply->element[i + 1]->len});
			view->revision = revision;
		}
	health->callbacks.on_views(health->arg);
}

void cluster_health_seen(struct cluster_health *health, const char *node, uint64_t revision)
{
	struct view *view = find_view(health, node);
	char key[KEY_MAX + 64];
	struct strv args[] = {STRV("HGETALL"), {0}};
	struct question *question;

	if (view == NULL)
		view = add_view(health, node);
	if (view == NULL || view->asking || view->revision == revision || revision == 0 ||
		!health->up)
		return;
	question = malloc(sizeof(*question));
	if (question == NULL)
		return;
	question->health = health;
	question->revision = revision;
	strcpy(question->node, view->node);
	snprintf(key, sizeof(key), "%s%s", health->prefix, node);
	args[1] = strv_from(key);
	view->asking = redis_send(health->redis, args, 2, on_view, question) == 0;
	if (!view->asking)
		free(question);
}

void cluster_health_forget(struct cluster_health *health, const char *node)
{
	for (uint32_t i = 1; i < health->nb_views; i++)
		if (strcmp(health->views[i]->node, node) == 0) {
			free_view(health->views[i]);
			health->views[i] = health->views[--health->nb_views];
			return;
		}
}

enum health_state cluster_health_get(
	const struct cluster_health *health, const char *node, const char *path)
{
	const struct view *view = find_view(health, node);
	const struct entry *entry = view != NULL ? find_entry(view, path) : NULL;

	return entry != NULL ? entry->state : HEALTH_UNKNOWN;
}

// ---- Connection, create and destroy ------------------------------------------------------------

void cluster_health_set_times(struct cluster_health *health, uint32_t lease_ms, uint32_t publish_ms)
{
	health->lease_ms = lease_ms;
	health->publish_ms = publish_ms;
	schedule(health);
}

void cluster_health_set_redis(struct cluster_health *health, struct redis *redis)
{
	health->up = false;
	health->redis = redis;
}

void cluster_health_redis_up(struct cluster_health *health)
{
	health->up = health->redis != NULL;
	// Whatever Redis lost meanwhile is there again.
	health->published_ms = 0;
	schedule(health);
}

void cluster_health_redis_down(struct cluster_health *health)
{
	health->up = false;
}

struct cluster_health *cluster_health_create(struct event_base *base,
	const struct cluster_health_options *options,
	const struct cluster_health_callbacks *callbacks, void *arg)
{
	struct cluster_health *health = calloc(1, sizeof(*health));

	if (health == NULL)
		return NULL;
	health->callbacks = *callbacks;
	health->arg = arg;
	health->lease_ms = options->lease_ms;
	health->publish_ms = options->publish_ms;
	health->changed = true;
	snprintf(health->prefix, sizeof(health->prefix), "sipshunt:{%s}:health:", options->cluster);
	health->publish = evtimer_new(base, on_publish, health);
	if (health->publish == NULL || add_view(health, options->node) == NULL) {
		cluster_health_destroy(health);
		errno = ENOMEM;
		return NULL;
	}
	schedule(health);
	return health;
}

void cluster_health_destroy(struct cluster_health *health)
{
	if (health == NULL)
		return;
	if (health->publish != NULL)
		event_free(health->publish);
	for (uint32_t i = 0; i < health->nb_views; i++)
		free_view(health->views[i]);
	free(health);
}
