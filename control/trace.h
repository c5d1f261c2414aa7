// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_TRACE_H
#define CONTROL_TRACE_H

#include "control/control.h"
#include "dataplane/ipc.h"

// The one trace that may run: workers copy messages that match into rings, this takes them out.

// Who wants the copies. Calls come from the loop.
struct trace_sink {
	// Returns false when the reader is too slow: the copy is counted as lost.
	bool (*copy)(void *arg, const struct ipc_trace_record *record);
	// The last call: why it ended, copies given, copies lost.
	void (*end)(void *arg, const char *why, uint64_t copies, uint64_t lost);
	void *arg;
};

// Return 0, -EBUSY (one runs), -ENOTCONN, or what ipc_client_send() says.
int trace_start(struct control *control, const struct ipc_trace *filter, uint64_t timeout_ms,
	const struct trace_sink *sink);
// End it; sink->end is called. Nothing happens when none runs.
void trace_stop(struct control *control, const char *why);
bool trace_is_running(void);
// End it if it is this sink's, without a word to it.
void trace_forget(struct control *control, void *arg);

#endif
