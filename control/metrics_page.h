// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_METRICS_PAGE_H
#define CONTROL_METRICS_PAGE_H

#include <stdint.h>

#include "control/control.h"

// The pages of the metrics server, made from what control knows and from the workers' counters in
// the shared memory. Reads only.

struct evbuffer;

enum metrics_scope {
	METRICS_PROCESS = 1 << 0, // build, configuration, link to the dataplane
	METRICS_DATAPLANE = 1 << 1, // workers, ports, buffers, fragments
	METRICS_SERVICES = 1 << 2,
	METRICS_BACKENDS = 1 << 3,
	METRICS_CLUSTER = 1 << 4, // Redis, registrations, nodes
	METRICS_ALL = (1 << 5) - 1
};

// "process", "dataplane,backends"; NULL: all. Returns a set of enum metrics_scope, 0 if a name is
// not known.
unsigned int metrics_scope_parse(const char *text);

void metrics_page(const struct control *control, unsigned int scopes, struct evbuffer *out);

// One each; private to metrics_page.c and its tests.
void metrics_page_process(const struct control *control, struct evbuffer *out);
void metrics_page_dataplane(const struct control *control, struct evbuffer *out);
void metrics_page_services(const struct control *control, struct evbuffer *out);
void metrics_page_backends(const struct control *control, struct evbuffer *out);
void metrics_page_cluster(const struct control *control, struct evbuffer *out);

#endif
