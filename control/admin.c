// SPDX-License-Identifier: BSD-3-Clause
#include "control/admin.h"

#include "control/admin_command.h"
#include "control/log.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <libgen.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

LOG_TOPIC("admin");

#define REQUEST_MAX (UINT32_C(1) << 20)
#define CONNS_MAX 64

struct admin_conn {
	LIST_ENTRY(admin_conn) entry;
	struct admin *admin;
	struct bufferevent *bev;
	char user[64]; // on the other side
	bool busy; // a request is under way
	bool closing; // nothing more is read; freed once all is sent
	admin_closed_fn *closed;
	void *closed_arg;
};

struct admin {
	struct control *control;
	struct evconnlistener *listener;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	uint32_t nb_conns;
	LIST_HEAD(, admin_conn) conns;
};

static void close_conn(struct admin_conn *conn)
{
	if (conn->closed != NULL)
		conn->closed(conn->closed_arg);
	LIST_REMOVE(conn, entry);
	conn->admin->nb_conns--;
	bufferevent_free(conn->bev);
	free(conn);
}

// ---- Answers ------------------------------------------------------------------------------------

static void send_object(struct admin_conn *conn, json_t *object)
{
	char *text;

	json_object_set_new(object, "schema", json_integer(ADMIN_SCHEMA));
	text = json_dumps(object, JSON_COMPACT);
	if (text != NULL) {
		bufferevent_write(conn->bev, text, strlen(text));
		bufferevent_write(conn->bev, "\n", 1);
	}
	free(text);
	json_decref(object);
}

size_t admin_stream(struct admin_conn *conn, json_t *object)
{
	send_object(conn, object);
	return evbuffer_get_length(bufferevent_get_output(conn->bev));
}

size_t admin_waiting(const struct admin_conn *conn)
{
	return evbuffer_get_length(bufferevent_get_output(conn->bev));
}

void admin_on_close(struct admin_conn *conn, admin_closed_fn *fn, void *arg)
{
	conn->closed = fn;
	conn->closed_arg = arg;
}

static void send_answer(struct admin_conn *conn, json_t *answer)
{
	if (answer == NULL)
		answer = admin_error(ADMIN_REFUSED, "out of memory");
	if (answer == NULL)
		return;
	if (json_object_get(answer, "ok") == NULL)
		json_object_set_new(answer, "ok", json_true());
	send_object(conn, answer);
}

// ---- Requests -----------------------------------------------------------------------------------

static const char *unknown_option(const struct admin_command *command, const json_t *options)
{
	const char *name;
	json_t *value;
	char padded[64];

	json_object_foreach((json_t *)options, name, value)
	{
		if (strcmp(name, "by") == 0)
			continue;
		snprintf(padded, sizeof(padded), " %s ", name);
		if (strstr(command->options, padded) == NULL)
			return name;
	}
	return NULL;
}

// Returns the answer, or NULL when it comes later.
static json_t *handle(struct admin_conn *conn, const json_t *object)
{
	struct admin_request request = {.control = conn->admin->control, .conn = conn};
	const json_t *words = json_object_get(object, "command");
	const json_t *by;
	const struct admin_command *command;
	json_t *none = NULL, *answer;
	uint32_t nb_words;

	if (json_integer_value(json_object_get(object, "schema")) != ADMIN_SCHEMA)
		return admin_error(ADMIN_USAGE, "this daemon speaks schema %d", ADMIN_SCHEMA);
	command = admin_find_command(words, &nb_words);
	if (command == NULL)
		return admin_error(ADMIN_USAGE, "unknown command");
	request.nb_args = (uint32_t)json_array_size(words) - nb_words;
	if (request.nb_args < command->min_args || request.nb_args > command->max_args)
		return admin_error(ADMIN_USAGE, "%s: wrong number of arguments", command->words);
	for (uint32_t i = 0; i < request.nb_args; i++)
		request.args[i] = json_string_value(json_array_get(words, nb_words + i));
	request.options = json_object_get(object, "options");
	if (!json_is_object(request.options))
		request.options = none = json_object();
	if (unknown_option(command, request.options) != NULL) {
		answer = admin_error(ADMIN_USAGE, "%s: unknown option \"%s\"", command->words,
			unknown_option(command, request.options));
	} else {
		by = json_object_get(request.options, "by");
		snprintf(request.by, sizeof(request.by), "%s",
			json_is_string(by) && json_string_length(by) > 0 ? json_string_value(by)
									 : conn->user);
		answer = command->handler(&request);
	}
	json_decref(none);
	return answer;
}

static void handle_line(struct admin_conn *conn, const char *line, size_t len)
{
	json_error_t error;
	json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	json_t *answer;

	conn->busy = true;
	if (!json_is_object(object))
		answer = admin_error(ADMIN_USAGE, "not a JSON object: %s", error.text);
	else
		answer = handle(conn, object);
	json_decref(object);
	if (answer != NULL) {
		send_answer(conn, answer);
		conn->busy = false;
	}
}

static void handle_lines(struct admin_conn *conn)
{
	struct evbuffer *in = bufferevent_get_input(conn->bev);

	while (!conn->busy && !conn->closing) {
		size_t len;
		char *line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF);

		if (line == NULL)
			break;
		handle_line(conn, line, len);
		free(line);
	}
	if (!conn->busy && evbuffer_get_length(in) > REQUEST_MAX) {
		send_answer(conn, admin_error(ADMIN_USAGE, "a request is too long"));
		conn->closing = true;
		bufferevent_disable(conn->bev, EV_READ);
	}
}

void admin_reply(struct admin_conn *conn, json_t *answer)
{
	conn->closed = NULL;
	conn->busy = false;
	send_answer(conn, answer);
	// Requests that came meanwhile are read from the loop, not from whoever calls this.
	bufferevent_trigger(conn->bev, EV_READ, BEV_OPT_DEFER_CALLBACKS);
}

// ---- Connections --------------------------------------------------------------------------------

static void on_read(struct bufferevent *bev, void *arg)
{
	handle_lines(arg);
}

static void on_written(struct bufferevent *bev, void *arg)
{
	struct admin_conn *conn = arg;

	if (conn->closing && evbuffer_get_length(bufferevent_get_output(bev)) == 0)
		close_conn(conn);
}

static void on_end(struct bufferevent *bev, short what, void *arg)
{
	struct admin_conn *conn = arg;
	struct evbuffer *out = bufferevent_get_output(bev);

	// A client may shut down its side after the last request and still read our answers.
	if ((what & BEV_EVENT_EOF) != 0 && !conn->busy && evbuffer_get_length(out) > 0) {
		conn->closing = true;
		return;
	}
	close_conn(conn);
}

static void name_peer(int fd, char *out, size_t size)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	const struct passwd *user = NULL;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0)
		user = getpwuid(cred.uid);
	else
		cred.uid = (uid_t)-1;
	if (user != NULL)
		snprintf(out, size, "%s", user->pw_name);
	else
		snprintf(out, size, "uid %u", cred.uid);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr,
	int len, void *arg)
{
	struct admin *admin = arg;
	struct admin_conn *conn = calloc(1, sizeof(*conn));

	if (conn == NULL || admin->nb_conns >= CONNS_MAX)
		goto close_fd;
	conn->bev = bufferevent_socket_new(
		admin->control->base, fd, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (conn->bev == NULL)
		goto close_fd;
	conn->admin = admin;
	name_peer(fd, conn->user, sizeof(conn->user));
	LIST_INSERT_HEAD(&admin->conns, conn, entry);
	admin->nb_conns++;
	bufferevent_setcb(conn->bev, on_read, on_written, on_end, conn);
	bufferevent_setwatermark(conn->bev, EV_READ, 0, REQUEST_MAX + 1);
	bufferevent_enable(conn->bev, EV_READ | EV_WRITE);
	return;

close_fd:
	free(conn);
	close(fd);
}

// A socket file that nobody serves is left over from a crash. Returns 0, or -EADDRINUSE.
static int clear_path(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0)
		rc = -EADDRINUSE;
	else if (errno == ECONNREFUSED)
		unlink(addr->sun_path);
	close(fd);
	return rc;
}

static int listen_on(struct admin *admin)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char dir[sizeof(addr.sun_path)];
	mode_t mask;
	int rc;

	memcpy(addr.sun_path, admin->path, sizeof(addr.sun_path));
	memcpy(dir, admin->path, sizeof(dir));
	if (mkdir(dirname(dir), 0755) < 0 && errno != EEXIST)
		LOG(DEBUG, "the folder of %s: %s", admin->path, strerror(errno));
	rc = clear_path(&addr);
	if (rc < 0)
		return rc;
	// Born with the right mode: there is no moment at which others could connect.
	mask = umask(0117);
	admin->listener = evconnlistener_new_bind(admin->control->base, on_accept, admin,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 16, (struct sockaddr *)&addr,
		sizeof(addr));
	umask(mask);
	return admin->listener == NULL ? -errno : 0;
}

struct admin *admin_create(struct control *control)
{
	struct admin *admin = calloc(1, sizeof(*admin));
	const char *path = control->boot->admin.socket;
	int rc = -ENAMETOOLONG;

	if (admin == NULL)
		return NULL;
	admin->control = control;
	LIST_INIT(&admin->conns);
	if (strlen(path) < sizeof(admin->path)) {
		strcpy(admin->path, path);
		rc = listen_on(admin);
	}
	if (rc == 0)
		return admin;
	LOG(ERR, "%s: %s", path,
		rc == -EADDRINUSE ? "another sipshunt-control serves it" : strerror(-rc));
	free(admin);
	errno = -rc;
	return NULL;
}

void admin_destroy(struct admin *admin)
{
	if (admin == NULL)
		return;
	while (!LIST_EMPTY(&admin->conns))
		close_conn(LIST_FIRST(&admin->conns));
	evconnlistener_free(admin->listener);
	unlink(admin->path);
	free(admin);
}
