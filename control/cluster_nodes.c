// SPDX-License-Identifier: BSD-3-Clause
#include "control/cluster_nodes.h"

#include "control/redis.h"

#include <event2/event.h>
#include <hiredis/hiredis.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

#define FORGET_MS (INT64_C(3600) * 1000) // after which a node that is gone leaves the list
#define MISMATCH_MS 3000 // disagreement for so long is one: tables change one node at a time
#define KEY_MAX 192
#define TABLES_TEXT_MAX (CLUSTER_TABLES_MAX * 82)
#define SOON_MS 20 // gathers several changes of one moment

struct mismatch {
	char service[64];
	int64_t since_ms; // CLOCK_MONOTONIC
	bool seen; // by the current look
	bool told;
};

// A question about one node's lease.
struct question {
	struct cluster_nodes *nodes;
	char name[64];
};

struct cluster_nodes {
	struct redis *redis; // NULL: none
	struct cluster_nodes_callbacks callbacks;
	void *arg;
	char prefix[KEY_MAX]; // "sipshunt:{cluster}:"
	uint32_t lease_ms, poll_ms;
	struct event *poll; // looks at the others
	struct event *beat; // renews the own lease
	bool up;
	int64_t up_ms; // CLOCK_MONOTONIC since when it is
	bool asking; // HGETALL of the list without a reply
	int64_t clash_told_ms;
	uint32_t nb;
	struct cluster_node *nodes[CLUSTER_NODES_MAX]; // [0] is this one
	struct mismatch mismatches[CLUSTER_TABLES_MAX];
	uint32_t nb_mismatches;
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void add_timer(struct event *timer, uint32_t ms)
{
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	evtimer_add(timer, &tv);
}

static struct strv reply_strv(const redisReply *reply)
{
	return (struct strv){reply->str, reply->len};
}

const char *cluster_node_state_name(enum cluster_node_state state)
{
	static const char *const names[CLUSTER_NODE_STATES] = {
		[CLUSTER_NODE_ALIVE] = "alive",
		[CLUSTER_NODE_GONE] = "gone",
		[CLUSTER_NODE_UNKNOWN] = "unknown",
	};

	return names[state];
}

// ---- The own lease -----------------------------------------------------------------------------

static void on_refused(const redisReply *reply, void *arg)
{
	struct cluster_nodes *nodes = arg;

	if (reply != NULL && reply->type == REDIS_REPLY_ERROR && nodes->callbacks.on_error != NULL)
		nodes->callbacks.on_error(nodes->arg, reply->str);
}

static void format_tables(const struct cluster_node *node, char text[TABLES_TEXT_MAX])
{
	size_t len = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < node->nb_tables; i++)
		len += (size_t)snprintf(text + len, TABLES_TEXT_MAX - len, "%s%s=%016" PRIx64,
			i > 0 ? " " : "", node->tables[i].service, node->tables[i].hash);
}

static void renew(struct cluster_nodes *nodes)
{
	const struct cluster_node *self = nodes->nodes[0];
	char key[KEY_MAX + 80], list[KEY_MAX + 8], digest[20], generation[24], health[24],
		lease[16];
	char tables[TABLES_TEXT_MAX];
	struct strv state[] = {STRV("HSET"), {0}, STRV("instance"), strv_from(self->instance),
		STRV("version"), strv_from(self->version), STRV("config"), {0}, STRV("generation"),
		{0}, STRV("health"), {0}, STRV("tables"), {0}};
	struct strv expire[] = {STRV("PEXPIRE"), {0}, {0}};
	struct strv listed[] = {STRV("HSET"), {0}, strv_from(self->name), STRV("1")};

	snprintf(key, sizeof(key), "%snode:%s", nodes->prefix, self->name);
	snprintf(list, sizeof(list), "%snodes", nodes->prefix);
	snprintf(digest, sizeof(digest), "%016" PRIx64, self->config_digest);
	snprintf(generation, sizeof(generation), "%" PRIu64, self->generation);
	snprintf(health, sizeof(health), "%" PRIu64, self->health_revision);
	snprintf(lease, sizeof(lease), "%u", nodes->lease_ms);
	format_tables(self, tables);
	state[1] = expire[1] = strv_from(key);
	state[7] = strv_from(digest);
	state[9] = strv_from(generation);
	state[11] = strv_from(health);
	state[13] = strv_from(tables);
	expire[2] = strv_from(lease);
	listed[1] = strv_from(list);
	redis_send(nodes->redis, state, 14, on_refused, nodes);
	redis_send(nodes->redis, expire, 3, on_refused, nodes);
	redis_send(nodes->redis, listed, 4, on_refused, nodes);
}

static void on_beat(evutil_socket_t fd, short what, void *arg)
{
	struct cluster_nodes *nodes = arg;

	if (nodes->up)
		renew(nodes);
	add_timer(nodes->beat, nodes->lease_ms / 3);
}

// ---- The others --------------------------------------------------------------------------------

static struct cluster_node *find_node(struct cluster_nodes *nodes, struct strv name)
{
	for (uint32_t i = 0; i < nodes->nb; i++)
		if (strv_eq(strv_from(nodes->nodes[i]->name), name))
			return nodes->nodes[i];
	return NULL;
}

// By name, behind this one.
static struct cluster_node *add_node(struct cluster_nodes *nodes, struct strv name)
{
	struct cluster_node *node;
	uint32_t i;

	if (nodes->nb == CLUSTER_NODES_MAX)
		return NULL;
	node = calloc(1, sizeof(*node));
	if (node == NULL)
		return NULL;
	memcpy(node->name, name.ptr, name.len);
	node->state = CLUSTER_NODE_GONE;
	node->seen_ms = now_ms();
	for (i = nodes->nb; i > 1 && strcmp(nodes->nodes[i - 1]->name, node->name) > 0; i--)
		nodes->nodes[i] = nodes->nodes[i - 1];
	nodes->nodes[i] = node;
	nodes->nb++;
	return node;
}

static void set_state(
	struct cluster_nodes *nodes, struct cluster_node *node, enum cluster_node_state state)
{
	if (node->state == state)
		return;
	node->state = state;
	if (nodes->callbacks.on_changed != NULL)
		nodes->callbacks.on_changed(nodes->arg);
}

static void copy_text(char *to, size_t size, struct strv text)
{
	size_t len = 0;

	// It goes into tables and logs.
	for (; len < text.len && len + 1 < size; len++)
		to[len] = (char)(text.ptr[len] > ' ' && text.ptr[len] <= '~' ? text.ptr[len] : '?');
	to[len] = '\0';
}

static uint64_t parse_number(struct strv text, int base)
{
	char buf[24];

	copy_text(buf, sizeof(buf), text);
	return strtoull(buf, NULL, base);
}

// "service=0123456789abcdef service=..."
static void parse_tables(struct cluster_node *node, struct strv text)
{
	node->nb_tables = 0;
	while (text.len > 0 && node->nb_tables < CLUSTER_TABLES_MAX) {
		const char *space = memchr(text.ptr, ' ', text.len);
		size_t len = space != NULL ? (size_t)(space - text.ptr) : text.len;
		const char *equals = memchr(text.ptr, '=', len);
		struct cluster_table *table = &node->tables[node->nb_tables];

		if (equals != NULL && equals != text.ptr) {
			size_t name_len = (size_t)(equals - text.ptr);

			copy_text(table->service, sizeof(table->service),
				(struct strv){text.ptr, name_len});
			table->hash =
				parse_number((struct strv){equals + 1, len - name_len - 1}, 16);
			node->nb_tables++;
		}
		text.ptr += len + (space != NULL);
		text.len -= len + (space != NULL);
	}
}

static void take_field(struct cluster_node *node, struct strv field, struct strv value)
{
	if (strv_eq(field, STRV("version")))
		copy_text(node->version, sizeof(node->version), value);
	else if (strv_eq(field, STRV("instance")))
		copy_text(node->instance, sizeof(node->instance), value);
	else if (strv_eq(field, STRV("config")))
		node->config_digest = parse_number(value, 16);
	else if (strv_eq(field, STRV("generation")))
		node->generation = parse_number(value, 10);
	else if (strv_eq(field, STRV("health")))
		node->health_revision = parse_number(value, 10);
	else if (strv_eq(field, STRV("tables")))
		parse_tables(node, value);
}

// ---- Agreement ---------------------------------------------------------------------------------

static struct mismatch *note_mismatch(struct cluster_nodes *nodes, const char *service)
{
	struct mismatch *m;

	for (uint32_t i = 0; i < nodes->nb_mismatches; i++)
		if (strcmp(nodes->mismatches[i].service, service) == 0)
			return &nodes->mismatches[i];
	if (nodes->nb_mismatches == CLUSTER_TABLES_MAX)
		return NULL;
	m = &nodes->mismatches[nodes->nb_mismatches++];
	*m = (struct mismatch){.since_ms = now_ms()};
	snprintf(m->service, sizeof(m->service), "%s", service);
	return m;
}

static bool compare(struct cluster_nodes *nodes, const struct cluster_node *node)
{
	const struct cluster_node *self = nodes->nodes[0];
	bool agrees = node->config_digest == self->config_digest;

	for (uint32_t i = 0; i < self->nb_tables; i++)
		for (uint32_t k = 0; k < node->nb_tables; k++) {
			struct mismatch *m;

			if (strcmp(self->tables[i].service, node->tables[k].service) != 0 ||
				self->tables[i].hash == node->tables[k].hash)
				continue;
			agrees = false;
			m = node->state == CLUSTER_NODE_ALIVE
				? note_mismatch(nodes, self->tables[i].service)
				: NULL;
			if (m != NULL)
				m->seen = true;
		}
	return agrees;
}

static void tell(struct cluster_nodes *nodes, const struct mismatch *m, bool mismatch)
{
	if (nodes->callbacks.on_mismatch != NULL)
		nodes->callbacks.on_mismatch(nodes->arg, m->service, mismatch);
}

static void check_agreement(struct cluster_nodes *nodes)
{
	int64_t now = now_ms();

	for (uint32_t i = 0; i < nodes->nb_mismatches; i++)
		nodes->mismatches[i].seen = false;
	nodes->nodes[0]->agrees = true;
	for (uint32_t i = 1; i < nodes->nb; i++)
		nodes->nodes[i]->agrees = compare(nodes, nodes->nodes[i]);
	for (uint32_t i = nodes->nb_mismatches; i-- > 0;) {
		struct mismatch *m = &nodes->mismatches[i];

		if (m->seen && !m->told && now - m->since_ms >= MISMATCH_MS) {
			m->told = true;
			tell(nodes, m, true);
		} else if (!m->seen) {
			struct mismatch over = *m;

			*m = nodes->mismatches[--nodes->nb_mismatches];
			if (over.told)
				tell(nodes, &over, false);
		}
	}
}

bool cluster_nodes_mismatch(const struct cluster_nodes *nodes, const char *service)
{
	for (uint32_t i = 0; i < nodes->nb_mismatches; i++)
		if (nodes->mismatches[i].told && strcmp(nodes->mismatches[i].service, service) == 0)
			return true;
	return false;
}

// ---- Looking at the others ---------------------------------------------------------------------

// Somebody else renews this node's lease.
static void check_clash(struct cluster_nodes *nodes, const redisReply *reply)
{
	char text[160];

	for (size_t i = 0; i + 1 < reply->elements; i += 2)
		if (strv_eq(reply_strv(reply->element[i]), STRV("instance")) &&
			!strv_eq(reply_strv(reply->element[i + 1]),
				strv_from(nodes->nodes[0]->instance)) &&
			now_ms() - nodes->clash_told_ms > 60000) {
			nodes->clash_told_ms = now_ms();
			snprintf(text, sizeof(text), "another process is node \"%s\" too",
				nodes->nodes[0]->name);
			if (nodes->callbacks.on_error != NULL)
				nodes->callbacks.on_error(nodes->arg, text);
		}
}

static void on_lease(const redisReply *reply, void *arg)
{
	struct question *question = arg;
	struct cluster_nodes *nodes = question->nodes;
	struct cluster_node *node = find_node(nodes, strv_from(question->name));

	free(question);
	if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || node == NULL)
		return;
	for (size_t i = 0; i < reply->elements; i++)
		if (reply->element[i]->type != REDIS_REPLY_STRING)
			return;
	if (node->self) {
		check_clash(nodes, reply);
		return;
	}
	if (reply->elements < 2) {
		// A Redis that lost everything may be back before the node has told it again.
		if (now_ms() - nodes->up_ms >= nodes->lease_ms)
			set_state(nodes, node, CLUSTER_NODE_GONE);
		return;
	}
	for (size_t i = 0; i + 1 < reply->elements; i += 2)
		take_field(node, reply_strv(reply->element[i]), reply_strv(reply->element[i + 1]));
	node->seen_ms = now_ms();
	set_state(nodes, node, CLUSTER_NODE_ALIVE);
	if (nodes->callbacks.on_seen != NULL)
		nodes->callbacks.on_seen(nodes->arg, node);
}

static void ask_lease(struct cluster_nodes *nodes, const struct cluster_node *node)
{
	char key[KEY_MAX + 80];
	struct strv args[] = {STRV("HGETALL"), {0}};
	struct question *question = malloc(sizeof(*question));

	if (question == NULL)
		return;
	question->nodes = nodes;
	strcpy(question->name, node->name);
	snprintf(key, sizeof(key), "%snode:%s", nodes->prefix, node->name);
	args[1] = strv_from(key);
	if (redis_send(nodes->redis, args, 2, on_lease, question) < 0)
		free(question);
}

static void forget(struct cluster_nodes *nodes, uint32_t i)
{
	char list[KEY_MAX + 8];
	struct strv args[] = {STRV("HDEL"), {0}, strv_from(nodes->nodes[i]->name)};

	snprintf(list, sizeof(list), "%snodes", nodes->prefix);
	args[1] = strv_from(list);
	redis_send(nodes->redis, args, 3, on_refused, nodes);
	free(nodes->nodes[i]);
	nodes->nb--;
	memmove(&nodes->nodes[i], &nodes->nodes[i + 1], (nodes->nb - i) * sizeof(nodes->nodes[0]));
}

// Names of nodes that are there or were not long ago.
static void on_list(const redisReply *reply, void *arg)
{
	struct cluster_nodes *nodes = arg;

	nodes->asking = false;
	if (reply == NULL)
		return;
	if (reply->type != REDIS_REPLY_ARRAY) {
		on_refused(reply, nodes);
		return;
	}
	for (size_t i = 0; i + 1 < reply->elements; i += 2) {
		struct strv name = reply_strv(reply->element[i]);
		bool sound = reply->element[i]->type == REDIS_REPLY_STRING && name.len > 0 &&
			name.len < 64;

		for (size_t k = 0; sound && k < name.len; k++)
			sound = name.ptr[k] > ' ' && name.ptr[k] <= '~';
		if (sound && find_node(nodes, name) == NULL)
			add_node(nodes, name);
	}
	for (uint32_t i = nodes->nb; i-- > 1;)
		if (nodes->nodes[i]->state == CLUSTER_NODE_GONE &&
			now_ms() - nodes->nodes[i]->seen_ms > FORGET_MS)
			forget(nodes, i);
	for (uint32_t i = 0; i < nodes->nb; i++)
		ask_lease(nodes, nodes->nodes[i]);
}

// What was seen last does not hold for ever when nothing new can be seen.
static void age(struct cluster_nodes *nodes)
{
	for (uint32_t i = 1; i < nodes->nb; i++)
		if (nodes->nodes[i]->state == CLUSTER_NODE_ALIVE &&
			now_ms() - nodes->nodes[i]->seen_ms > nodes->lease_ms)
			set_state(nodes, nodes->nodes[i], CLUSTER_NODE_UNKNOWN);
}

static void on_poll(evutil_socket_t fd, short what, void *arg)
{
	struct cluster_nodes *nodes = arg;
	char list[KEY_MAX + 8];
	struct strv args[] = {STRV("HGETALL"), {0}};

	nodes->nodes[0]->seen_ms = now_ms();
	age(nodes);
	check_agreement(nodes);
	if (nodes->up && !nodes->asking) {
		snprintf(list, sizeof(list), "%snodes", nodes->prefix);
		args[1] = strv_from(list);
		nodes->asking = redis_send(nodes->redis, args, 2, on_list, nodes) == 0;
	}
	add_timer(nodes->poll, nodes->poll_ms);
}

// ---- What this node says -----------------------------------------------------------------------

void cluster_nodes_set_config(
	struct cluster_nodes *nodes, uint64_t config_digest, uint64_t generation)
{
	nodes->nodes[0]->config_digest = config_digest;
	nodes->nodes[0]->generation = generation;
	add_timer(nodes->beat, SOON_MS);
}

void cluster_nodes_set_tables(
	struct cluster_nodes *nodes, const struct cluster_table *tables, uint32_t nb_tables)
{
	struct cluster_node *self = nodes->nodes[0];

	self->nb_tables = nb_tables < CLUSTER_TABLES_MAX ? nb_tables : CLUSTER_TABLES_MAX;
	memcpy(self->tables, tables, self->nb_tables * sizeof(*tables));
	add_timer(nodes->beat, SOON_MS);
}

void cluster_nodes_set_health_revision(struct cluster_nodes *nodes, uint64_t revision)
{
	nodes->nodes[0]->health_revision = revision;
	add_timer(nodes->beat, SOON_MS);
}

// ---- Connection, create and destroy ------------------------------------------------------------

void cluster_nodes_set_redis(struct cluster_nodes *nodes, struct redis *redis)
{
	nodes->up = false;
	nodes->redis = redis;
}

void cluster_nodes_redis_up(struct cluster_nodes *nodes)
{
	nodes->up = nodes->redis != NULL;
	nodes->up_ms = now_ms();
	add_timer(nodes->beat, 0);
	add_timer(nodes->poll, SOON_MS);
}

void cluster_nodes_redis_down(struct cluster_nodes *nodes)
{
	nodes->up = false;
}

uint32_t cluster_nodes_nb(const struct cluster_nodes *nodes)
{
	return nodes->nb;
}

const struct cluster_node *cluster_nodes_at(const struct cluster_nodes *nodes, uint32_t i)
{
	return nodes->nodes[i];
}

void cluster_nodes_set_times(struct cluster_nodes *nodes, uint32_t lease_ms, uint32_t poll_ms)
{
	nodes->lease_ms = lease_ms;
	nodes->poll_ms = poll_ms;
	add_timer(nodes->beat, SOON_MS);
}

static int add_self(struct cluster_nodes *nodes, const struct cluster_nodes_options *options)
{
	struct cluster_node *self = add_node(nodes, strv_from(options->node));
	uint64_t instance;

	if (self == NULL || getrandom(&instance, sizeof(instance), 0) != sizeof(instance))
		return -ENOMEM;
	self->self = self->agrees = true;
	self->state = CLUSTER_NODE_ALIVE;
	copy_text(self->version, sizeof(self->version), strv_from(options->version));
	snprintf(self->instance, sizeof(self->instance), "%016" PRIx64, instance);
	return 0;
}

struct cluster_nodes *cluster_nodes_create(struct event_base *base,
	const struct cluster_nodes_options *options,
	const struct cluster_nodes_callbacks *callbacks, void *arg)
{
	struct cluster_nodes *nodes;

	if (strlen(options->node) > 63 || strlen(options->cluster) > 63) {
		errno = EINVAL;
		return NULL;
	}
	nodes = calloc(1, sizeof(*nodes));
	if (nodes == NULL)
		return NULL;
	nodes->callbacks = *callbacks;
	nodes->arg = arg;
	nodes->lease_ms = options->lease_ms;
	nodes->poll_ms = options->poll_ms;
	nodes->clash_told_ms = now_ms() - 60000 + options->lease_ms;
	snprintf(nodes->prefix, sizeof(nodes->prefix), "sipshunt:{%s}:", options->cluster);
	nodes->poll = evtimer_new(base, on_poll, nodes);
	nodes->beat = evtimer_new(base, on_beat, nodes);
	if (nodes->poll == NULL || nodes->beat == NULL || add_self(nodes, options) < 0) {
		cluster_nodes_destroy(nodes);
		errno = ENOMEM;
		return NULL;
	}
	add_timer(nodes->poll, nodes->poll_ms);
	add_timer(nodes->beat, nodes->lease_ms / 3);
	return nodes;
}

void cluster_nodes_destroy(struct cluster_nodes *nodes)
{
	if (nodes == NULL)
		return;
	if (nodes->poll != NULL)
		event_free(nodes->poll);
	if (nodes->beat != NULL)
		event_free(nodes->beat);
	for (uint32_t i = 0; i < nodes->nb; i++)
		free(nodes->nodes[i]);
	free(nodes);
}
