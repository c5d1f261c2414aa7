// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "control/cli/text.h"

#define READ_SIZE 65536

struct client {
	int fd;
	const char *path;
	uint64_t deadline_ms; // of connecting and sending
	uint64_t timeout_ms;
	char *buffer; // what came after the last line
	size_t len, size;
	size_t scanned; // octets of buffer without a line end
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static const char *socket_path(const struct cli *cli)
{
	const char *path = cli->socket != NULL ? cli->socket : getenv("SIPSHUNT_SOCK");

	return path != NULL && path[0] != '\0' ? path : SIPSHUNT_SOCKET;
}

bool client_is_there(const struct cli *cli)
{
	return access(socket_path(cli), W_OK) == 0;
}

static int connect_error(const struct client *client, int error)
{
	if (error == EACCES || error == EPERM)
		return cli_fail(CLI_REFUSED, "%s: %s; the admin socket is for root and its group",
			client->path, strerror(error));
	if (error == EAGAIN)
		return cli_fail(CLI_TIMED_OUT, "%s: the control process is too busy to answer",
			client->path);
	return cli_fail(CLI_NO_DAEMON, "no control process answers on %s: %s", client->path,
		strerror(error));
}

int client_open(const struct cli *cli, struct client **result)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct client *client = calloc(1, sizeof(*client));
	int status;

	if (client == NULL)
		return cli_fail(CLI_REFUSED, "out of memory");
	client->path = socket_path(cli);
	client->timeout_ms = cli->timeout_ms;
	client->deadline_ms = now_ms() + cli->timeout_ms;
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (client->fd < 0) {
		status = cli_fail(CLI_REFUSED, "cannot make a socket: %s", strerror(errno));
		goto free_client;
	}
	if (strlen(client->path) >= sizeof(address.sun_path)) {
		status = cli_fail(CLI_USAGE, "%s: a socket's path has at most %zu bytes",
			client->path, sizeof(address.sun_path) - 1);
		goto free_client;
	}
	strcpy(address.sun_path, client->path);
	// A UNIX socket connects at once, or its backlog is full.
	while (connect(client->fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		if ((errno == EAGAIN && now_ms() < client->deadline_ms) || errno == EINTR) {
			poll(NULL, 0, 20);
			continue;
		}
		status = connect_error(client, errno);
		goto free_client;
	}
	*result = client;
	return CLI_DONE;

free_client:
	client_close(client);
	return status;
}

void client_close(struct client *client)
{
	if (client == NULL)
		return;
	if (client->fd >= 0)
		close(client->fd);
	free(client->buffer);
	free(client);
}

static int send_line(struct client *client, const char *line, size_t len)
{
	while (len > 0) {
		ssize_t nb = send(client->fd, line, len, MSG_NOSIGNAL);
		uint64_t now = now_ms();

		if (nb >= 0) {
			line += nb;
			len -= (size_t)nb;
		} else if (errno == EAGAIN) {
			struct pollfd poll_fd = {.fd = client->fd, .events = POLLOUT};

			if (now >= client->deadline_ms)
				return cli_fail(CLI_TIMED_OUT,
					"%s does not take the question within "
					"%llu ms",
					client->path, (unsigned long long)client->timeout_ms);
			poll(&poll_fd, 1, (int)(client->deadline_ms - now));
		} else if (errno != EINTR) {
			return cli_fail(CLI_NO_DAEMON, "%s: %s", client->path, strerror(errno));
		}
	}
	return CLI_DONE;
}

static json_t *command_json(const char *words, const struct cli *cli)
{
	json_t *list = json_array();

	while (*words != '\0') {
		size_t len = strcspn(words, " ");

		json_array_append_new(list, text_json((struct strv){words, len}, NULL));
		words += len + (words[len] == ' ');
	}
	for (unsigned int i = 0; cli != NULL && i < cli->nb_args; i++)
		json_array_append_new(list, text_json(strv_from(cli->args[i]), NULL));
	return list;
}

int client_send(struct client *client, const char *words, const struct cli *cli, json_t *options)
{
	json_t *request = json_object();
	const char *user = getenv("SUDO_USER");
	char *text, *line;
	size_t len;
	int status;

	if (options == NULL)
		options = json_object();
	// Behind sudo the peer's uid is root for everybody; the name helps more.
	if (user != NULL && user[0] != '\0' && strlen(user) < 64)
		json_object_set_new(options, "by", text_json(strv_from(user), NULL));
	json_object_set_new(request, "schema", json_integer(CLI_SCHEMA));
	json_object_set_new(request, "command", command_json(words, cli));
	json_object_set_new(request, "options", options);
	text = json_dumps(request, JSON_COMPACT);
	json_decref(request);
	if (text == NULL)
		return cli_fail(CLI_REFUSED, "out of memory");
	len = strlen(text);
	line = realloc(text, len + 2);
	if (line == NULL) {
		free(text);
		return cli_fail(CLI_REFUSED, "out of memory");
	}
	line[len++] = '\n';
	status = send_line(client, line, len);
	free(line);
	return status;
}

// Take the first line out of the buffer, if there is one. Returns CLI_DONE and *object may be NULL.
static int take_line(struct client *client, json_t **object)
{
	char *end = client->len > client->scanned
		? memchr(client->buffer + client->scanned, '\n', client->len - client->scanned)
		: NULL;
	json_error_t error;
	size_t len;

	*object = NULL;
	client->scanned = client->len;
	if (end == NULL)
		return CLI_DONE;
	len = (size_t)(end - client->buffer);
	*object = json_loadb(client->buffer, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	client->len -= len + 1;
	client->scanned = 0;
	memmove(client->buffer, end + 1, client->len);
	if (json_is_object(*object))
		return CLI_DONE;
	json_decref(*object);
	*object = NULL;
	return cli_fail(CLI_REFUSED, "%s: the answer is not a JSON object: byte %d of %zu: %s",
		client->path, error.position, len,
		error.text[0] != '\0' ? error.text : "another type");
}

static int make_room(struct client *client)
{
	size_t size;
	char *buffer;

	if (client->size - client->len >= READ_SIZE)
		return CLI_DONE;
	if (client->len > CLIENT_LINE_MAX)
		return cli_fail(CLI_REFUSED, "%s: an answer of more than %u bytes", client->path,
			CLIENT_LINE_MAX);
	size = client->size > 0 ? client->size * 2 : 2 * READ_SIZE;
	buffer = realloc(client->buffer, size);
	if (buffer == NULL)
		return cli_fail(CLI_REFUSED, "out of memory");
	client->buffer = buffer;
	client->size = size;
	return CLI_DONE;
}

static int wait_readable(
	struct client *client, const struct client_wait *wait, uint64_t deadline_ms)
{
	for (;;) {
		struct pollfd poll_fd = {.fd = client->fd, .events = POLLIN};
		uint64_t now = now_ms();
		int nb;

		if (wait->stop != NULL && *wait->stop)
			return CLI_TIMED_OUT;
		if (now >= deadline_ms) {
			if (wait->quiet)
				return CLI_TIMED_OUT;
			return cli_fail(CLI_TIMED_OUT, "%s: no answer within %llu ms", client->path,
				(unsigned long long)wait->timeout_ms);
		}
		// In slices, so that a signal between the test and the poll is not lost.
		nb = poll(&poll_fd, 1, (int)(deadline_ms - now < 200 ? deadline_ms - now : 200));
		if (nb > 0)
			return CLI_DONE;
	}
}

int client_receive(struct client *client, const struct client_wait *wait, json_t **object)
{
	uint64_t deadline_ms = now_ms() + wait->timeout_ms;

	for (;;) {
		ssize_t nb;
		int status = take_line(client, object);

		if (status != CLI_DONE || *object != NULL)
			return status;
		status = make_room(client);
		if (status == CLI_DONE)
			status = wait_readable(client, wait, deadline_ms);
		if (status != CLI_DONE)
			return status;
		nb = recv(client->fd, client->buffer + client->len, client->size - client->len, 0);
		if (nb > 0)
			client->len += (size_t)nb;
		else if (nb == 0)
			return cli_fail(CLI_NO_DAEMON,
				"%s: the control process closed the connection without an answer",
				client->path);
		else if (errno != EAGAIN && errno != EINTR)
			return cli_fail(CLI_NO_DAEMON, "%s: %s", client->path, strerror(errno));
	}
}

static void print_config_errors(const json_t *answer)
{
	size_t index;
	json_t *error;

	json_array_foreach(json_object_get(answer, "errors"), index, error)
	{
		char *text = NULL;

		if (asprintf(&text, "%s:%lld:%lld: %s: %s", field_text_or(error, "file", "-"),
			    (long long)field_integer(error, "line"),
			    (long long)field_integer(error, "column"),
			    field_text_or(error, "path", ""),
			    field_text_or(error, "message", "-")) < 0)
			continue;
		text_escape(stderr, strv_from(text));
		fputc('\n', stderr);
		free(text);
	}
}

int client_check(const struct cli *cli, const json_t *answer)
{
	int64_t status = field_integer(answer, "exit");

	if (field_true(answer, "ok"))
		return CLI_DONE;
	if (cli->json)
		client_print_json((json_t *)answer);
	print_config_errors(answer);
	return cli_fail(status >= CLI_REFUSED && status <= CLI_PARTLY ? (int)status : CLI_REFUSED,
		"%s",
		field_text_or(
			answer, "error", "refused, and the control process does not say why"));
}

int client_ask(const struct cli *cli, const char *words, json_t *options, json_t **answer)
{
	struct client_wait wait = {.timeout_ms = cli->timeout_ms};
	struct client *client;
	int status = client_open(cli, &client);

	*answer = NULL;
	if (status != CLI_DONE) {
		json_decref(options);
		return status;
	}
	status = client_send(client, words, cli, options);
	if (status == CLI_DONE)
		status = client_receive(client, &wait, answer);
	client_close(client);
	if (status != CLI_DONE)
		return status;
	status = client_check(cli, *answer);
	if (status != CLI_DONE) {
		json_decref(*answer);
		*answer = NULL;
	}
	return status;
}

void client_print_json(json_t *answer)
{
	if (!json_is_integer(json_object_get(answer, "schema")))
		json_object_set_new(answer, "schema", json_integer(CLI_SCHEMA));
	// All but ASCII as \u: nothing that the daemon says can act on a terminal.
	json_dumpf(answer, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	putchar('\n');
}
