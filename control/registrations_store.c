// SPDX-License-Identifier: BSD-3-Clause
#include "control/registrations_store.h"

#include "control/redis_map.h"
#include "control/registrations_names.h"
#include "control/registrations_value.h"
#include "dataplane/dispatch/siphash.h"

#include <event2/event.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <time.h>

#define WHEEL_SLOTS 4096 // seconds
#define TICK_MS 250
#define FUTURE_US (UINT64_C(86400) * 1000000) // a version further ahead than that is nobody's clock
#define LIFETIME_MAX_MS (INT64_C(7) * 24 * 3600 * 1000)
#define BUCKETS_MIN 1024

struct binding {
	LIST_ENTRY(binding) in_wheel;
	SLIST_ENTRY(binding) in_aor;
	TAILQ_ENTRY(binding) in_dirty;
	struct aor *aor;
	uint64_t version;
	int64_t expires_ms; // CLOCK_REALTIME; deleted: until when that is remembered
	int64_t written_ms; // when Redis was told last; 0: never
	int64_t written_expires_ms; // what it was told
	uint32_t backend_id;
	uint32_t mark; // of the load that it was seen in
	uint16_t listener_id;
	bool deleted;
	bool dirty; // to be written as soon as Redis takes it
	struct endpoint flow;
	const struct name *node, *backend;
	size_t contact_len;
	char contact[];
};

SLIST_HEAD(bindings, binding);
LIST_HEAD(wheel_slot, binding);

struct aor {
	SLIST_ENTRY(aor) next;
	uint64_t hash;
	struct bindings bindings;
	uint32_t nb_bindings;
	uint32_t pushed_backend; // as last told to on_binding()
	int64_t pushed_expires_ms;
	size_t user_len, host_len;
	char octets[]; // user '@' host, the key in Redis; host in lower case
};

SLIST_HEAD(aors, aor);

struct registrations_store {
	struct registrations_callbacks callbacks;
	void *arg;
	uint32_t max;
	uint8_t hash_key[16]; // users choose AoRs: they must not choose buckets
	struct aors *buckets;
	uint32_t nb_buckets, nb_aors; // buckets: a power of 2
	struct names names;
	const struct name *self;
	struct wheel_slot wheel[WHEEL_SLOTS];
	int64_t wheel_s; // second that was handled last
	struct event *tick;
	TAILQ_HEAD(, binding) dirty;
	struct redis_map *map;
	bool shared; // there is a Redis to share through
	int64_t lost_ms; // CLOCK_MONOTONIC since when it does not answer; 0: it does
	uint32_t mark; // of the current or last load
	struct registrations_stats stats;
};

static int64_t wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t mono_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

// ---- AoRs --------------------------------------------------------------------------------------

static struct strv aor_user(const struct aor *aor)
{
	return (struct strv){aor->octets, aor->user_len};
}

static struct strv aor_host(const struct aor *aor)
{
	return (struct strv){aor->octets + aor->user_len + 1, aor->host_len};
}

static struct strv aor_key(const struct aor *aor)
{
	return (struct strv){aor->octets, aor->user_len + 1 + aor->host_len};
}

// "user@host" with the host in lower case. The caller has checked the lengths.
static struct strv make_key(struct strv user, struct strv host, char buf[REGISTRATIONS_AOR_MAX + 1])
{
	if (user.len > 0)
		memcpy(buf, user.ptr, user.len);
	buf[user.len] = '@';
	for (size_t i = 0; i < host.len; i++)
		buf[user.len + 1 + i] = (char)strv_lower(host.ptr[i]);
	return (struct strv){buf, user.len + 1 + host.len};
}

static struct aor *find_aor(const struct registrations_store *r, struct strv key)
{
	uint64_t hash = siphash13(r->hash_key, key.ptr, key.len);
	struct aor *aor;

	SLIST_FOREACH(aor, &r->buckets[hash & (r->nb_buckets - 1)], next)
	if (aor->hash == hash && strv_eq(aor_key(aor), key))
		return aor;
	return NULL;
}

// Twice the buckets once there are more AoRs than buckets. Staying small is no error.
static void grow(struct registrations_store *r)
{
	uint32_t nb = r->nb_buckets * 2;
	struct aors *buckets = calloc(nb, sizeof(*buckets));

	if (buckets == NULL)
		return;
	for (uint32_t i = 0; i < r->nb_buckets; i++) {
		struct aor *aor;

		while ((aor = SLIST_FIRST(&r->buckets[i])) != NULL) {
			SLIST_REMOVE_HEAD(&r->buckets[i], next);
			SLIST_INSERT_HEAD(&buckets[aor->hash & (nb - 1)], aor, next);
		}
	}
	free(r->buckets);
	r->buckets = buckets;
	r->nb_buckets = nb;
}

static struct aor *add_aor(struct registrations_store *r, struct strv key, size_t user_len)
{
	struct aor *aor = calloc(1, sizeof(*aor) + key.len);

	if (aor == NULL)
		return NULL;
	if (r->nb_aors >= r->nb_buckets)
		grow(r);
	aor->hash = siphash13(r->hash_key, key.ptr, key.len);
	aor->user_len = user_len;
	aor->host_len = key.len - user_len - 1;
	memcpy(aor->octets, key.ptr, key.len);
	SLIST_INSERT_HEAD(&r->buckets[aor->hash & (r->nb_buckets - 1)], aor, next);
	r->nb_aors++;
	return aor;
}

static void drop_aor_if_empty(struct registrations_store *r, struct aor *aor)
{
	if (aor->nb_bindings > 0)
		return;
	SLIST_REMOVE(&r->buckets[aor->hash & (r->nb_buckets - 1)], aor, aor, next);
	r->nb_aors--;
	free(aor);
}

// ---- Bindings ----------------------------------------------------------------------------------

static struct binding *find_binding(const struct aor *aor, struct strv contact)
{
	struct binding *b;

	SLIST_FOREACH(b, &aor->bindings, in_aor)
	if (strv_eq((struct strv){b->contact, b->contact_len}, contact))
		return b;
	return NULL;
}

static struct binding *add_binding(
	struct registrations_store *r, struct aor *aor, struct strv contact)
{
	struct binding *b = calloc(1, sizeof(*b) + contact.len);

	if (b == NULL)
		return NULL;
	b->aor = aor;
	b->contact_len = contact.len;
	memcpy(b->contact, contact.ptr, contact.len);
	b->deleted = true;
	r->stats.nb_deleted++;
	SLIST_INSERT_HEAD(&aor->bindings, b, in_aor);
	aor->nb_bindings++;
	LIST_INSERT_HEAD(&r->wheel[0], b, in_wheel);
	return b;
}

static void set_dirty(struct registrations_store *r, struct binding *b, bool dirty)
{
	if (dirty == b->dirty)
		return;
	b->dirty = dirty;
	if (dirty) {
		TAILQ_INSERT_TAIL(&r->dirty, b, in_dirty);
		r->stats.nb_dirty++;
	} else {
		TAILQ_REMOVE(&r->dirty, b, in_dirty);
		r->stats.nb_dirty--;
	}
}

static void set_deleted(struct registrations_store *r, struct binding *b, bool deleted)
{
	if (deleted == b->deleted)
		return;
	b->deleted = deleted;
	r->stats.nb_deleted += deleted ? 1 : -1;
	r->stats.nb += deleted ? -1 : 1;
}

// When something must be done about it: it expires, or a refresh that Redis was not told about yet
// has waited until half of what it was told is over.
static int64_t due_ms(const struct registrations_store *r, const struct binding *b)
{
	int64_t half = b->written_ms + (b->written_expires_ms - b->written_ms) / 2;

	if (r->shared && !b->deleted && !b->dirty && b->expires_ms > b->written_expires_ms &&
		half < b->expires_ms)
		return half;
	return b->expires_ms;
}

static void reschedule(struct registrations_store *r, struct binding *b)
{
	int64_t second = due_ms(r, b) / 1000 + 1;

	// What is overdue goes where the wheel comes next.
	if (second <= r->wheel_s)
		second = r->wheel_s + 1;
	LIST_REMOVE(b, in_wheel);
	LIST_INSERT_HEAD(&r->wheel[second % WHEEL_SLOTS], b, in_wheel);
}

static void remove_binding(struct registrations_store *r, struct binding *b)
{
	struct aor *aor = b->aor;

	set_dirty(r, b, false);
	set_deleted(r, b, true);
	r->stats.nb_deleted--;
	LIST_REMOVE(b, in_wheel);
	SLIST_REMOVE(&aor->bindings, b, binding, in_aor);
	aor->nb_bindings--;
	free(b);
}

// ---- Telling the dataplane ---------------------------------------------------------------------

// The backend of an AoR is that of its newest binding.
static const struct binding *newest(const struct aor *aor, int64_t now)
{
	const struct binding *best = NULL, *b;

	SLIST_FOREACH(b, &aor->bindings, in_aor)
	if (!b->deleted && b->expires_ms > now && (best == NULL || b->version > best->version))
		best = b;
	return best;
}

static void push(struct registrations_store *r, struct aor *aor, bool anyway)
{
	int64_t now = wall_ms();
	const struct binding *b = newest(aor, now);
	uint32_t backend = b != NULL ? b->backend_id : 0;
	int64_t expires = b != NULL ? b->expires_ms : 0;

	if (anyway ? b == NULL
		   : backend == aor->pushed_backend && expires == aor->pushed_expires_ms)
		return;
	aor->pushed_backend = backend;
	aor->pushed_expires_ms = expires;
	if (r->callbacks.on_binding != NULL)
		r->callbacks.on_binding(r->arg, aor_user(aor), aor_host(aor), backend,
			b != NULL ? (uint32_t)((expires - now + 999) / 1000) : 0);
}

void registrations_store_push_all(struct registrations_store *r)
{
	struct aor *aor;

	for (uint32_t i = 0; i < r->nb_buckets; i++)
		SLIST_FOREACH(aor, &r->buckets[i], next)
	push(r, aor, true);
}

// ---- Telling Redis -----------------------------------------------------------------------------

static int write_binding(struct registrations_store *r, struct binding *b, int64_t now)
{
	char text[REGISTRATIONS_VALUE_MAX];
	struct registrations_value value = {
		.version = b->version,
		.expires_ms = b->expires_ms,
		.deleted = b->deleted,
		.backend_id = b->backend_id,
		.listener_id = b->listener_id,
		.flow = b->flow,
		.node = {b->node->text, b->node->len},
		.backend = {b->backend->text, b->backend->len},
	};
	struct strv octets = {text, registrations_value_format(&value, text)};
	int ret;

	ret = redis_map_put(r->map, aor_key(b->aor), (struct strv){b->contact, b->contact_len},
		octets, (uint64_t)(b->expires_ms - now));
	if (ret < 0)
		return ret;
	r->stats.writes++;
	b->written_ms = now;
	b->written_expires_ms = b->expires_ms;
	b->mark = r->mark;
	return 0;
}

// Write what is dirty, as far as the queue of the client allows.
static void flush(struct registrations_store *r)
{
	int64_t now = wall_ms();
	struct binding *b;

	while (r->shared && (b = TAILQ_FIRST(&r->dirty)) != NULL) {
		if (b->expires_ms > now && write_binding(r, b, now) < 0)
			return;
		set_dirty(r, b, false);
		reschedule(r, b);
	}
}

// ---- Time --------------------------------------------------------------------------------------

static void handle_due(struct registrations_store *r, struct binding *b, int64_t now)
{
	struct aor *aor = b->aor;

	if (b->expires_ms > now) {
		// Only a refresh that waits can be due before the end.
		set_dirty(r, b, true);
		reschedule(r, b);
		return;
	}
	remove_binding(r, b);
	push(r, aor, false);
	drop_aor_if_empty(r, aor);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct registrations_store *r = arg;
	int64_t now = wall_ms(), second = now / 1000;
	struct binding *b, *next;

	// A step of the clock: back, or so far ahead that every slot is visited once.
	if (second < r->wheel_s || second - r->wheel_s > WHEEL_SLOTS)
		r->wheel_s = second - WHEEL_SLOTS;
	while (r->wheel_s < second) {
		r->wheel_s++;
		b = LIST_FIRST(&r->wheel[r->wheel_s % WHEEL_SLOTS]);
		for (; b != NULL; b = next) {
			next = LIST_NEXT(b, in_wheel);
			if (due_ms(r, b) <= now)
				handle_due(r, b, now);
		}
	}
	flush(r);
}

// ---- Learning from the dataplane ---------------------------------------------------------------

static void delete_binding(struct registrations_store *r, struct binding *b)
{
	if (b->deleted)
		return;
	// It is remembered for as long as it would have lived: so long somebody may believe in it.
	set_deleted(r, b, true);
	b->version = redis_map_next_version(b->version);
	b->node = r->self;
	set_dirty(r, b, r->shared);
	reschedule(r, b);
}

static bool has_room(const struct registrations_store *r, const struct aor *aor)
{
	return r->stats.nb + r->stats.nb_deleted < r->max &&
		(aor == NULL || aor->nb_bindings < REGISTRATIONS_CONTACTS_MAX);
}

// Whether the others must be told at once.
static bool is_change(const struct binding *b, const struct registrations_event *event,
	const struct name *backend, int64_t expires)
{
	return b->deleted || b->backend != backend || b->backend_id != event->backend_id ||
		b->listener_id != event->listener_id || !endpoint_eq(&b->flow, &event->flow) ||
		expires < b->written_expires_ms;
}

static void update_binding(struct registrations_store *r, struct binding *b,
	const struct registrations_event *event, const struct name *backend)
{
	int64_t now = wall_ms(), expires = now + (int64_t)event->expires_s * 1000;
	bool change = is_change(b, event, backend, expires);

	b->version = redis_map_next_version(b->version);
	b->backend = backend;
	b->backend_id = event->backend_id;
	b->listener_id = event->listener_id;
	b->flow = event->flow;
	b->node = r->self;
	b->expires_ms = expires;
	set_deleted(r, b, false);
	if (change || due_ms(r, b) <= now)
		set_dirty(r, b, r->shared);
	reschedule(r, b);
}

static int learn_binding(
	struct registrations_store *r, struct aor *aor, const struct registrations_event *event)
{
	struct binding *b = find_binding(aor, event->contact);
	const struct name *backend;

	if (event->expires_s == 0) {
		if (b != NULL)
			delete_binding(r, b);
		return 0;
	}
	backend = names_intern(&r->names, event->backend);
	if (backend == NULL || (b == NULL && !has_room(r, aor))) {
		r->stats.refused++;
		return -ENOSPC;
	}
	if (b == NULL)
		b = add_binding(r, aor, event->contact);
	if (b == NULL)
		return -ENOMEM;
	update_binding(r, b, event, backend);
	return 0;
}

int registrations_store_learn(
	struct registrations_store *r, const struct registrations_event *event)
{
	char buf[REGISTRATIONS_AOR_MAX + 1];
	struct binding *b;
	struct strv key;
	struct aor *aor;
	int ret = 0;

	if (event->host.len == 0 || event->user.len + event->host.len >= REGISTRATIONS_AOR_MAX ||
		event->contact.len > REGISTRATIONS_CONTACT_MAX || event->backend.len == 0 ||
		event->backend.len > REGISTRATIONS_BACKEND_MAX)
		return -EINVAL;
	r->stats.learned++;
	key = make_key(event->user, event->host, buf);
	aor = find_aor(r, key);
	if (event->contact.len == 0) {
		if (aor == NULL)
			return 0;
		SLIST_FOREACH(b, &aor->bindings, in_aor)
		delete_binding(r, b);
	} else {
		if (aor == NULL && event->expires_s == 0)
			return 0;
		if (aor == NULL && has_room(r, NULL))
			aor = add_aor(r, key, event->user.len);
		if (aor == NULL) {
			r->stats.refused++;
			return -ENOSPC;
		}
		ret = learn_binding(r, aor, event);
	}
	push(r, aor, false);
	drop_aor_if_empty(r, aor);
	flush(r);
	return ret;
}

// ---- Learning from Redis -----------------------------------------------------------------------

static void take_over(struct registrations_store *r, struct binding *b,
	const struct registrations_value *value, int64_t now)
{
	const struct name *node = names_intern(&r->names, value->node),
			  *backend = names_intern(&r->names, value->backend);

	if (node == NULL || backend == NULL)
		return;
	b->version = value->version;
	b->node = node;
	b->backend = backend;
	b->backend_id = value->backend_id;
	b->listener_id = value->listener_id;
	b->flow = value->flow;
	b->expires_ms = value->expires_ms;
	b->written_ms = now;
	b->written_expires_ms = value->expires_ms;
	set_deleted(r, b, value->deleted);
	set_dirty(r, b, false);
	reschedule(r, b);
	r->stats.remote++;
	push(r, b->aor, false);
}

// Checks what a value claims; the key names an AoR, the field a contact.
static bool is_sound(
	struct strv key, struct strv field, const struct registrations_value *value, int64_t now)
{
	return key.len > 1 && key.len <= REGISTRATIONS_AOR_MAX && key.ptr[key.len - 1] != '@' &&
		memchr(key.ptr, '@', key.len) != NULL && field.len > 0 &&
		field.len <= REGISTRATIONS_CONTACT_MAX &&
		value->version < (uint64_t)now * 1000 + FUTURE_US &&
		value->expires_ms < now + LIFETIME_MAX_MS;
}

static struct binding *add_remote(struct registrations_store *r, struct strv key, struct strv field)
{
	struct aor *aor = find_aor(r, key);
	struct binding *b;
	size_t user_len = key.len;

	if (!has_room(r, aor)) {
		r->stats.refused++;
		return NULL;
	}
	// A host has no '@'.
	while (key.ptr[user_len - 1] != '@')
		user_len--;
	if (aor == NULL)
		aor = add_aor(r, key, user_len - 1);
	if (aor == NULL)
		return NULL;
	b = add_binding(r, aor, field);
	if (b == NULL)
		drop_aor_if_empty(r, aor);
	return b;
}

static void on_value(void *arg, struct strv key, struct strv field, struct strv text, bool loading)
{
	struct registrations_store *r = arg;
	struct registrations_value value;
	int64_t now = wall_ms();
	struct binding *b = NULL;
	struct aor *aor;

	if (registrations_value_parse(text, &value) < 0 || !is_sound(key, field, &value, now)) {
		r->stats.malformed++;
		return;
	}
	aor = find_aor(r, key);
	if (aor != NULL)
		b = find_binding(aor, field);
	if (b == NULL && (value.deleted || value.expires_ms <= now))
		return;
	if (b == NULL)
		b = add_remote(r, key, field);
	if (b == NULL)
		return;
	b->mark = r->mark;
	if (value.version > b->version)
		take_over(r, b, &value, now);
	else if (value.version < b->version && loading)
		set_dirty(r, b, true);
	if (b->node == NULL) {
		// No room for its names.
		aor = b->aor;
		remove_binding(r, b);
		drop_aor_if_empty(r, aor);
	}
}

static void on_load_begin(void *arg)
{
	struct registrations_store *r = arg;

	r->mark++;
}

// Redis does not have what was not seen: it restarted empty, or we could not write.
static void on_loaded(void *arg)
{
	struct registrations_store *r = arg;
	struct binding *b;
	struct aor *aor;

	r->lost_ms = 0;
	for (uint32_t i = 0; i < r->nb_buckets; i++)
		SLIST_FOREACH(aor, &r->buckets[i], next)
	SLIST_FOREACH(b, &aor->bindings, in_aor)
	if (b->mark != r->mark)
		set_dirty(r, b, true);
	flush(r);
}

static void on_room(void *arg)
{
	flush(arg);
}

static void on_error(void *arg, const char *text)
{
	struct registrations_store *r = arg;

	if (r->callbacks.on_error != NULL)
		r->callbacks.on_error(r->arg, text);
}

void registrations_store_set_redis(struct registrations_store *r, struct redis *redis)
{
	r->shared = redis != NULL;
	r->lost_ms = r->shared ? mono_ms() : 0;
	redis_map_set_redis(r->map, redis);
}

void registrations_store_redis_up(struct registrations_store *r)
{
	redis_map_up(r->map);
}

void registrations_store_redis_down(struct registrations_store *r)
{
	redis_map_down(r->map);
	if (r->shared && r->lost_ms == 0)
		r->lost_ms = mono_ms();
}

// ---- What others ask ---------------------------------------------------------------------------

static bool show(const struct registrations_store *r, const struct aor *aor, registrations_fn *fn,
	void *arg, uint32_t *nb)
{
	int64_t now = wall_ms();
	const struct binding *b;

	SLIST_FOREACH(b, &aor->bindings, in_aor)
	{
		struct registration shown = {
			.user = aor_user(aor),
			.host = aor_host(aor),
			.contact = {b->contact, b->contact_len},
			.backend_id = b->backend_id,
			.backend = b->backend->text,
			.flow = b->flow,
			.listener_id = b->listener_id,
			.expires_s = (double)(b->expires_ms - now) / 1000,
			.node = b->node->text,
			.stale = r->lost_ms != 0 && b->node != r->self,
		};

		if (b->deleted || b->expires_ms <= now)
			continue;
		++*nb;
		if (fn != NULL && !fn(&shown, arg))
			return false;
	}
	return true;
}

void registrations_store_each(const struct registrations_store *r, registrations_fn *fn, void *arg)
{
	const struct aor *aor;
	uint32_t nb = 0;

	for (uint32_t i = 0; i < r->nb_buckets; i++)
		SLIST_FOREACH(aor, &r->buckets[i], next)
	if (!show(r, aor, fn, arg, &nb))
		return;
}

uint32_t registrations_store_find(const struct registrations_store *r, struct strv user,
	struct strv host, registrations_fn *fn, void *arg)
{
	char buf[REGISTRATIONS_AOR_MAX + 1];
	const struct aor *aor;
	uint32_t nb = 0;

	if (user.len + host.len >= REGISTRATIONS_AOR_MAX)
		return 0;
	aor = find_aor(r, make_key(user, host, buf));
	if (aor != NULL)
		show(r, aor, fn, arg, &nb);
	return nb;
}

struct registrations_stats registrations_store_stats(const struct registrations_store *r)
{
	return r->stats;
}

double registrations_store_stale_s(const struct registrations_store *r)
{
	return r->lost_ms == 0 ? 0 : (double)(mono_ms() - r->lost_ms) / 1000;
}

// ---- Create and destroy ------------------------------------------------------------------------

void registrations_store_set_max(struct registrations_store *r, uint32_t max)
{
	r->max = max;
}

static struct redis_map *create_map(
	struct event_base *base, const struct registrations_options *options, void *arg)
{
	static const struct redis_map_callbacks callbacks = {
		.on_value = on_value,
		.on_load_begin = on_load_begin,
		.on_loaded = on_loaded,
		.on_room = on_room,
		.on_error = on_error,
	};
	char prefix[128], stream[128];
	struct redis_map_options map = {
		.prefix = prefix, .stream = stream, .resync_ms = options->resync_ms};

	snprintf(prefix, sizeof(prefix), "sipshunt:{%s}:reg:", options->cluster);
	snprintf(stream, sizeof(stream), "sipshunt:{%s}:reg-changes", options->cluster);
	return redis_map_create(base, &map, &callbacks, arg);
}

struct registrations_store *registrations_store_create(struct event_base *base,
	const struct registrations_options *options,
	const struct registrations_callbacks *callbacks, void *arg)
{
	struct timeval period = {0, TICK_MS * 1000};
	struct registrations_store *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->callbacks = *callbacks;
	r->arg = arg;
	r->max = options->max;
	r->nb_buckets = BUCKETS_MIN;
	r->wheel_s = wall_ms() / 1000;
	TAILQ_INIT(&r->dirty);
	r->buckets = calloc(r->nb_buckets, sizeof(*r->buckets));
	r->tick = event_new(base, -1, EV_PERSIST, on_tick, r);
	r->map = create_map(base, options, r);
	if (getrandom(r->hash_key, sizeof(r->hash_key), 0) != sizeof(r->hash_key))
		goto destroy_registrations;
	memcpy(r->names.key, r->hash_key, sizeof(r->hash_key));
	r->self = names_intern(&r->names, strv_from(options->node));
	if (r->buckets == NULL || r->tick == NULL || r->map == NULL || r->self == NULL ||
		event_add(r->tick, &period) != 0)
		goto destroy_registrations;
	return r;

destroy_registrations:
	registrations_store_destroy(r);
	errno = ENOMEM;
	return NULL;
}

void registrations_store_destroy(struct registrations_store *r)
{
	if (r == NULL)
		return;
	redis_map_destroy(r->map);
	if (r->tick != NULL)
		event_free(r->tick);
	for (uint32_t i = 0; r->buckets != NULL && i < r->nb_buckets; i++) {
		struct aor *aor;

		while ((aor = SLIST_FIRST(&r->buckets[i])) != NULL) {
			while (!SLIST_EMPTY(&aor->bindings))
				remove_binding(r, SLIST_FIRST(&aor->bindings));
			drop_aor_if_empty(r, aor);
		}
	}
	free(r->buckets);
	names_fini(&r->names);
	free(r);
}
