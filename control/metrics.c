// SPDX-License-Identifier: BSD-3-Clause
#include "control/metrics.h"

#include "control/log.h"
#include "control/metrics_page.h"
#include "control/metrics_text.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <event2/util.h>

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

LOG_TOPIC("metrics");

#define HEADERS_MAX 8192 // octets of a request
#define BODY_MAX 1024
#define TIMEOUT_S 10 // without progress
#define PAGES_MAX 16 // on their way at once
#define BACKLOG 16

struct metrics {
	struct control *control;
	struct evhttp *http;
	char **paths; // of our UNIX sockets
	uint32_t nb_paths;
	uint32_t nb_pages; // being sent
};

static void refuse(struct evhttp_request *request, int status, const char *reason)
{
	evhttp_add_header(evhttp_request_get_output_headers(request), "Connection", "close");
	evhttp_send_error(request, status, reason);
}

// The reader has it all.
static void on_sent(struct evhttp_request *request, void *arg)
{
	struct metrics *metrics = arg;

	metrics->nb_pages--;
	evhttp_connection_set_closecb(evhttp_request_get_connection(request), NULL, NULL);
}

// The reader went away before that; on_sent() does not come then.
static void on_closed(struct evhttp_connection *connection, void *arg)
{
	struct metrics *metrics = arg;

	metrics->nb_pages--;
}

static unsigned int scopes_of(struct evhttp_request *request)
{
	const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request));
	struct evkeyvalq params;
	unsigned int scopes;

	if (query == NULL || evhttp_parse_query_str(query, &params) != 0)
		return METRICS_ALL;
	scopes = metrics_scope_parse(evhttp_find_header(&params, "scope"));
	evhttp_clear_headers(&params);
	return scopes;
}

static void on_metrics(struct evhttp_request *request, void *arg)
{
	struct metrics *metrics = arg;
	unsigned int scopes = scopes_of(request);
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct evbuffer *page;

	if (scopes == 0) {
		refuse(request, HTTP_BADREQUEST, "no such scope");
		return;
	}
	page = metrics->nb_pages < PAGES_MAX ? evbuffer_new() : NULL;
	if (page == NULL) {
		refuse(request, HTTP_SERVUNAVAIL, "too many readers");
		return;
	}
	metrics_page(metrics->control, scopes, page);
	metrics->nb_pages++;
	evhttp_request_set_on_complete_cb(request, on_sent, metrics);
	evhttp_connection_set_closecb(evhttp_request_get_connection(request), on_closed, metrics);
	evhttp_add_header(headers, "Content-Type", METRICS_CONTENT_TYPE);
	evhttp_send_reply(request, HTTP_OK, "OK", page);
	evbuffer_free(page);
}

static void on_other(struct evhttp_request *request, void *arg)
{
	refuse(request, HTTP_NOTFOUND, "see /metrics");
}

// ---- Sockets -----------------------------------------------------------------------------------

static int listen_unix(struct metrics *metrics, const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct evconnlistener *listener;

	if (strlen(path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	strcpy(sun.sun_path, path);
	// Ours from an earlier life: the admin socket told whether somebody else runs this node.
	unlink(path);
	listener = evconnlistener_new_bind(metrics->control->base, NULL, NULL,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, BACKLOG, (struct sockaddr *)&sun,
		sizeof(sun));
	if (listener == NULL)
		return -errno;
	chmod(path, 0660);
	if (evhttp_bind_listener(metrics->http, listener) == NULL) {
		evconnlistener_free(listener);
		return -ENOMEM;
	}
	metrics->paths[metrics->nb_paths++] = strdup(path);
	return 0;
}

static int listen_host(struct metrics *metrics, const struct config_socket *address)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *infos = NULL;
	struct evconnlistener *listener;
	char port[8];
	int rc = 0;

	snprintf(port, sizeof(port), "%u", address->port);
	if (getaddrinfo(address->host, port, &hints, &infos) != 0)
		return -EADDRNOTAVAIL;
	listener = evconnlistener_new_bind(metrics->control->base, NULL, NULL,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, BACKLOG,
		infos->ai_addr, (int)infos->ai_addrlen);
	if (listener == NULL) {
		rc = -errno;
	} else if (evhttp_bind_listener(metrics->http, listener) == NULL) {
		evconnlistener_free(listener);
		rc = -ENOMEM;
	}
	freeaddrinfo(infos);
	return rc;
}

static uint32_t listen_all(struct metrics *metrics, const struct config_metrics *config)
{
	uint32_t nb = 0;

	for (uint32_t i = 0; i < config->nb_listen; i++) {
		const struct config_socket *address = &config->listen[i];
		int rc = address->path != NULL ? listen_unix(metrics, address->path)
					       : listen_host(metrics, address);

		if (rc < 0)
			LOG(ERR, "cannot listen on %s: %s",
				address->path != NULL ? address->path : address->host,
				strerror(-rc));
		else
			nb++;
	}
	return nb;
}

struct metrics *metrics_create(struct control *control)
{
	const struct config_metrics *config = &control->boot->metrics;
	struct metrics *metrics = calloc(1, sizeof(*metrics));

	if (metrics == NULL)
		return NULL;
	metrics->control = control;
	metrics->paths = calloc(config->nb_listen + 1, sizeof(*metrics->paths));
	metrics->http = evhttp_new(control->base);
	if (metrics->paths == NULL || metrics->http == NULL) {
		metrics_destroy(metrics);
		errno = ENOMEM;
		return NULL;
	}
	evhttp_set_allowed_methods(metrics->http, EVHTTP_REQ_GET);
	evhttp_set_max_headers_size(metrics->http, HEADERS_MAX);
	evhttp_set_max_body_size(metrics->http, BODY_MAX);
	evhttp_set_timeout(metrics->http, TIMEOUT_S);
	evhttp_set_cb(metrics->http, "/metrics", on_metrics, metrics);
	evhttp_set_gencb(metrics->http, on_other, metrics);
	if (listen_all(metrics, config) == 0) {
		metrics_destroy(metrics);
		errno = EADDRNOTAVAIL;
		return NULL;
	}
	return metrics;
}

void metrics_destroy(struct metrics *metrics)
{
	if (metrics == NULL)
		return;
	if (metrics->http != NULL)
		evhttp_free(metrics->http);
	for (uint32_t i = 0; i < metrics->nb_paths; i++) {
		unlink(metrics->paths[i]);
		free(metrics->paths[i]);
	}
	free(metrics->paths);
	free(metrics);
}
