// SPDX-License-Identifier: BSD-3-Clause
#include "control/registrations.h"

#include "control/ipc_client.h"
#include "control/log.h"

#include <event2/event.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>

LOG_TOPIC("registrations");

#define BODY_MAX 32768 // of one IPC_BINDINGS
#define BATCHES_MAX 2048 // waiting at once: 64 MiB
#define FLUSH_MS 5
#define RESEND_MS 1000 // after something was given up
#define ERROR_LOG_MS 10000 // between two lines about Redis refusing

// One IPC_BINDINGS on its way.
struct batch {
	TAILQ_ENTRY(batch) next;
	size_t len;
	union {
		struct ipc_bindings head;
		char octets[BODY_MAX];
	} body;
};

struct registrations {
	struct control *control;
	struct registrations_store *store;
	struct event *flush; // pending while a batch waits
	struct event *resend;
	TAILQ_HEAD(batches, batch) batches;
	uint32_t nb_batches, nb_records;
	uint64_t nb_lost;
	int64_t error_logged_ms;
	bool resending; // the resend of everything is due
};

// ---- Towards the dataplane ---------------------------------------------------------------------

static void add_timer(struct event *timer, uint32_t ms)
{
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	if (!evtimer_pending(timer, NULL))
		evtimer_add(timer, &tv);
}

static void drop_batches(struct registrations *r)
{
	struct batch *batch;

	while ((batch = TAILQ_FIRST(&r->batches)) != NULL) {
		TAILQ_REMOVE(&r->batches, batch, next);
		free(batch);
	}
	r->nb_batches = r->nb_records = 0;
}

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
	struct registrations *r = arg;
	struct batch *batch;

	while ((batch = TAILQ_FIRST(&r->batches)) != NULL) {
		int rc = ipc_client_send(r->control->ipc, IPC_BINDINGS, &batch->body, batch->len);

		if (rc == -EAGAIN) {
			add_timer(r->flush, FLUSH_MS);
			return;
		}
		if (rc < 0) {
			// No dataplane: the next one gets everything.
			drop_batches(r);
			return;
		}
		TAILQ_REMOVE(&r->batches, batch, next);
		r->nb_batches--;
		r->nb_records -= batch->body.head.nb;
		free(batch);
	}
}

static void on_resend(evutil_socket_t fd, short what, void *arg)
{
	struct registrations *r = arg;

	r->resending = false;
	registrations_resend(r);
}

static struct batch *batch_with_room(struct registrations *r, size_t size)
{
	struct batch *batch = TAILQ_LAST(&r->batches, batches);

	if (batch != NULL && batch->len + size <= BODY_MAX)
		return batch;
	if (r->nb_batches == BATCHES_MAX)
		return NULL;
	batch = malloc(sizeof(*batch));
	if (batch == NULL)
		return NULL;
	batch->len = sizeof(batch->body.head);
	batch->body.head = (struct ipc_bindings){0};
	TAILQ_INSERT_TAIL(&r->batches, batch, next);
	r->nb_batches++;
	return batch;
}

static void on_binding(
	void *arg, struct strv user, struct strv host, uint32_t backend_id, uint32_t lifetime_s)
{
	struct registrations *r = arg;
	struct ipc_binding head = {
		.backend_id = backend_id,
		.lifetime_s = lifetime_s,
		.user_len = (uint16_t)user.len,
		.host_len = (uint16_t)host.len,
	};
	size_t size = (sizeof(head) + user.len + host.len + 3) & ~(size_t)3;
	struct batch *batch;
	char *to;

	if (r->control->dataplane.link != LINK_RUNNING)
		return;
	batch = batch_with_room(r, size);
	if (batch == NULL) {
		r->nb_lost++;
		if (!r->resending)
			add_timer(r->resend, RESEND_MS);
		r->resending = true;
		return;
	}
	to = batch->body.octets + batch->len;
	memset(to, 0, size);
	memcpy(to, &head, sizeof(head));
	if (user.len > 0)
		memcpy(to + sizeof(head), user.ptr, user.len);
	memcpy(to + sizeof(head) + user.len, host.ptr, host.len);
	batch->len += size;
	batch->body.head.nb++;
	r->nb_records++;
	add_timer(r->flush, FLUSH_MS);
}

void registrations_resend(struct registrations *registrations)
{
	if (registrations == NULL)
		return;
	drop_batches(registrations);
	registrations_store_push_all(registrations->store);
}

// ---- From the dataplane ------------------------------------------------------------------------

void registrations_learn(struct registrations *registrations, const struct ipc_event_binding *event)
{
	size_t user_len = event->user_len, host_len = event->host_len;
	const struct backend *backend;
	char path[2 * CONFIG_NAME_MAX + 2];
	struct registrations_event learned;
	int rc;

	if (registrations == NULL || registrations->control->config->registrations.max == 0)
		return;
	if (user_len + host_len + event->contact_len > sizeof(event->octets))
		return;
	backend = control_find_backend_id(registrations->control, event->backend_id);
	if (backend == NULL)
		return;
	snprintf(path, sizeof(path), "%s/%s", backend->service->name, backend->name);
	learned = (struct registrations_event){
		.user = {event->octets, user_len},
		.host = {event->octets + user_len, host_len},
		.contact = {event->octets + user_len + host_len, event->contact_len},
		.backend_id = event->backend_id,
		.backend = strv_from(path),
		.expires_s = event->expires_s,
		.listener_id = event->listener_id,
		.flow = event->flow,
	};
	rc = registrations_store_learn(registrations->store, &learned);
	if (rc < 0)
		LOG(DEBUG, "a binding of %.*s was not kept: %s", (int)host_len,
			event->octets + user_len, strerror(-rc));
}

// ---- Redis -------------------------------------------------------------------------------------

static void on_error(void *arg, const char *text)
{
	struct registrations *r = arg;
	int64_t now = control_now_ms();

	if (r->error_logged_ms != 0 && now - r->error_logged_ms < ERROR_LOG_MS)
		return;
	r->error_logged_ms = now;
	LOG(WARNING, "Redis refused: %s", text);
}

void registrations_set_redis(struct registrations *registrations, struct redis *redis)
{
	if (registrations != NULL)
		registrations_store_set_redis(registrations->store, redis);
}

void registrations_redis_up(struct registrations *registrations)
{
	if (registrations != NULL)
		registrations_store_redis_up(registrations->store);
}

void registrations_redis_down(struct registrations *registrations)
{
	if (registrations != NULL)
		registrations_store_redis_down(registrations->store);
}

// ---- What others ask ---------------------------------------------------------------------------

void registrations_each(const struct registrations *registrations, registrations_fn *fn, void *arg)
{
	if (registrations != NULL)
		registrations_store_each(registrations->store, fn, arg);
}

uint32_t registrations_find(const struct registrations *registrations, struct strv user,
	struct strv host, registrations_fn *fn, void *arg)
{
	if (registrations == NULL)
		return 0;
	return registrations_store_find(registrations->store, user, host, fn, arg);
}

struct registrations_stats registrations_stats(const struct registrations *registrations)
{
	if (registrations == NULL)
		return (struct registrations_stats){0};
	return registrations_store_stats(registrations->store);
}

uint32_t registrations_count(const struct registrations *registrations)
{
	return registrations_stats(registrations).nb;
}

double registrations_stale_s(const struct registrations *registrations)
{
	return registrations != NULL ? registrations_store_stale_s(registrations->store) : 0;
}

uint32_t registrations_nb_waiting(const struct registrations *registrations)
{
	return registrations != NULL ? registrations->nb_records : 0;
}

uint64_t registrations_nb_lost(const struct registrations *registrations)
{
	return registrations != NULL ? registrations->nb_lost : 0;
}

// ---- Create and destroy ------------------------------------------------------------------------

void registrations_reload(struct registrations *registrations)
{
	if (registrations != NULL)
		registrations_store_set_max(
			registrations->store, registrations->control->config->registrations.max);
}

struct registrations *registrations_create(struct control *control)
{
	static const struct registrations_callbacks callbacks = {
		.on_binding = on_binding, .on_error = on_error};
	struct registrations_options options = {
		.cluster = control->boot->node.cluster,
		.node = control->boot->node.name,
		.max = control->config->registrations.max,
	};
	struct registrations *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->control = control;
	TAILQ_INIT(&r->batches);
	r->flush = evtimer_new(control->base, on_flush, r);
	r->resend = evtimer_new(control->base, on_resend, r);
	r->store = registrations_store_create(control->base, &options, &callbacks, r);
	if (r->flush == NULL || r->resend == NULL || r->store == NULL) {
		registrations_destroy(r);
		errno = ENOMEM;
		return NULL;
	}
	return r;
}

void registrations_destroy(struct registrations *registrations)
{
	if (registrations == NULL)
		return;
	registrations_store_destroy(registrations->store);
	drop_batches(registrations);
	if (registrations->flush != NULL)
		event_free(registrations->flush);
	if (registrations->resend != NULL)
		event_free(registrations->resend);
	free(registrations);
}
