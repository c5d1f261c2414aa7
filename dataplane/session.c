// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/session.h"

#include "dataplane/dispatch/binding_table.h"
#include "dataplane/log.h"
#include "dataplane/names.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

LOG_TOPIC("session");

#define MESSAGES_PER_POLL 64 // so that a busy control does not stop housekeeping

static void send_hello(struct session *session)
{
	struct dataplane *dp = session->dp;
	struct ipc_hello hello = {
		.state = dp->state,
		.pid = (uint32_t)getpid(),
		.start_digest = dp->start.digest,
	};
	int fds[IPC_FDS_MAX];

	if (dp->publisher.current != NULL)
		hello.generation = dp->publisher.current->snap->generation;
	if (dp->state == IPC_RUNNING)
		fds[hello.nb_fds++] = dp->shm.fd;
	if (dp->state == IPC_RUNNING && dp->snapshot_fd >= 0)
		fds[hello.nb_fds++] = dp->snapshot_fd;
	snprintf(hello.error, sizeof(hello.error), "%s", dp->error);
	ipc_server_send(session->server,
		&(struct ipc_out){IPC_HELLO, &hello, sizeof(hello), fds, hello.nb_fds});
}

static int on_start(struct session *session, struct ipc_in *in)
{
	struct dataplane *dp = session->dp;
	struct ipc_started started = {0};
	struct ipc_out out = {IPC_STARTED, &started, sizeof(started), NULL, 0};
	struct ipc_start start;

	if (in->len != sizeof(start))
		return -EBADMSG;
	memcpy(&start, in->body, sizeof(start));
	if (dp->state == IPC_IDLE) {
		started.error = dataplane_start(dp, &start, started.text, sizeof(started.text));
	} else if (dp->state == IPC_FAILED || start.digest != dp->start.digest) {
		started.error = -EALREADY;
		snprintf(started.text, sizeof(started.text), "%s",
			dp->state == IPC_FAILED ? dp->error
						: "it runs, with other ports or workers");
	}
	if (started.error == 0) {
		started.nb_workers = dp->nb_workers;
		started.nb_ports = dp->nb_ports;
		for (uint16_t i = 0; i < dp->nb_ports; i++) {
			struct ipc_port_info *info = &started.ports[i];
			const struct port *port = &dp->ports[i];

			snprintf(info->name, sizeof(info->name), "%s", port->name);
			snprintf(info->twin, sizeof(info->twin), "%s", port->twin);
			memcpy(info->mac, port->mac.addr_bytes, sizeof(info->mac));
			info->link_up = port->link_up;
			info->mtu = port->mtu;
		}
		out.fds = &dp->shm.fd;
		out.nb_fds = 1;
	}
	return ipc_server_send(session->server, &out);
}

static int send_done(struct session *session, uint64_t generation, int error, const char *why)
{
	struct ipc_snapshot_done done = {.generation = generation, .error = error};

	snprintf(done.text, sizeof(done.text), "%s", why != NULL ? why : "");
	return ipc_server_send(session->server,
		&(struct ipc_out){IPC_SNAPSHOT_DONE, &done, sizeof(done), NULL, 0});
}

static int on_snapshot(struct session *session, struct ipc_in *in)
{
	const char *why = "the dataplane does not run";
	struct ipc_snapshot msg;
	int ret = -ENODEV;

	if (in->len != sizeof(msg) || in->fd < 0)
		return -EBADMSG;
	memcpy(&msg, in->body, sizeof(msg));
	if (session->dp->state == IPC_RUNNING)
		ret = dataplane_publish(session->dp, in->fd, &msg, &why);
	if (ret != 0) {
		LOG(WARNING, "snapshot %lu was refused: %s", msg.generation, why);
		return send_done(session, msg.generation, ret, why);
	}
	in->fd = -1;
	// Two in a row: the first one's end is also said by the second one's.
	if (session->done_generation != 0)
		send_done(session, session->done_generation, 0, NULL);
	session->done_generation = msg.generation;
	session_reclaimed(session);
	return 0;
}

void session_reclaimed(struct session *session)
{
	if (!publisher_reclaim(&session->dp->publisher) || session->done_generation == 0)
		return;
	if (ipc_server_connected(session->server))
		send_done(session, session->done_generation, 0, NULL);
	session->done_generation = 0;
}

static int on_bits(struct session *session, struct ipc_in *in)
{
	const struct ipc_bits *bits = in->body;

	if (in->len < sizeof(*bits) || bits->nb > SNAPSHOT_BACKENDS_MAX ||
		in->len != sizeof(*bits) + bits->nb * sizeof(bits->entries[0]))
		return -EBADMSG;
	if (session->dp->publisher.current != NULL)
		published_set_bits(session->dp->publisher.current, bits);
	return 0;
}

static int on_neighbour(struct session *session, struct ipc_in *in)
{
	struct dataplane *dp = session->dp;
	struct ipc_neighbour msg;
	struct rte_ether_addr mac;

	if (in->len != sizeof(msg))
		return -EBADMSG;
	memcpy(&msg, in->body, sizeof(msg));
	if (msg.ip.family != 4 && msg.ip.family != 6)
		return -EBADMSG;
	// A port that is not there, or none runs: late news about a start that failed.
	if (dp->state != IPC_RUNNING || msg.port >= dp->nb_ports)
		return 0;
	memcpy(mac.addr_bytes, msg.mac, sizeof(mac.addr_bytes));
	if (!msg.valid)
		neighbour_del(dp->neighbours, msg.port, &msg.ip);
	else if (neighbour_set(dp->neighbours, msg.port, &msg.ip, &mac) != 0)
		LOG(WARNING, "%s: no room for another neighbour", dp->ports[msg.port].name);
	return 0;
}

// "Expires: 4294967295" is a lifetime (RFC 3261 section 20.19), not the past.
static uint32_t expiry_s(uint64_t now_ms, uint32_t lifetime_s)
{
	return (uint32_t)RTE_MIN(now_ms / 1000 + lifetime_s, (uint64_t)UINT32_MAX);
}

static int on_bindings(struct session *session, struct ipc_in *in)
{
	struct binding_table *table = session->dp->bindings;
	const struct ipc_bindings *msg = in->body;
	const char *p = (const char *)(msg + 1), *end = (const char *)in->body + in->len;
	uint32_t lost = 0;

	if (in->len < sizeof(*msg))
		return -EBADMSG;
	for (uint32_t i = 0; i < msg->nb; i++) {
		struct ipc_binding binding;
		struct strv user, host;
		uint64_t hash;
		size_t len;

		if ((size_t)(end - p) < sizeof(binding))
			return -EBADMSG;
		memcpy(&binding, p, sizeof(binding));
		p += sizeof(binding);
		len = RTE_ALIGN_CEIL((size_t)binding.user_len + binding.host_len, 4);
		if ((size_t)(end - p) < len)
			return -EBADMSG;
		user = (struct strv){p, binding.user_len};
		host = (struct strv){p + binding.user_len, binding.host_len};
		p += len;
		if (table == NULL)
			continue;
		hash = binding_table_hash(table, user, host);
		if (binding.backend_id == 0)
			binding_table_del(table, hash);
		else if (binding_table_set(table, hash, binding.backend_id,
				 expiry_s(session->dp->clock.now_ms, binding.lifetime_s)) != 0)
			lost++;
	}
	if (lost > 0)
		LOG(WARNING, "the binding table is full: %u bindings are not in it", lost);
	return 0;
}

static int on_name(struct session *session, struct ipc_in *in)
{
	struct dataplane *dp = session->dp;
	struct ipc_name msg;
	uint64_t hash;

	if (in->len != sizeof(msg))
		return -EBADMSG;
	memcpy(&msg, in->body, sizeof(msg));
	if (msg.host_len == 0 || msg.host_len > IPC_HOST_MAX || msg.ok > 1 ||
		(msg.ok && ((msg.to.ip.family != 4 && msg.to.ip.family != 6) || msg.to.port == 0)))
		return -EBADMSG;
	if (dp->state != IPC_RUNNING)
		return 0;
	if (!msg.ok)
		msg.to = (struct endpoint){0};
	hash = name_hash(dp->names, (struct strv){msg.host, msg.host_len}, msg.port);
	name_set(dp->names, hash, &msg.to, dp->clock.now_ms + msg.ttl_ms);
	return 0;
}

static int on_trace(struct session *session, struct ipc_in *in)
{
	const struct ipc_trace *trace = in->body;

	if (in->len != sizeof(*trace) || trace->field > IPC_TRACE_SOURCE ||
		trace->pattern_len > sizeof(trace->pattern))
		return -EBADMSG;
	trace_set(&session->dp->trace, trace);
	return 0;
}

static int on_log(struct session *session, struct ipc_in *in)
{
	const struct ipc_log *log = in->body;

	if (in->len != sizeof(*log) || log->level < LOG_ERR || log->level > LOG_DEBUG)
		return -EBADMSG;
	log_set_level((enum log_level)log->level);
	return 0;
}

static int dispatch_message(struct session *session, struct ipc_in *in)
{
	static int (*const handlers[IPC_TYPES])(struct session *, struct ipc_in *) = {
		[IPC_START] = on_start,
		[IPC_SNAPSHOT] = on_snapshot,
		[IPC_BITS] = on_bits,
		[IPC_NEIGHBOUR] = on_neighbour,
		[IPC_BINDINGS] = on_bindings,
		[IPC_TRACE] = on_trace,
		[IPC_LOG] = on_log,
		[IPC_NAME] = on_name,
	};
	int ret = handlers[in->type] != NULL ? handlers[in->type](session, in) : -EBADMSG;

	if (in->fd >= 0)
		close(in->fd);
	return ret;
}

static void hang_up(struct session *session, int error)
{
	LOG(NOTICE, "control is gone (%s); packets flow by what is here", strerror(-error));
	ipc_server_hang_up(session->server);
}

void session_poll(struct session *session, const struct pollfd fds[2])
{
	struct ipc_in in;
	int ret = 0;

	if (fds[1].revents != 0) {
		for (unsigned int i = 0; ret == 0 && i < MESSAGES_PER_POLL; i++) {
			ret = ipc_server_receive(session->server, &in);
			if (ret == 0)
				ret = dispatch_message(session, &in);
		}
		if (ret != 0 && ret != -EAGAIN && ipc_server_connected(session->server))
			hang_up(session, ret);
	}
	if (fds[0].revents != 0 && ipc_server_accept(session->server) == 0) {
		session->done_generation = 0;
		send_hello(session);
	}
}

void session_port(struct session *session, uint32_t port, bool link_up)
{
	const struct ipc_port msg = {.port = port, .link_up = link_up};

	if (ipc_server_connected(session->server))
		ipc_server_send(
			session->server, &(struct ipc_out){IPC_PORT, &msg, sizeof(msg), NULL, 0});
}
