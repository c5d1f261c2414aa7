// SPDX-License-Identifier: BSD-3-Clause
#include "control/cluster.h"

#include "control/cluster_admin.h"
#include "control/cluster_health.h"
#include "control/cluster_quorum.h"
#include "control/health.h"
#include "control/log.h"
#include "control/registrations.h"
#include "control/state_file.h"
#include "dataplane/dispatch/siphash.h"

#include <event2/event.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

LOG_TOPIC("cluster");

#define LEASE_MS 15000 // without a `redis` section
#define PUBLISH_MS 1000
#define ERROR_LOG_MS 10000 // between two lines about Redis refusing

struct cluster {
	struct control *control;
	struct redis *redis; // NULL: no section
	uint64_t fingerprint; // of the section that it was made from
	struct cluster_nodes *nodes;
	struct cluster_health *health;
	struct cluster_admin *admin;
	struct event *settle; // verdicts are to be looked at again

	enum cluster_redis_state state;
	int64_t state_ms; // CLOCK_REALTIME
	int64_t lost_ms; // CLOCK_MONOTONIC; 0: connected
	char error[256];
	int64_t error_logged_ms;
	struct redis_stats *stats; // of all connections; filled in when asked for
	struct redis_stats past; // of clients that are gone

	const char *live[CLUSTER_NODES_MAX]; // names of nodes that are alive, this one first
	uint32_t nb_live;
	bool membership_changed; // since the last settling
};

const char *cluster_redis_state_name(enum cluster_redis_state state)
{
	switch (state) {
	case CLUSTER_REDIS_NONE:
		return "none";
	case CLUSTER_REDIS_CONNECTING:
		return "connecting";
	case CLUSTER_REDIS_CONNECTED:
		return "connected";
	case CLUSTER_REDIS_STALE:
		return "stale";
	}
	return "none";
}

static void path_of(const struct backend *backend, char path[CLUSTER_PATH_MAX])
{
	snprintf(path, CLUSTER_PATH_MAX, "%s/%s", backend->service->name, backend->name);
}

static bool is_shared_out(const struct backend *backend)
{
	const struct config_health_check *check = &backend->config->health_check;

	return check->owner == CONFIG_OWNER_ONE && check->method == CONFIG_HEALTH_OPTIONS;
}

// ---- Health ------------------------------------------------------------------------------------

static void list_live(struct cluster *cluster)
{
	cluster->nb_live = 0;
	for (uint32_t i = 0; i < cluster_nodes_nb(cluster->nodes); i++) {
		const struct cluster_node *node = cluster_nodes_at(cluster->nodes, i);

		if (node->state == CLUSTER_NODE_ALIVE)
			cluster->live[cluster->nb_live++] = node->name;
	}
}

static enum cluster_verdict judge(const struct cluster *cluster, const struct backend *backend)
{
	enum health_state views[QUORUM_PROBERS];
	char path[CLUSTER_PATH_MAX];
	uint32_t nb = 0;

	if (!is_shared_out(backend))
		return VERDICT_NONE;
	path_of(backend, path);
	for (uint32_t i = 0; i < cluster->nb_live && nb < QUORUM_PROBERS; i++)
		if (quorum_is_prober(path, cluster->live, cluster->nb_live, i))
			views[nb++] = i == 0
				? backend->health.own
				: cluster_health_get(cluster->health, cluster->live[i], path);
	return quorum_verdict(views, nb, backend->health.verdict);
}

static void settle_soon(struct cluster *cluster)
{
	struct timeval now = {0};

	evtimer_add(cluster->settle, &now);
}

// From the loop, not from within what caused it: probing and verdicts cause each other.
static void on_settle(evutil_socket_t fd, short what, void *arg)
{
	struct cluster *cluster = arg;
	struct control *control = cluster->control;

	if (cluster->membership_changed) {
		cluster->membership_changed = false;
		health_sync(control->health);
	}
	for (uint32_t i = 0; i < control->nb_services; i++)
		for (uint32_t k = 0; k < control->services[i]->nb_backends; k++) {
			struct backend *backend = control->services[i]->backends[k];

			control_backend_verdict(control, backend, judge(cluster, backend));
		}
}

static void on_nodes_changed(void *arg)
{
	struct cluster *cluster = arg;

	list_live(cluster);
	cluster->membership_changed = true;
	LOG(NOTICE, "%u of %u nodes are alive", cluster->nb_live, cluster_nodes_nb(cluster->nodes));
	settle_soon(cluster);
}

static void on_node_seen(void *arg, const struct cluster_node *node)
{
	struct cluster *cluster = arg;

	cluster_health_seen(cluster->health, node->name, node->health_revision);
}

static void on_views(void *arg)
{
	settle_soon(arg);
}

static void on_revision(void *arg, uint64_t revision)
{
	struct cluster *cluster = arg;

	cluster_nodes_set_health_revision(cluster->nodes, revision);
}

bool cluster_probes(const struct cluster *cluster, const struct backend *backend)
{
	char path[CLUSTER_PATH_MAX];

	if (cluster == NULL || !is_shared_out(backend))
		return true;
	path_of(backend, path);
	return quorum_is_prober(path, cluster->live, cluster->nb_live, 0);
}

void cluster_health_changed(struct cluster *cluster, const struct backend *backend)
{
	char path[CLUSTER_PATH_MAX];

	if (cluster == NULL)
		return;
	path_of(backend, path);
	if (cluster_health_set(cluster->health, path, backend->health.own) < 0)
		LOG(ERR, "%s: its health is not shared: out of memory", path);
	settle_soon(cluster);
}

enum health_state cluster_health_of(
	const struct cluster *cluster, const char *node, const struct backend *backend)
{
	char path[CLUSTER_PATH_MAX];

	if (cluster == NULL)
		return HEALTH_UNKNOWN;
	path_of(backend, path);
	return cluster_health_get(cluster->health, node, path);
}

void cluster_backend_removed(struct cluster *cluster, const struct backend *backend)
{
	char path[CLUSTER_PATH_MAX];

	if (cluster == NULL)
		return;
	path_of(backend, path);
	cluster_health_set(cluster->health, path, HEALTH_UNKNOWN);
}

// ---- Operators ---------------------------------------------------------------------------------

// An operator's wish holds against the configured value that it was made against.
static void adopt(struct cluster *cluster, struct backend *backend, const struct override *override)
{
	const struct override *own = &backend->override;

	if (override->configured != backend->config->state || override->revision <= own->revision)
		return;
	if (!override->set && !own->set) {
		backend->override.revision = override->revision;
		return;
	}
	control_backend_override(cluster->control, backend, override, false);
}

static void on_override(void *arg, const char *path, const struct override *override)
{
	struct cluster *cluster = arg;
	struct backend *backend = control_find_backend(cluster->control, path);

	if (backend != NULL)
		adopt(cluster, backend, override);
}

void cluster_override_changed(struct cluster *cluster, struct backend *backend)
{
	struct override override = backend->override;
	char path[CLUSTER_PATH_MAX];

	if (cluster == NULL)
		return;
	path_of(backend, path);
	override.revision = 0;
	override.configured = backend->config->state;
	backend->override.revision = cluster_admin_set(cluster->admin, path, &override);
	state_file_save(cluster->control);
}

// What the state file said takes part with the revision that it had.
static void share_overrides(struct cluster *cluster)
{
	struct control *control = cluster->control;
	char path[CLUSTER_PATH_MAX];

	for (uint32_t i = 0; i < control->nb_services; i++)
		for (uint32_t k = 0; k < control->services[i]->nb_backends; k++) {
			struct backend *backend = control->services[i]->backends[k];

			if (!backend->override.set)
				continue;
			path_of(backend, path);
			backend->override.revision =
				cluster_admin_set(cluster->admin, path, &backend->override);
		}
}

// After a reload: wishes for new backends are adopted, and those whose configured value changed are
// withdrawn for good.
static void review_overrides(struct cluster *cluster)
{
	struct control *control = cluster->control;
	char path[CLUSTER_PATH_MAX];

	for (uint32_t i = 0; i < control->nb_services; i++)
		for (uint32_t k = 0; k < control->services[i]->nb_backends; k++) {
			struct backend *backend = control->services[i]->backends[k];
			const struct override *wish;

			path_of(backend, path);
			wish = cluster_admin_get(cluster->admin, path);
			if (wish == NULL || !wish->set)
				continue;
			if (wish->configured != backend->config->state)
				cluster_override_changed(cluster, backend);
			else
				adopt(cluster, backend, wish);
		}
}

// ---- Tables ------------------------------------------------------------------------------------

void cluster_tables_changed(struct cluster *cluster)
{
	struct cluster_table tables[CLUSTER_TABLES_MAX];
	const struct control *control;
	uint32_t nb = 0;

	if (cluster == NULL)
		return;
	control = cluster->control;
	for (uint32_t i = 0; i < control->nb_services && nb < CLUSTER_TABLES_MAX; i++) {
		if (control->services[i]->table_hash == 0)
			continue;
		snprintf(tables[nb].service, sizeof(tables[nb].service), "%s",
			control->services[i]->name);
		tables[nb++].hash = control->services[i]->table_hash;
	}
	cluster_nodes_set_config(
		cluster->nodes, control->config->cluster_digest, control->dataplane.generation);
	cluster_nodes_set_tables(cluster->nodes, tables, nb);
}

static void on_mismatch(void *arg, const char *service, bool mismatch)
{
	if (mismatch)
		LOG(ERR,
			"%s: nodes have different tables: calls that change their node may change "
			"their backend; see \"sipshunt node list\"",
			service);
	else
		LOG(NOTICE, "%s: all nodes have the same table again", service);
}

bool cluster_table_mismatch(const struct cluster *cluster, const char *service)
{
	return cluster != NULL && cluster_nodes_mismatch(cluster->nodes, service);
}

uint32_t cluster_nb_nodes(const struct cluster *cluster)
{
	return cluster != NULL ? cluster_nodes_nb(cluster->nodes) : 0;
}

const struct cluster_node *cluster_node(const struct cluster *cluster, uint32_t i)
{
	return cluster_nodes_at(cluster->nodes, i);
}

// ---- Redis -------------------------------------------------------------------------------------

static void set_state(struct cluster *cluster, enum cluster_redis_state state)
{
	if (cluster->state == state)
		return;
	cluster->state = state;
	cluster->state_ms = control_wall_ms();
}

static void on_up(void *arg)
{
	struct cluster *cluster = arg;

	LOG(NOTICE, "Redis %s is connected", redis_server(cluster->redis));
	set_state(cluster, CLUSTER_REDIS_CONNECTED);
	cluster->lost_ms = 0;
	cluster->error[0] = '\0';
	cluster_nodes_redis_up(cluster->nodes);
	cluster_health_redis_up(cluster->health);
	cluster_admin_redis_up(cluster->admin);
	registrations_redis_up(cluster->control->registrations);
}

static void parts_down(struct cluster *cluster)
{
	cluster_nodes_redis_down(cluster->nodes);
	cluster_health_redis_down(cluster->health);
	cluster_admin_redis_down(cluster->admin);
	registrations_redis_down(cluster->control->registrations);
	if (cluster->lost_ms == 0)
		cluster->lost_ms = control_now_ms();
}

static void on_down(void *arg, const char *why)
{
	struct cluster *cluster = arg;

	if (cluster->state == CLUSTER_REDIS_CONNECTED) {
		LOG(WARNING, "Redis is lost, the last known state stays: %s", why);
		set_state(cluster, CLUSTER_REDIS_STALE);
		parts_down(cluster);
	} else if (strcmp(cluster->error, why) != 0) {
		LOG(WARNING, "no Redis: %s", why);
	}
	snprintf(cluster->error, sizeof(cluster->error), "%s", why);
}

static void on_error(void *arg, const char *text)
{
	struct cluster *cluster = arg;
	int64_t now = control_now_ms();

	if (cluster->error_logged_ms != 0 && now - cluster->error_logged_ms < ERROR_LOG_MS)
		return;
	cluster->error_logged_ms = now;
	LOG(WARNING, "%s", text);
}

static void set_redis(struct cluster *cluster, struct redis *redis)
{
	cluster->redis = redis;
	cluster_nodes_set_redis(cluster->nodes, redis);
	cluster_health_set_redis(cluster->health, redis);
	cluster_admin_set_redis(cluster->admin, redis);
	registrations_set_redis(cluster->control->registrations, redis);
}

static void add_stats(struct redis_stats *sum, const struct redis_stats *more)
{
	for (uint32_t i = 0; i < REDIS_COMMANDS; i++)
		for (uint32_t k = 0; k < REDIS_RESULTS; k++)
			sum->commands[i][k] += more->commands[i][k];
	for (uint32_t i = 0; i <= REDIS_RTT_BUCKETS; i++)
		sum->rtt[i] += more->rtt[i];
	sum->rtt_sum_us += more->rtt_sum_us;
	sum->connects += more->connects;
	sum->failures += more->failures;
	sum->protocol_errors += more->protocol_errors;
}

static void disconnect(struct cluster *cluster)
{
	struct redis *redis = cluster->redis;

	if (redis == NULL)
		return;
	add_stats(&cluster->past, redis_stats(redis));
	parts_down(cluster);
	redis_destroy(redis);
	set_redis(cluster, NULL);
}

static struct redis_address address_of(const struct config_socket *socket)
{
	return (struct redis_address){
		.host = socket->host, .port = socket->port, .path = socket->path};
}

static int connect_redis(struct cluster *cluster)
{
	static const struct redis_callbacks callbacks = {.on_up = on_up, .on_down = on_down};
	const struct config_redis *config = &cluster->control->config->redis;
	struct redis_address sentinels[16];
	struct redis_options options = {
		.address = address_of(&config->address),
		.master_name = config->sentinel.master_name,
		.sentinels = sentinels,
		.username = config->username,
		.password = config->password,
		.database = config->database,
		.client_name = cluster->control->boot->node.name,
		.connect_timeout_ms = (uint32_t)config->connect_timeout_ms,
		.command_timeout_ms = (uint32_t)config->command_timeout_ms,
		.keepalive_ms = (uint32_t)config->keepalive_ms,
	};
	struct redis *redis;

	for (uint32_t i = 0; i < config->sentinel.nb_endpoints && i < 16; i++)
		sentinels[options.nb_sentinels++] = address_of(&config->sentinel.endpoints[i]);
	redis = redis_create(cluster->control->base, &options, &callbacks, cluster);
	if (redis == NULL)
		return -errno;
	set_redis(cluster, redis);
	cluster->lost_ms = control_now_ms();
	cluster->error[0] = '\0';
	set_state(cluster, CLUSTER_REDIS_CONNECTING);
	return 0;
}

// ---- Configuration -----------------------------------------------------------------------------

static uint64_t mix(uint64_t sum, const void *data, size_t len)
{
	uint8_t key[16];

	memcpy(key, &sum, 8);
	memset(key + 8, data == NULL, 8);
	return siphash13(key, data != NULL ? data : "", len);
}

static uint64_t mix_text(uint64_t sum, const char *text)
{
	return mix(sum, text, text != NULL ? strlen(text) : 0);
}

// Tells whether two `redis` sections mean the same connection.
static uint64_t fingerprint(const struct config_redis *config)
{
	uint64_t sum = config->enabled;

	if (!config->enabled)
		return 0;
	sum = mix_text(sum, config->address.host);
	sum = mix_text(sum, config->address.path);
	sum = mix(sum, &config->address.port, sizeof(config->address.port));
	sum = mix_text(sum, config->sentinel.master_name);
	for (uint32_t i = 0; i < config->sentinel.nb_endpoints; i++) {
		sum = mix_text(sum, config->sentinel.endpoints[i].host);
		sum = mix_text(sum, config->sentinel.endpoints[i].path);
		sum = mix(sum, &config->sentinel.endpoints[i].port, sizeof(uint16_t));
	}
	sum = mix_text(sum, config->username);
	sum = mix_text(sum, config->password);
	sum = mix(sum, &config->database, sizeof(config->database));
	sum = mix(sum, &config->connect_timeout_ms, sizeof(config->connect_timeout_ms));
	sum = mix(sum, &config->command_timeout_ms, sizeof(config->command_timeout_ms));
	return mix(sum, &config->keepalive_ms, sizeof(config->keepalive_ms));
}

static uint32_t lease_ms(const struct control *control)
{
	return control->config->redis.enabled ? (uint32_t)control->config->redis.lease_ms
					      : LEASE_MS;
}

static uint32_t publish_ms(const struct control *control)
{
	return control->config->redis.enabled ? (uint32_t)control->config->redis.publish_interval_ms
					      : PUBLISH_MS;
}

static int configure(struct cluster *cluster)
{
	const struct control *control = cluster->control;
	uint64_t wanted = fingerprint(&control->config->redis);

	if (wanted == cluster->fingerprint)
		return 0;
	disconnect(cluster);
	cluster->fingerprint = wanted;
	if (control->config->redis.enabled)
		return connect_redis(cluster);
	set_state(cluster, CLUSTER_REDIS_NONE);
	cluster->lost_ms = 0;
	return 0;
}

void cluster_reload(struct cluster *cluster)
{
	int rc;

	if (cluster == NULL)
		return;
	cluster_nodes_set_times(
		cluster->nodes, lease_ms(cluster->control), publish_ms(cluster->control));
	cluster_health_set_times(
		cluster->health, lease_ms(cluster->control), publish_ms(cluster->control));
	rc = configure(cluster);
	if (rc < 0)
		LOG(ERR, "no connection to Redis: %s", strerror(-rc));
	review_overrides(cluster);
	cluster->membership_changed = true;
	settle_soon(cluster);
}

void cluster_redis_status(const struct cluster *cluster, struct cluster_redis_status *status)
{
	static const struct redis_stats none;

	*status = (struct cluster_redis_status){.server = "", .error = "", .stats = &none};
	if (cluster == NULL)
		return;
	status->state = cluster->state;
	status->since_ms = cluster->state_ms;
	if (cluster->lost_ms != 0)
		status->stale_s = (double)(control_now_ms() - cluster->lost_ms) / 1000;
	status->error = cluster->error;
	*cluster->stats = cluster->past;
	status->stats = cluster->stats;
	if (cluster->redis == NULL)
		return;
	add_stats(cluster->stats, redis_stats(cluster->redis));
	status->server = redis_server(cluster->redis);
	status->pending = redis_pending(cluster->redis);
}

// ---- Create and destroy ------------------------------------------------------------------------

static int create_parts(struct cluster *cluster)
{
	static const struct cluster_nodes_callbacks nodes = {.on_changed = on_nodes_changed,
		.on_seen = on_node_seen,
		.on_mismatch = on_mismatch,
		.on_error = on_error};
	static const struct cluster_health_callbacks health = {
		.on_revision = on_revision, .on_views = on_views, .on_error = on_error};
	static const struct cluster_admin_callbacks admin = {
		.on_override = on_override, .on_error = on_error};
	const struct control *control = cluster->control;
	const char *name = control->boot->node.cluster, *node = control->boot->node.name;
	struct cluster_nodes_options nodes_options = {.cluster = name,
		.node = node,
		.version = SIPSHUNT_VERSION,
		.lease_ms = lease_ms(control),
		.poll_ms = publish_ms(control)};
	struct cluster_health_options health_options = {.cluster = name,
		.node = node,
		.lease_ms = lease_ms(control),
		.publish_ms = publish_ms(control)};

	cluster->stats = calloc(1, sizeof(*cluster->stats));
	cluster->settle = evtimer_new(control->base, on_settle, cluster);
	cluster->nodes = cluster_nodes_create(control->base, &nodes_options, &nodes, cluster);
	cluster->health = cluster_health_create(control->base, &health_options, &health, cluster);
	cluster->admin = cluster_admin_create(control->base, name, &admin, cluster);
	if (cluster->stats == NULL || cluster->settle == NULL || cluster->nodes == NULL ||
		cluster->health == NULL || cluster->admin == NULL)
		return -ENOMEM;
	return 0;
}

struct cluster *cluster_create(struct control *control)
{
	struct cluster *cluster = calloc(1, sizeof(*cluster));
	int rc;

	if (cluster == NULL)
		return NULL;
	cluster->control = control;
	rc = create_parts(cluster);
	if (rc == 0) {
		list_live(cluster);
		share_overrides(cluster);
		cluster_tables_changed(cluster);
		rc = configure(cluster);
	}
	if (rc < 0) {
		cluster_destroy(cluster);
		errno = -rc;
		return NULL;
	}
	return cluster;
}

void cluster_destroy(struct cluster *cluster)
{
	if (cluster == NULL)
		return;
	disconnect(cluster);
	cluster_admin_destroy(cluster->admin);
	cluster_health_destroy(cluster->health);
	cluster_nodes_destroy(cluster->nodes);
	if (cluster->settle != NULL)
		event_free(cluster->settle);
	free(cluster->stats);
	free(cluster);
}
