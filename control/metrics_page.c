// SPDX-License-Identifier: BSD-3-Clause
#include "control/metrics_page.h"

#include "control/cluster.h"
#include "control/metrics_text.h"
#include "control/registrations.h"

#include <event2/buffer.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	void (*write)(const struct control *control, struct evbuffer *out);
} scopes_known[] = {
	{"process", metrics_page_process},
	{"dataplane", metrics_page_dataplane},
	{"services", metrics_page_services},
	{"backends", metrics_page_backends},
	{"cluster", metrics_page_cluster},
};

#define NB_SCOPES (sizeof(scopes_known) / sizeof(scopes_known[0]))

unsigned int metrics_scope_parse(const char *text)
{
	unsigned int scopes = 0;

	if (text == NULL)
		return METRICS_ALL;
	for (;;) {
		size_t len = strcspn(text, ","), i = 0;

		while (i < NB_SCOPES &&
			(strlen(scopes_known[i].name) != len ||
				strncmp(scopes_known[i].name, text, len) != 0))
			i++;
		if (i == NB_SCOPES)
			return 0;
		scopes |= 1U << i;
		if (text[len] == '\0')
			return scopes;
		text += len + 1;
	}
}

void metrics_page(const struct control *control, unsigned int scopes, struct evbuffer *out)
{
	for (unsigned int i = 0; i < NB_SCOPES; i++)
		if (scopes >> i & 1)
			scopes_known[i].write(control, out);
}

// ---- The control process -----------------------------------------------------------------------

static void gauge(struct evbuffer *out, const char *name, const char *help, double value)
{
	metrics_text_family(out, name, "gauge", help);
	metrics_text_value(out, name, METRICS_NO_LABELS, value);
}

static void counter(struct evbuffer *out, const char *name, const char *help, uint64_t value)
{
	metrics_text_family(out, name, "counter", help);
	metrics_text_count(out, name, METRICS_NO_LABELS, value);
}

static void write_reloads(const struct last_reload *reload, struct evbuffer *out)
{
	// Nothing was refused yet: the configuration of the start counts as accepted.
	bool success = reload->success || reload->when_ms == 0;

	gauge(out, "config_last_reload_success", "1 when the last reload was accepted.", success);
	gauge(out, "config_last_reload_success_timestamp_seconds",
		"Unix time of the last accepted reload.", (double)reload->success_ms / 1000);
	metrics_text_family(out, "config_reloads_total", "counter", "Reload attempts by result.");
	metrics_text_count(out, "config_reloads_total", METRICS_LABELS("result", "success"),
		reload->nb_success);
	metrics_text_count(out, "config_reloads_total", METRICS_LABELS("result", "failure"),
		reload->nb_failure);
}

void metrics_page_process(const struct control *control, struct evbuffer *out)
{
	const struct dataplane *dataplane = &control->dataplane;
	char digest[20];

	metrics_text_family(out, "build_info", "gauge", "Build information, value is always 1.");
	metrics_text_count(out, "build_info", METRICS_LABELS("version", SIPSHUNT_VERSION), 1);
	gauge(out, "start_time_seconds", "Unix time when the data plane started; 0: never seen.",
		dataplane->shm != NULL ? (double)dataplane->shm->start_unix_ns / 1e9 : 0);
	gauge(out, "control_start_time_seconds", "Unix time when the control process started.",
		(double)control->started_ms / 1000);
	snprintf(digest, sizeof(digest), "%016" PRIx64, control->config->digest);
	metrics_text_family(out, "config_info", "gauge",
		"Digest of the running configuration, value is always 1.");
	metrics_text_count(out, "config_info", METRICS_LABELS("digest", digest), 1);
	write_reloads(&control->last_reload, out);
	gauge(out, "config_needs_restart", "Keys that differ from what runs and need a restart.",
		(double)control->nb_needs_restart);
	gauge(out, "dataplane_up", "1 when the data plane runs and is connected.",
		dataplane->link == LINK_RUNNING);
	gauge(out, "snapshot_generation", "Generation of the snapshot that packets go by.",
		(double)dataplane->generation);
}

// ---- Redis, registrations, nodes ---------------------------------------------------------------

static void write_redis(const struct control *control, struct evbuffer *out)
{
	struct cluster_redis_status status;
	double bounds[REDIS_RTT_BUCKETS];
	struct metrics_histogram rtt = {.bounds = bounds, .nb_bounds = REDIS_RTT_BUCKETS};

	cluster_redis_status(control->cluster, &status);
	gauge(out, "redis_up", "1 when the control plane has a working master.",
		status.state == CLUSTER_REDIS_CONNECTED);
	metrics_text_family(out, "redis_commands_total", "counter", "Redis commands by result.");
	for (uint32_t i = 0; i < REDIS_COMMANDS; i++)
		for (enum redis_result k = 0; k < REDIS_RESULTS; k++)
			metrics_text_count(out, "redis_commands_total",
				METRICS_LABELS("command", redis_command_name(i), "result",
					redis_result_name(k)),
				status.stats->commands[i][k]);
	for (uint32_t i = 0; i < REDIS_RTT_BUCKETS; i++)
		bounds[i] = redis_rtt_bounds_us[i] / 1e6;
	rtt.counts = status.stats->rtt;
	rtt.sum = (double)status.stats->rtt_sum_us / 1e6;
	metrics_text_family(
		out, "redis_command_duration_seconds", "histogram", "Redis round-trip time.");
	metrics_text_histogram(out, "redis_command_duration_seconds", METRICS_NO_LABELS, &rtt);
	counter(out, "redis_reconnects_total", "Connections opened again after a loss.",
		status.stats->connects > 0 ? status.stats->connects - 1 : 0);
	counter(out, "redis_failures_total", "Connections lost and attempts that failed.",
		status.stats->failures);
	counter(out, "redis_protocol_errors_total", "Replies that broke the protocol or a limit.",
		status.stats->protocol_errors);
	gauge(out, "redis_queue_commands", "Redis commands without a reply.", status.pending);
}

static void write_registrations(const struct control *control, struct evbuffer *out)
{
	struct registrations_stats stats = registrations_stats(control->registrations);

	gauge(out, "registry_stale_seconds", "Age of the last complete sync; 0: up to date.",
		registrations_stale_s(control->registrations));
	gauge(out, "registrations", "Registration bindings known.", stats.nb);
	gauge(out, "registrations_max", "Registration bindings that may be held.",
		control->config->registrations.max);
	gauge(out, "registrations_unwritten", "Bindings that Redis was not told about yet.",
		stats.nb_dirty);
	counter(out, "registrations_learned_total", "Bindings learned or refreshed by this node.",
		stats.learned);
	counter(out, "registrations_refused_total", "Bindings that there was no room for.",
		stats.refused);
	counter(out, "registrations_written_total", "Bindings written to Redis.", stats.writes);
	counter(out, "registrations_remote_total", "Bindings taken over from other nodes.",
		stats.remote);
	counter(out, "registrations_malformed_total", "Values in Redis that are no bindings.",
		stats.malformed);
	counter(out, "registrations_unsent_total",
		"Bindings given up because the data plane did not take them in time.",
		registrations_nb_lost(control->registrations));
}

void metrics_page_cluster(const struct control *control, struct evbuffer *out)
{
	uint32_t nb[CLUSTER_NODE_STATES] = {0};

	write_redis(control, out);
	write_registrations(control, out);
	for (uint32_t i = 0; i < cluster_nb_nodes(control->cluster); i++)
		nb[cluster_node(control->cluster, i)->state]++;
	metrics_text_family(out, "cluster_nodes", "gauge", "Nodes by state as seen from here.");
	for (enum cluster_node_state i = 0; i < CLUSTER_NODE_STATES; i++)
		metrics_text_count(out, "cluster_nodes",
			METRICS_LABELS("state", cluster_node_state_name(i)), nb[i]);
	metrics_text_family(out, "cluster_table_mismatch", "gauge",
		"1 when nodes disagree on the lookup table.");
	for (uint32_t i = 0; i < control->nb_services; i++)
		metrics_text_count(out, "cluster_table_mismatch",
			METRICS_LABELS("service", control->services[i]->name),
			cluster_table_mismatch(control->cluster, control->services[i]->name));
}
