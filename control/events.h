// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_EVENTS_H
#define CONTROL_EVENTS_H

#include "control/control.h"
#include "dataplane/ipc.h"

// Takes the workers' event rings empty every few milliseconds and gives each event to whom it
// concerns. Every function tolerates events == NULL.

struct events;

#define EVENTS_REJECTS_MAX 64

struct events *events_create(struct control *control); // NULL and errno
void events_destroy(struct events *events);

// The shared memory is there; it is gone.
void events_start(struct events *events);
void events_stop(struct events *events);

// The samples of refused messages that are kept, oldest first: i from 0 to events_nb_rejects() - 1.
uint32_t events_nb_rejects(const struct events *events);
const struct ipc_event_reject *events_reject(const struct events *events, uint32_t i);

#endif
