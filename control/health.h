// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_HEALTH_H
#define CONTROL_HEALTH_H

#include "control/control.h"
#include "dataplane/ipc.h"

// Health of the backends: OPTIONS probes sent through the dataplane, from this node's own address
// (control/probe_listener.h), counted into the states of control.h; joined with the cluster's
// verdict into the state that counts. Every function tolerates health == NULL.

struct health;

struct health *health_create(struct control *control); // NULL and errno
void health_destroy(struct health *health);

// Backends, their checks or their admin states may have changed: start and stop probing
// accordingly.
void health_sync(struct health *health);
// Forget what is known; the object may be freed after this.
void health_backend_removed(struct health *health, struct backend *backend);
// Own view or verdict changed: settle the effective state, log and send bits if it changed.
void health_update(struct health *health, struct backend *backend);

// A snapshot is published: probes can be sent.
void health_snapshot_published(struct health *health);

void health_on_probe_event(struct health *health, const struct ipc_event_probe *event);
void health_on_icmp_event(struct health *health, const struct ipc_event_icmp *event);

// Every backend that is probed had one probe answered or timed out.
bool health_first_pass_done(const struct health *health);

#endif
