// SPDX-License-Identifier: BSD-3-Clause
#include "control/events.h"

#include "control/health.h"
#include "control/ipc_shm.h"
#include "control/log.h"
#include "control/netlink.h"
#include "control/registrations.h"
#include "control/resolve.h"

#include <event2/event.h>
#include <stdlib.h>

LOG_TOPIC("events");

#define POLL_US 2000
#define BATCH_MAX 1024 // from one worker at a time: the loop has others to serve

struct events {
	struct control *control;
	struct event *timer;
	uint32_t nb_rejects; // ever; the newest stands at (nb_rejects - 1) % EVENTS_REJECTS_MAX
	struct ipc_event_reject rejects[EVENTS_REJECTS_MAX];
};

static void keep_reject(struct events *events, const struct ipc_event_reject *from)
{
	struct ipc_event_reject *to = &events->rejects[events->nb_rejects++ % EVENTS_REJECTS_MAX];

	*to = *from;
	if (to->copied_len > sizeof(to->octets))
		to->copied_len = sizeof(to->octets);
	if (to->reason >= SIP_REASONS)
		to->reason = SIP_OK;
}

static void on_event(struct events *events, const struct ipc_event *event)
{
	struct control *control = events->control;

	switch (event->type) {
	case IPC_EVENT_PROBE:
		health_on_probe_event(control->health, &event->probe);
		break;
	case IPC_EVENT_BINDING:
		registrations_learn(control->registrations, &event->binding);
		break;
	case IPC_EVENT_ICMP:
		health_on_icmp_event(control->health, &event->icmp);
		break;
	case IPC_EVENT_NEIGHBOUR:
		netlink_resolve(control->netlink, event->neighbour.port, &event->neighbour.ip);
		break;
	case IPC_EVENT_RESOLVE:
		resolve_on_event(control->resolve, &event->resolve);
		break;
	case IPC_EVENT_REJECT:
		keep_reject(events, &event->reject);
		break;
	default:
		LOG(DEBUG, "event of unknown type %u", event->type);
		break;
	}
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct events *events = arg;
	const struct dataplane *dataplane = &events->control->dataplane;

	for (uint32_t i = 0; i < dataplane->nb_workers; i++) {
		struct ipc_ring *ring = ipc_shm_events(dataplane, i);

		for (unsigned int n = 0; n < BATCH_MAX; n++) {
			// A copy: the segment may change under us, and what was checked must stay
			// so.
			struct ipc_event event;
			const struct ipc_event *record =
				ipc_ring_peek(ring, IPC_EVENT_SLOTS, IPC_EVENT_SIZE);

			if (record == NULL)
				break;
			event = *record;
			ipc_ring_pop(ring);
			on_event(events, &event);
		}
	}
}

void events_start(struct events *events)
{
	struct timeval every = {0, POLL_US};

	if (events != NULL)
		event_add(events->timer, &every);
}

void events_stop(struct events *events)
{
	if (events != NULL)
		event_del(events->timer);
}

uint32_t events_nb_rejects(const struct events *events)
{
	if (events == NULL)
		return 0;
	return events->nb_rejects < EVENTS_REJECTS_MAX ? events->nb_rejects : EVENTS_REJECTS_MAX;
}

const struct ipc_event_reject *events_reject(const struct events *events, uint32_t i)
{
	uint32_t first = events->nb_rejects - events_nb_rejects(events);

	return &events->rejects[(first + i) % EVENTS_REJECTS_MAX];
}

struct events *events_create(struct control *control)
{
	struct events *events = calloc(1, sizeof(*events));

	if (events == NULL)
		return NULL;
	events->control = control;
	events->timer = event_new(control->base, -1, EV_PERSIST, on_timer, events);
	if (events->timer == NULL) {
		free(events);
		return NULL;
	}
	return events;
}

void events_destroy(struct events *events)
{
	if (events == NULL)
		return;
	event_free(events->timer);
	free(events);
}
