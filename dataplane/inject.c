// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker.h"

#define INJECTS_PER_TURN 16

static void send_message(struct worker *w, uint16_t listener, const struct ipc_inject *inject)
{
	struct rte_mbuf *m = worker_alloc(w, inject->len);

	if (m == NULL) {
		w->counters->drops[DROP_NO_MBUF]++;
		return;
	}
	memcpy(rte_pktmbuf_append(m, inject->len), inject->octets, inject->len);
	w->counters->injected++;
	tx_message(w, m, listener, &inject->to);
}

void inject_forward(struct worker *w)
{
	if (w->inject == NULL || w->published == NULL)
		return;
	for (unsigned int i = 0; i < INJECTS_PER_TURN; i++) {
		const struct ipc_inject *record =
			ipc_ring_peek(w->inject, IPC_INJECT_SLOTS, IPC_INJECT_SIZE);
		struct ipc_inject inject;
		uint16_t listener;

		if (record == NULL)
			return;
		// A copy: what was checked must not change any more.
		memcpy(&inject, record, sizeof(inject));
		ipc_ring_pop(w->inject);
		listener = snapshot_find_listener_id(w->published->snap, inject.listener_id);
		if (listener == SNAPSHOT_NONE || inject.len == 0 ||
			inject.len > sizeof(inject.octets) ||
			(inject.to.ip.family != 4 && inject.to.ip.family != 6) ||
			inject.to.port == 0) {
			w->counters->drops[DROP_NO_LISTENER]++;
			continue;
		}
		send_message(w, listener, &inject);
	}
}
