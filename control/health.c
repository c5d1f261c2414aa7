// SPDX-License-Identifier: BSD-3-Clause
#include "control/health.h"

#include "control/cluster.h"
#include "control/health_state.h"
#include "control/ipc_client.h"
#include "control/log.h"
#include "control/probe_listener.h"
#include "control/probe_message.h"
#include "control/publisher.h"
#include "control/slow_start.h"
#include "control/state_file.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

LOG_TOPIC("health");

#define HURRY_MS 200 // to the next probe when an ICMP error hints at a failure
#define GRACE_MS 50 // that a good answer still has after an ICMP error
#define UNKNOWN_MS 1000 // longest pause while nothing is known yet
#define STAGGER_MS 200 // first probes of a pass start within this time

struct health {
	struct control *control;
	uint32_t sequence; // of probes: answers to older ones are told apart by it
	uint64_t random;
};

struct probe {
	struct health *health;
	struct backend *backend;
	struct event *timer; // of the next probe, or of the answer's end
	bool in_flight;
	bool unreachable; // an ICMP error said so since it was sent
	uint64_t id;
	int64_t sent_ns;
	int64_t hurried_ms; // when an ICMP error last made us probe early
};

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// xorshift64: spreads probes in time, nothing depends on it being unpredictable.
static uint64_t next_random(struct health *health)
{
	health->random ^= health->random << 13;
	health->random ^= health->random >> 7;
	health->random ^= health->random << 17;
	return health->random;
}

static const struct config_health_check *check_of(const struct backend *backend)
{
	return &backend->config->health_check;
}

// A backend in maint is not asked: whoever put it there may be taking it apart.
static bool is_probed(const struct health *health, const struct backend *backend)
{
	return check_of(backend)->method == CONFIG_HEALTH_OPTIONS &&
		backend->admin != CONFIG_STATE_MAINT &&
		cluster_probes(health->control->cluster, backend);
}

static void arm(struct probe *probe, uint64_t after_ms)
{
	struct timeval after = {(time_t)(after_ms / 1000), (suseconds_t)(after_ms % 1000 * 1000)};

	evtimer_add(probe->timer, &after);
}

// The interval, give or take the jitter; sooner while nothing is known.
static void arm_next(struct probe *probe)
{
	const struct config_health_check *check = check_of(probe->backend);
	uint64_t pause = check->interval_ms;
	uint64_t swing = pause * check->jitter_percent / 100;

	if (swing > 0)
		pause += next_random(probe->health) % (2 * swing + 1) - swing;
	if (probe->backend->health.own == HEALTH_UNKNOWN && pause > UNKNOWN_MS)
		pause = UNKNOWN_MS;
	arm(probe, pause);
}

void health_update(struct health *health, struct backend *backend)
{
	struct backend_health *h = &backend->health;
	enum health_state before = h->state;
	enum health_state after = health_state_effective(h);

	if (health == NULL || before == after)
		return;
	h->state = after;
	h->since_ms = control_wall_ms();
	if (health_is_usable(before) != health_is_usable(after)) {
		h->nb_changes++;
		if (health_is_usable(after)) {
			slow_start_begin(backend, before, control_now_ms());
			if (backend->slow_start_ms != 0)
				publisher_request(health->control->publisher);
		}
		LOG(NOTICE, "%s/%s is %s, was %s (last probe: %s%s)", backend->service->name,
			backend->name, health_state_name(after), health_state_name(before),
			probe_result_name(h->last_result),
			h->verdict != VERDICT_NONE ? ", by the cluster's verdict" : "");
		state_file_save(health->control);
	} else {
		LOG(INFO, "%s/%s is %s, was %s (last probe: %s)", backend->service->name,
			backend->name, health_state_name(after), health_state_name(before),
			probe_result_name(h->last_result));
	}
	publisher_update_bits(health->control->publisher);
}

static void end_probe(struct probe *probe, enum probe_result result, uint16_t status)
{
	struct backend *backend = probe->backend;
	struct backend_health *h = &backend->health;
	enum health_state own = h->own;

	probe->in_flight = false;
	h->results[result]++;
	if (result != PROBE_NOT_SENT) {
		h->last_result = result;
		h->last_status = status;
	}
	health_state_count(h, check_of(backend), result);
	arm_next(probe);
	if (h->own != own)
		cluster_health_changed(probe->health->control->cluster, backend);
	health_update(probe->health, backend);
}

static int send_probe(struct probe *probe)
{
	const struct control *control = probe->health->control;
	const struct backend *backend = probe->backend;
	const struct snapshot *snapshot = control->dataplane.snapshot;
	struct probe_message message;
	char octets[1024];
	uint16_t listener;
	int len;

	if (snapshot == NULL || backend->service->index == SNAPSHOT_NONE)
		return -ENOTCONN;
	listener = probe_listener_find(
		&control->boot->dataplane, snapshot, backend->service->index, &backend->addr);
	if (listener == SNAPSHOT_NONE)
		return -EADDRNOTAVAIL;
	probe->id = (uint64_t)backend->id << 32 | ++probe->health->sequence;
	message = (struct probe_message){
		.key = &snapshot->keys[snapshot->primary_key],
		.listener = snapshot_listener(snapshot, listener),
		.to = &backend->addr,
		.from = check_of(backend)->from,
		.node = control->boot->node.name,
		.probe_id = probe->id,
	};
	len = probe_message_format(&message, octets, sizeof(octets));
	if (len < 0)
		return len;
	probe->sent_ns = now_ns();
	return ipc_client_inject(
		control->ipc, message.listener->id, &backend->addr, octets, (size_t)len);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct probe *probe = arg;
	int rc;

	if (probe->in_flight) {
		// An answer that came while nobody could hand it over is not silence.
		end_probe(probe,
			probe->unreachable ? PROBE_UNREACHABLE
				: probe->health->control->dataplane.link == LINK_RUNNING
				? PROBE_TIMEOUT
				: PROBE_NOT_SENT,
			0);
		return;
	}
	rc = send_probe(probe);
	if (rc < 0) {
		end_probe(probe, PROBE_NOT_SENT, 0);
		return;
	}
	probe->in_flight = true;
	probe->unreachable = false;
	arm(probe, check_of(probe->backend)->timeout_ms);
}

static struct probe *probe_of(struct health *health, uint32_t backend_id)
{
	struct backend *backend;

	if (health == NULL)
		return NULL;
	backend = control_find_backend_id(health->control, backend_id);
	return backend == NULL ? NULL : backend->probe;
}

void health_on_probe_event(struct health *health, const struct ipc_event_probe *event)
{
	struct probe *probe = probe_of(health, (uint32_t)(event->probe_id >> 32));
	struct backend_health *h;
	double rtt;
	uint32_t slot = 0;

	// An answer that comes after its timeout was counted already.
	if (probe == NULL || !probe->in_flight || probe->id != event->probe_id)
		return;
	h = &probe->backend->health;
	rtt = (double)((int64_t)event->received_ns - probe->sent_ns) / 1e9;
	if (rtt < 0)
		rtt = 0;
	h->last_rtt_us = (uint32_t)(rtt * 1e6);
	h->rtt_sum += rtt;
	while (slot < PROBE_RTT_SLOTS - 1 && rtt > probe_rtt_bounds[slot])
		slot++;
	h->rtt_slots[slot]++;
	if (health_status_is_good(check_of(probe->backend), event->status))
		end_probe(probe, PROBE_GOOD, event->status);
	else
		end_probe(probe, PROBE_BAD_STATUS, event->status);
}

// Anybody on the way may send ICMP: it makes us look sooner and wait shorter, but a backend that
// answers is up, whatever ICMP says.
void health_on_icmp_event(struct health *health, const struct ipc_event_icmp *event)
{
	struct probe *probe = probe_of(health, event->backend_id);
	int64_t now = control_now_ms();

	if (probe == NULL)
		return;
	if (probe->in_flight) {
		if (!probe->unreachable && check_of(probe->backend)->timeout_ms > GRACE_MS)
			arm(probe, GRACE_MS);
		probe->unreachable = true;
		return;
	}
	if (probe->backend->health.own == HEALTH_DOWN || now - probe->hurried_ms < HURRY_MS)
		return;
	probe->hurried_ms = now;
	if (check_of(probe->backend)->interval_ms > HURRY_MS)
		arm(probe, HURRY_MS);
}

static void stop_probe(struct backend *backend)
{
	if (backend->probe == NULL)
		return;
	event_free(backend->probe->timer);
	free(backend->probe);
	backend->probe = NULL;
}

static void start_probe(struct health *health, struct backend *backend)
{
	struct probe *probe = calloc(1, sizeof(*probe));

	if (probe == NULL)
		return;
	probe->health = health;
	probe->backend = backend;
	probe->timer = evtimer_new(health->control->base, on_timer, probe);
	if (probe->timer == NULL) {
		free(probe);
		return;
	}
	backend->probe = probe;
	arm(probe, next_random(health) % STAGGER_MS);
}

static void reset(struct backend_health *h)
{
	h->own = HEALTH_UNKNOWN;
	h->streak = 0;
	h->last_result = PROBE_NONE;
	h->last_status = 0;
}

static void sync_backend(struct health *health, struct backend *backend)
{
	bool wanted = is_probed(health, backend);

	if (!wanted && backend->probe != NULL) {
		// What was seen grows old from now on.
		stop_probe(backend);
		reset(&backend->health);
		cluster_health_changed(health->control->cluster, backend);
		health_update(health, backend);
	} else if (wanted && backend->probe == NULL) {
		start_probe(health, backend);
	}
}

void health_sync(struct health *health)
{
	if (health == NULL)
		return;
	for (uint32_t i = 0; i < health->control->nb_services; i++) {
		struct service *service = health->control->services[i];

		for (uint32_t k = 0; k < service->nb_backends; k++)
			sync_backend(health, service->backends[k]);
	}
}

void health_backend_removed(struct health *health, struct backend *backend)
{
	if (health == NULL)
		return;
	stop_probe(backend);
	reset(&backend->health);
	backend->health.state = HEALTH_UNKNOWN;
	backend->health.since_ms = control_wall_ms();
}

void health_snapshot_published(struct health *health)
{
	if (health == NULL)
		return;
	for (uint32_t i = 0; i < health->control->nb_services; i++) {
		struct service *service = health->control->services[i];

		for (uint32_t k = 0; k < service->nb_backends; k++) {
			struct probe *probe = service->backends[k]->probe;

			// Whoever could not be asked so far is asked now.
			if (probe != NULL && !probe->in_flight &&
				probe->backend->health.last_result == PROBE_NONE)
				arm(probe, next_random(health) % STAGGER_MS);
		}
	}
}

bool health_first_pass_done(const struct health *health)
{
	for (uint32_t i = 0; i < health->control->nb_services; i++) {
		const struct service *service = health->control->services[i];

		for (uint32_t k = 0; k < service->nb_backends; k++) {
			const struct backend *backend = service->backends[k];

			if (backend->probe != NULL && backend->health.last_result == PROBE_NONE)
				return false;
		}
	}
	return true;
}

struct health *health_create(struct control *control)
{
	struct health *health = calloc(1, sizeof(*health));

	if (health == NULL)
		return NULL;
	health->control = control;
	if (getrandom(&health->random, sizeof(health->random), 0) < 0) {
		free(health);
		return NULL;
	}
	health->random |= 1;
	health->sequence = (uint32_t)(health->random >> 32);
	return health;
}

void health_destroy(struct health *health)
{
	if (health == NULL)
		return;
	for (uint32_t i = 0; i < health->control->nb_services; i++) {
		struct service *service = health->control->services[i];

		for (uint32_t k = 0; k < service->nb_backends; k++)
			stop_probe(service->backends[k]);
	}
	free(health);
}
