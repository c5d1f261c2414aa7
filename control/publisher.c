// SPDX-License-Identifier: BSD-3-Clause
#include "control/publisher.h"

#include "control/bits.h"
#include "control/cluster.h"
#include "control/health.h"
#include "control/ipc_client.h"
#include "control/log.h"
#include "control/netlink.h"
#include "control/retired.h"
#include "control/slow_start.h"
#include "control/table_moves.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <unistd.h>

LOG_TOPIC("snapshot");

#define SWEEP_S 1 // between two looks for weights that grow and backends that are done
#define RETRY_MS 1000 // after a snapshot that was refused or could not be built

enum phase {
	PHASE_NONE,
	PHASE_BUILDING, // a thread computes tables
	PHASE_SENT // the dataplane checks and publishes
};

// A snapshot in a memfd: the blob at 0, then the bits.
struct image {
	int fd; // -1: closed, or adopted
	struct snapshot *snapshot; // mapped; private and writable while it is being built
	size_t size; // of the mapping
	size_t bits_off;
};

struct waiter {
	LIST_ENTRY(waiter) entry;
	publisher_fn *fn;
	void *arg;
	bool served; // by the snapshot under way
};

struct publisher {
	struct control *control;
	struct snapshot_key made_up; // signs when the file has no cluster_keys
	struct snapshot_route *routes;
	uint32_t nb_routes;
	uint64_t last_generation;

	bool wanted;
	enum phase phase;
	struct event *start, *built, *sweep;
	int eventfd;
	pthread_t thread;

	// Of the build under way; the thread's alone while PHASE_BUILDING.
	struct snapshot_parts parts;
	struct image next;
	int build_rc;

	struct image current; // published
	LIST_HEAD(, waiter) waiters;
};

static void image_close(struct image *image)
{
	if (image->fd >= 0)
		close(image->fd);
	if (image->snapshot != NULL)
		munmap(image->snapshot, image->size);
	*image = (struct image){.fd = -1};
}

// Build into a memfd and seal it. Runs in the thread.
static int image_build(struct image *image, const struct snapshot_parts *parts)
{
	size_t blob = snapshot_build_size(&parts->input);
	int rc;

	if (blob == 0)
		return -errno;
	image->bits_off = (blob + 63) & ~(size_t)63;
	image->size = image->bits_off + sizeof(struct backend_bits);
	image->fd = memfd_create("sipshunt-snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (image->fd < 0 || ftruncate(image->fd, (off_t)image->size) < 0)
		return -errno;
	image->snapshot = mmap(NULL, image->size, PROT_READ | PROT_WRITE, MAP_SHARED, image->fd, 0);
	if (image->snapshot == MAP_FAILED) {
		image->snapshot = NULL;
		return -errno;
	}
	rc = snapshot_build(&parts->input, image->snapshot, blob);
	return rc;
}

// Nobody may change it any more, this process included: a sealed memfd can only be mapped private.
static int image_seal(struct image *image)
{
	munmap(image->snapshot, image->size);
	image->snapshot = NULL;
	if (fcntl(image->fd, F_ADD_SEALS,
		    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return -errno;
	image->snapshot = mmap(NULL, image->size, PROT_READ, MAP_PRIVATE, image->fd, 0);
	if (image->snapshot == MAP_FAILED) {
		image->snapshot = NULL;
		return -errno;
	}
	return 0;
}

static void *build_thread(void *arg)
{
	struct publisher *publisher = arg;
	uint64_t one = 1;

	publisher->build_rc = image_build(&publisher->next, &publisher->parts);
	if (write(publisher->eventfd, &one, sizeof(one)) < 0)
		publisher->build_rc = -errno;
	return NULL;
}

// ---- Bits ---------------------------------------------------------------------------------------

// Decide for every backend; returns the bits in the order of control's services and backends.
// `fn` sees each backend of the snapshot with its bits.
typedef void bits_fn(struct backend *backend, struct bits bits, void *arg);

static void for_each_bits(struct control *control, bits_fn *fn, void *arg)
{
	static struct bits bits[CONFIG_BACKENDS_MAX];

	for (uint32_t i = 0; i < control->nb_services; i++) {
		struct service *service = control->services[i];

		bits_decide(service, bits);
		for (uint32_t k = 0; k < service->nb_backends; k++)
			fn(service->backends[k], bits[k], arg);
	}
}

static void set_words(struct backend *backend, struct bits bits, void *arg)
{
	struct backend_bits *words = arg;
	uint16_t index = backend->next_index;

	if (index >= SNAPSHOT_BACKENDS_MAX)
		return;
	if (bits.fresh)
		words->fresh[index / 64] |= UINT64_C(1) << index % 64;
	if (bits.pinned)
		words->pinned[index / 64] |= UINT64_C(1) << index % 64;
	backend->fresh = bits.fresh;
	backend->pinned = bits.pinned;
}

struct bits_batch {
	struct control *control;
	bool all; // not only what differs
	union {
		struct ipc_bits msg;
		char octets[sizeof(struct ipc_bits) +
			SNAPSHOT_BACKENDS_MAX * sizeof(((struct ipc_bits *)NULL)->entries[0])];
	} u;
};

static void collect_entry(struct backend *backend, struct bits bits, void *arg)
{
	struct bits_batch *batch = arg;

	if (backend->index >= SNAPSHOT_BACKENDS_MAX)
		return;
	if (!batch->all && backend->fresh == bits.fresh && backend->pinned == bits.pinned)
		return;
	backend->fresh = bits.fresh;
	backend->pinned = bits.pinned;
	batch->u.msg.entries[batch->u.msg.nb].backend = backend->index;
	batch->u.msg.entries[batch->u.msg.nb].fresh = bits.fresh;
	batch->u.msg.entries[batch->u.msg.nb].pinned = bits.pinned;
	batch->u.msg.nb++;
}

// They may get what belongs to them as long as they are kept.
static void collect_retired(const struct control *control, struct ipc_bits *msg)
{
	for (uint32_t i = 0; i < control->nb_services; i++) {
		const struct service *service = control->services[i];

		for (uint32_t k = 0; k < service->nb_retired; k++) {
			uint16_t index = snapshot_find_backend_id(
				control->dataplane.snapshot, service->retired[k].id);

			if (index == SNAPSHOT_NONE)
				continue;
			msg->entries[msg->nb].backend = index;
			msg->entries[msg->nb].fresh = 0;
			msg->entries[msg->nb++].pinned = 1;
		}
	}
}

static void set_retired(
	const struct control *control, const struct snapshot *snapshot, struct backend_bits *words)
{
	for (uint32_t i = 0; i < control->nb_services; i++) {
		const struct service *service = control->services[i];

		for (uint32_t k = 0; k < service->nb_retired; k++) {
			uint16_t index = snapshot_find_backend_id(snapshot, service->retired[k].id);

			if (index != SNAPSHOT_NONE)
				words->pinned[index / 64] |= UINT64_C(1) << index % 64;
		}
	}
}

static void send_bits(struct publisher *publisher, bool all)
{
	static struct bits_batch batch;
	struct dataplane *dataplane = &publisher->control->dataplane;

	if (dataplane->link != LINK_RUNNING || dataplane->snapshot == NULL)
		return;
	batch.all = all;
	batch.u.msg.generation = dataplane->generation;
	batch.u.msg.nb = 0;
	batch.u.msg.pad = 0;
	for_each_bits(publisher->control, collect_entry, &batch);
	if (all)
		collect_retired(publisher->control, &batch.u.msg);
	if (batch.u.msg.nb > 0)
		ipc_client_send(publisher->control->ipc, IPC_BITS, &batch.u.msg,
			sizeof(batch.u.msg) + batch.u.msg.nb * sizeof(batch.u.msg.entries[0]));
}

void publisher_update_bits(struct publisher *publisher)
{
	// While a snapshot is on its way, bits of the old one would be lost: publisher_done() sends
	// what changed meanwhile.
	if (publisher != NULL && publisher->phase != PHASE_SENT)
		send_bits(publisher, false);
}

// ---- Indices ------------------------------------------------------------------------------------

static uint16_t find_index(
	const struct snapshot *snapshot, uint16_t service, const struct backend *backend)
{
	const struct snapshot_service *entry = snapshot_service(snapshot, service);

	for (uint16_t i = 0; i < entry->nb_backends; i++) {
		uint16_t index = (uint16_t)(entry->backend_first + i);

		if (strcmp(snapshot_backend(snapshot, index)->name, backend->name) == 0)
			return index;
	}
	return SNAPSHOT_NONE;
}

// Where each backend stands in a snapshot, in backend->next_index.
static void find_indices(struct control *control, const struct snapshot *snapshot)
{
	for (uint32_t i = 0; i < control->nb_services; i++) {
		struct service *service = control->services[i];

		service->next_index = table_find_service(snapshot, service->name);
		for (uint32_t k = 0; k < service->nb_backends; k++)
			service->backends[k]->next_index = service->next_index == SNAPSHOT_NONE
				? SNAPSHOT_NONE
				: find_index(snapshot, service->next_index, service->backends[k]);
	}
}

static void take_shares(struct service *service, const struct snapshot *snapshot)
{
	static double shares[SNAPSHOT_BACKENDS_MAX];
	uint16_t first = snapshot_service(snapshot, service->index)->backend_first;

	table_shares(snapshot, service->index, shares);
	for (uint32_t i = 0; i < service->nb_backends; i++) {
		struct backend *backend = service->backends[i];

		backend->share =
			backend->index == SNAPSHOT_NONE ? 0 : shares[backend->index - first];
	}
}

static void take_moves(
	struct service *service, const struct snapshot *from, const struct snapshot *to)
{
	struct table_moves moves = {0};

	if (from != NULL)
		table_moves(from, to, service->name, &moves);
	service->moved = moves.share;
	service->moved_ideal = moves.ideal;
}

// `image` is what the dataplane decides by from now on.
static void make_current(struct publisher *publisher, struct image *image)
{
	struct control *control = publisher->control;

	for (uint32_t i = 0; i < control->nb_services; i++)
		take_moves(control->services[i], publisher->current.snapshot, image->snapshot);
	image_close(&publisher->current);
	publisher->current = *image;
	*image = (struct image){.fd = -1};
	if (publisher->current.fd >= 0)
		close(publisher->current.fd);
	publisher->current.fd = -1;

	control->dataplane.snapshot = publisher->current.snapshot;
	control->dataplane.generation = publisher->current.snapshot->generation;
	find_indices(control, publisher->current.snapshot);
	for (uint32_t i = 0; i < control->nb_services; i++) {
		struct service *service = control->services[i];

		service->index = service->next_index;
		for (uint32_t k = 0; k < service->nb_backends; k++)
			service->backends[k]->index = service->backends[k]->next_index;
		if (service->index == SNAPSHOT_NONE)
			continue;
		service->table_hash =
			snapshot_service(publisher->current.snapshot, service->index)->table_hash;
		take_shares(service, publisher->current.snapshot);
	}
}

// ---- The way of one snapshot --------------------------------------------------------------------

static void schedule(struct publisher *publisher, uint32_t after_ms)
{
	struct timeval after = {after_ms / 1000, after_ms % 1000 * 1000};

	if (!evtimer_pending(publisher->start, NULL) || after_ms == 0)
		evtimer_add(publisher->start, &after);
}

static void finish(struct publisher *publisher, int rc, const char *text)
{
	struct waiter *waiter, *following;

	publisher->phase = PHASE_NONE;
	image_close(&publisher->next);
	snapshot_parts_fini(&publisher->parts);
	for (waiter = LIST_FIRST(&publisher->waiters); waiter != NULL; waiter = following) {
		following = LIST_NEXT(waiter, entry);
		if (!waiter->served)
			continue;
		LIST_REMOVE(waiter, entry);
		waiter->fn(waiter->arg, rc, text);
		free(waiter);
	}
	if (publisher->wanted)
		schedule(publisher, rc < 0 ? RETRY_MS : 0);
}

static void fail(struct publisher *publisher, int rc, const char *text)
{
	LOG(ERR, "generation %llu not published: %s (%s)",
		(unsigned long long)publisher->last_generation, text, strerror(-rc));
	finish(publisher, rc, text);
}

static void send_image(struct publisher *publisher)
{
	struct image *image = &publisher->next;
	struct ipc_snapshot msg = {
		.generation = publisher->parts.input.generation,
		.blob_len = image->snapshot->size,
		.bits_off = image->bits_off,
	};
	struct backend_bits *words =
		(struct backend_bits *)((char *)image->snapshot + image->bits_off);
	int rc;

	find_indices(publisher->control, image->snapshot);
	for_each_bits(publisher->control, set_words, words);
	set_retired(publisher->control, image->snapshot, words);
	rc = image_seal(image);
	if (rc == 0)
		rc = ipc_client_send_snapshot(publisher->control->ipc, &msg, image->fd);
	if (rc < 0) {
		fail(publisher, rc, "cannot be handed over");
		return;
	}
	publisher->phase = PHASE_SENT;
}

static void on_built(evutil_socket_t fd, short what, void *arg)
{
	struct publisher *publisher = arg;
	uint64_t count;

	if (read(publisher->eventfd, &count, sizeof(count)) < 0 ||
		publisher->phase != PHASE_BUILDING)
		return;
	pthread_join(publisher->thread, NULL);
	if (publisher->build_rc < 0) {
		fail(publisher, publisher->build_rc,
			publisher->build_rc == -EEXIST ? "two names have the same id"
						       : "cannot be built");
		return;
	}
	send_image(publisher);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct publisher *publisher = arg;
	int64_t now = control_now_ms();
	bool changed = slow_start_step(publisher->control, now);

	if (retired_sweep(publisher->control, now) > 0 || changed)
		publisher_request(publisher);
}

static void env_init(struct publisher *publisher, struct snapshot_env *env)
{
	*env = (struct snapshot_env){
		.control = publisher->control,
		.dataplane = &publisher->control->boot->dataplane,
		.routes = publisher->routes,
		.nb_routes = publisher->nb_routes,
		.prev = publisher->current.snapshot,
		.made_up = &publisher->made_up,
		.generation = publisher->last_generation + 1,
		.now_ms = (uint64_t)control_now_ms(),
	};
}

static void on_start(evutil_socket_t fd, short what, void *arg)
{
	struct publisher *publisher = arg;
	struct dataplane *dataplane = &publisher->control->dataplane;
	struct snapshot_env env;
	struct waiter *waiter;
	int rc;

	if (!publisher->wanted || publisher->phase != PHASE_NONE || dataplane->link != LINK_RUNNING)
		return;
	publisher->wanted = false;
	LIST_FOREACH(waiter, &publisher->waiters, entry)
	waiter->served = true;
	if (dataplane->nb_ports != publisher->control->boot->dataplane.nb_ports) {
		fail(publisher, -EINVAL, "the dataplane runs with other ports: restart it");
		return;
	}
	env_init(publisher, &env);
	publisher->last_generation = env.generation;
	rc = snapshot_parts_make(publisher->control->config, &env, &publisher->parts);
	if (rc < 0) {
		fail(publisher, rc, "cannot be put together");
		return;
	}
	publisher->phase = PHASE_BUILDING;
	rc = pthread_create(&publisher->thread, NULL, build_thread, publisher);
	if (rc != 0)
		fail(publisher, -rc, "no thread to build it");
}

void publisher_done(struct publisher *publisher, const struct ipc_snapshot_done *done)
{
	uint64_t generation = publisher->parts.input.generation;

	if (publisher->phase != PHASE_SENT || done->generation != generation)
		return;
	if (done->error != 0) {
		char text[sizeof(done->text) + 1] = {0};

		memcpy(text, done->text, sizeof(done->text));
		fail(publisher, done->error, text);
		// The bits as last counted went with the refused one.
		send_bits(publisher, true);
		return;
	}
	make_current(publisher, &publisher->next);
	LOG(INFO, "generation %llu published", (unsigned long long)generation);
	publisher->phase = PHASE_NONE;
	send_bits(publisher, false);
	health_snapshot_published(publisher->control->health);
	netlink_snapshot_published(publisher->control->netlink);
	cluster_tables_changed(publisher->control->cluster);
	finish(publisher, 0, "");
}

void publisher_lost(struct publisher *publisher)
{
	uint64_t count;

	struct waiter *waiter;

	if (publisher == NULL)
		return;
	// The thread reads what is published now, and that may be replaced any moment.
	if (publisher->phase == PHASE_BUILDING) {
		pthread_join(publisher->thread, NULL);
		if (read(publisher->eventfd, &count, sizeof(count)) < 0)
			LOG(DEBUG, "a build ended without a word");
	}
	LIST_FOREACH(waiter, &publisher->waiters, entry)
	waiter->served = true;
	publisher->wanted = true;
	finish(publisher, -ENOTCONN, "the dataplane is gone");
}

void publisher_adopt(struct publisher *publisher, struct snapshot *snapshot, size_t size)
{
	struct image image = {.fd = -1, .snapshot = snapshot, .size = size};
	struct dataplane *dataplane = &publisher->control->dataplane;

	if (snapshot != NULL) {
		if (snapshot->generation > publisher->last_generation)
			publisher->last_generation = snapshot->generation;
		if (!publisher->control->config->has_keys)
			publisher->made_up = snapshot->keys[snapshot->primary_key];
		make_current(publisher, &image);
		send_bits(publisher, true);
		health_snapshot_published(publisher->control->health);
	} else {
		// A dataplane that was started anew: nothing runs, but our last tables are what its
		// first ones follow.
		dataplane->snapshot = NULL;
		dataplane->generation = 0;
	}
	publisher_request(publisher);
}

void publisher_request(struct publisher *publisher)
{
	if (publisher == NULL)
		return;
	publisher->wanted = true;
	schedule(publisher, 0);
}

int publisher_wait(struct publisher *publisher, publisher_fn *fn, void *arg)
{
	struct waiter *waiter = calloc(1, sizeof(*waiter));

	if (waiter == NULL)
		return -ENOMEM;
	waiter->fn = fn;
	waiter->arg = arg;
	LIST_INSERT_HEAD(&publisher->waiters, waiter, entry);
	return 0;
}

void publisher_cancel(struct publisher *publisher, void *arg)
{
	struct waiter *waiter, *following;

	for (waiter = LIST_FIRST(&publisher->waiters); waiter != NULL; waiter = following) {
		following = LIST_NEXT(waiter, entry);
		if (waiter->arg != arg)
			continue;
		LIST_REMOVE(waiter, entry);
		free(waiter);
	}
}

int publisher_set_routes(
	struct publisher *publisher, const struct snapshot_route *routes, uint32_t nb)
{
	struct snapshot_route *copy = calloc(nb + 1, sizeof(*copy));

	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, routes, nb * sizeof(*copy));
	free(publisher->routes);
	publisher->routes = copy;
	publisher->nb_routes = nb;
	publisher_request(publisher);
	return 0;
}

int publisher_parts_for(
	struct publisher *publisher, const struct config *config, struct snapshot_parts *parts)
{
	struct snapshot_env env;

	env_init(publisher, &env);
	// Weights as configured; and what is published may be gone when the parts are built.
	env.control = NULL;
	env.prev = NULL;
	return snapshot_parts_make(config, &env, parts);
}

struct publisher *publisher_create(struct control *control)
{
	struct publisher *publisher = calloc(1, sizeof(*publisher));
	struct timeval every = {SWEEP_S, 0};

	if (publisher == NULL)
		return NULL;
	publisher->control = control;
	publisher->next.fd = publisher->current.fd = -1;
	LIST_INIT(&publisher->waiters);
	publisher->made_up.id = 'a';
	if (getrandom(publisher->made_up.key, sizeof(publisher->made_up.key), 0) < 0)
		goto free_publisher;
	publisher->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (publisher->eventfd < 0)
		goto free_publisher;
	publisher->start = evtimer_new(control->base, on_start, publisher);
	publisher->built = event_new(
		control->base, publisher->eventfd, EV_READ | EV_PERSIST, on_built, publisher);
	publisher->sweep = event_new(control->base, -1, EV_PERSIST, on_sweep, publisher);
	if (publisher->start == NULL || publisher->built == NULL || publisher->sweep == NULL)
		goto free_events;
	event_add(publisher->built, NULL);
	event_add(publisher->sweep, &every);
	return publisher;

free_events:
	if (publisher->start != NULL)
		event_free(publisher->start);
	if (publisher->built != NULL)
		event_free(publisher->built);
	if (publisher->sweep != NULL)
		event_free(publisher->sweep);
	close(publisher->eventfd);
free_publisher:
	free(publisher);
	return NULL;
}

void publisher_destroy(struct publisher *publisher)
{
	if (publisher == NULL)
		return;
	if (publisher->phase == PHASE_BUILDING)
		pthread_join(publisher->thread, NULL);
	while (!LIST_EMPTY(&publisher->waiters)) {
		struct waiter *waiter = LIST_FIRST(&publisher->waiters);

		LIST_REMOVE(waiter, entry);
		free(waiter);
	}
	publisher->control->dataplane.snapshot = NULL;
	image_close(&publisher->next);
	image_close(&publisher->current);
	snapshot_parts_fini(&publisher->parts);
	event_free(publisher->start);
	event_free(publisher->built);
	event_free(publisher->sweep);
	close(publisher->eventfd);
	free(publisher->routes);
	free(publisher);
}
