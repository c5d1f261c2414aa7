// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_REGISTRATIONS_H
#define CONTROL_REGISTRATIONS_H

#include "control/control.h"
#include "control/registrations_store.h"
#include "dataplane/ipc.h"

// The registrations in the control process: what the dataplane learns goes into the store, what the
// store decides goes back as IPC_BINDINGS in batches. Every function tolerates registrations ==
// NULL.

struct registrations;
struct redis;

struct registrations *registrations_create(struct control *control); // NULL and errno
void registrations_destroy(struct registrations *registrations);

// The dataplane saw a 2xx to a REGISTER.
void registrations_learn(
	struct registrations *registrations, const struct ipc_event_binding *event);

// A dataplane is there that may know nothing.
void registrations_resend(struct registrations *registrations);

// Another configuration runs.
void registrations_reload(struct registrations *registrations);

// For cluster.c, which owns the connection: see registrations_store.h.
void registrations_set_redis(struct registrations *registrations, struct redis *redis);
void registrations_redis_up(struct registrations *registrations);
void registrations_redis_down(struct registrations *registrations);

// See registrations_store_each() and registrations_store_find().
void registrations_each(const struct registrations *registrations, registrations_fn *fn, void *arg);
uint32_t registrations_find(const struct registrations *registrations, struct strv user,
	struct strv host, registrations_fn *fn, void *arg);

struct registrations_stats registrations_stats(const struct registrations *registrations);
// Bindings known.
uint32_t registrations_count(const struct registrations *registrations);
double registrations_stale_s(const struct registrations *registrations);
// Records for the dataplane that are waiting for it, and that were given up.
uint32_t registrations_nb_waiting(const struct registrations *registrations);
uint64_t registrations_nb_lost(const struct registrations *registrations);

#endif
