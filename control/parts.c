// SPDX-License-Identifier: BSD-3-Clause
#include "control/parts.h"

#include "control/admin.h"
#include "control/builder.h"
#include "control/cluster.h"
#include "control/events.h"
#include "control/health.h"
#include "control/ipc_client.h"
#include "control/log.h"
#include "control/metrics.h"
#include "control/netlink.h"
#include "control/publisher.h"
#include "control/registrations.h"
#include "control/resolve.h"
#include "control/state_file.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>

LOG_TOPIC("main");

// A part that cannot be had: say so and go on without, when packets can flow without it.
static void warn_without(const void *part, const char *what)
{
	if (part == NULL)
		LOG(ERR, "%s: %s; going on without", what, strerror(errno));
}

int parts_start(struct control *control, const char *socket)
{
	const struct config *config = control->boot;

	control->state_file = state_file_create(control);
	control->publisher = publisher_create(control);
	control->builder = builder_create(control->base);
	control->health = health_create(control);
	control->events = events_create(control);
	if (control->state_file == NULL || control->publisher == NULL || control->builder == NULL ||
		control->health == NULL || control->events == NULL)
		return -ENOMEM;
	// Whoever else serves this socket runs this node already.
	control->admin = admin_create(control);
	if (control->admin == NULL)
		return -errno;
	state_file_load(control);
	if (config->dataplane.exception_path == CONFIG_EXCEPTION_TAP) {
		control->netlink = netlink_create(control);
		warn_without(control->netlink, "netlink");
	}
	control->registrations = registrations_create(control);
	warn_without(control->registrations, "registrations");
	control->cluster = cluster_create(control);
	warn_without(control->cluster, "cluster");
	if (config->metrics.nb_listen > 0) {
		control->metrics = metrics_create(control);
		warn_without(control->metrics, "metrics");
	}
	control->resolve = resolve_create(control, NULL);
	warn_without(control->resolve, "names");
	health_sync(control->health);
	control->ipc =
		ipc_client_create(control, socket != NULL ? socket : config->dataplane.socket);
	return control->ipc == NULL ? -errno : 0;
}

void parts_stop(struct control *control)
{
	admin_destroy(control->admin);
	metrics_destroy(control->metrics);
	health_destroy(control->health);
	control->health = NULL;
	cluster_destroy(control->cluster);
	control->cluster = NULL;
	registrations_destroy(control->registrations);
	control->registrations = NULL;
	events_destroy(control->events);
	control->events = NULL;
	resolve_destroy(control->resolve);
	control->resolve = NULL;
	netlink_destroy(control->netlink);
	control->netlink = NULL;
	builder_destroy(control->builder);
	control->builder = NULL;
	publisher_destroy(control->publisher);
	control->publisher = NULL;
	state_file_destroy(control->state_file);
	control->state_file = NULL;
	ipc_client_destroy(control->ipc);
	if (control->base != NULL)
		event_base_free(control->base);
	control_fini(control);
}
