// SPDX-License-Identifier: BSD-3-Clause
#include "control/trace.h"

#include "control/ipc_client.h"
#include "control/ipc_shm.h"

#include <errno.h>
#include <event2/event.h>

#define POLL_US 5000
#define BATCH_MAX 256

static struct {
	bool running;
	struct control *control;
	struct event *timer;
	struct trace_sink sink;
	uint32_t limit;
	int64_t until_ms;
	uint64_t copies, lost;
	uint64_t lost_before; // by the workers, before this trace
} trace;

bool trace_is_running(void)
{
	return trace.running;
}

// Copies that the workers could not put into their rings, since the dataplane started.
static uint64_t lost_by_workers(const struct control *control)
{
	uint64_t lost = 0;

	for (uint32_t i = 0; i < control->dataplane.nb_workers; i++)
		lost += __atomic_load_n(
			&control_worker_counters(control, i)->traces_lost, __ATOMIC_RELAXED);
	return lost;
}

static void end(const char *why)
{
	struct ipc_trace off = {.field = IPC_TRACE_OFF};

	trace.running = false;
	event_free(trace.timer);
	trace.timer = NULL;
	ipc_client_send(trace.control->ipc, IPC_TRACE, &off, sizeof(off));
	if (trace.sink.end != NULL)
		trace.sink.end(trace.sink.arg, why, trace.copies,
			trace.lost + lost_by_workers(trace.control) - trace.lost_before);
}

static void give(const struct ipc_trace_record *from)
{
	// A copy: the segment may change under us, and what was checked must stay so.
	static struct ipc_trace_record record;

	record = *from;
	if (record.copied_len > sizeof(record.octets))
		record.copied_len = sizeof(record.octets);
	if (trace.copies >= trace.limit)
		return;
	if (trace.sink.copy(trace.sink.arg, &record))
		trace.copies++;
	else
		trace.lost++;
}

static void drain(bool discard)
{
	const struct dataplane *dataplane = &trace.control->dataplane;

	for (uint32_t i = 0; i < dataplane->nb_workers; i++) {
		struct ipc_ring *ring = ipc_shm_traces(dataplane, i);
		uint32_t max = discard ? IPC_TRACE_SLOTS : BATCH_MAX;

		for (uint32_t n = 0; n < max && trace.running; n++) {
			const struct ipc_trace_record *record =
				ipc_ring_peek(ring, IPC_TRACE_SLOTS, IPC_TRACE_SIZE);

			if (record == NULL)
				break;
			if (!discard)
				give(record);
			ipc_ring_pop(ring);
		}
	}
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	if (trace.control->dataplane.link != LINK_RUNNING) {
		end("dataplane gone");
		return;
	}
	drain(false);
	if (trace.running && trace.copies >= trace.limit)
		end("limit");
	else if (trace.running && control_now_ms() >= trace.until_ms)
		end("timeout");
}

int trace_start(struct control *control, const struct ipc_trace *filter, uint64_t timeout_ms,
	const struct trace_sink *sink)
{
	struct timeval every = {0, POLL_US};
	int rc;

	if (trace.running)
		return -EBUSY;
	if (control->dataplane.link != LINK_RUNNING)
		return -ENOTCONN;
	trace.timer = event_new(control->base, -1, EV_PERSIST, on_timer, NULL);
	if (trace.timer == NULL)
		return -ENOMEM;
	trace.control = control;
	trace.sink = *sink;
	trace.limit = filter->limit;
	trace.until_ms = control_now_ms() + (int64_t)timeout_ms;
	trace.copies = trace.lost = 0;
	trace.lost_before = lost_by_workers(control);
	trace.running = true;
	// What an earlier trace left behind.
	drain(true);
	rc = ipc_client_send(control->ipc, IPC_TRACE, filter, sizeof(*filter));
	if (rc < 0) {
		trace.running = false;
		event_free(trace.timer);
		trace.timer = NULL;
		return rc;
	}
	event_add(trace.timer, &every);
	return 0;
}

void trace_stop(struct control *control, const char *why)
{
	if (trace.running)
		end(why);
}

void trace_forget(struct control *control, void *arg)
{
	if (!trace.running || trace.sink.arg != arg)
		return;
	trace.sink.end = NULL;
	end("");
}
