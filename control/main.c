// SPDX-License-Identifier: BSD-3-Clause
#include "control/control.h"
#include "control/health.h"
#include "control/log.h"
#include "control/parts.h"
#include "control/ready.h"
#include "control/reload.h"
#include "control/sd_notify.h"

#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

LOG_TOPIC("main");

#define READY_LOOK_MS 50
#define FIRST_PASS_MS 5000 // longest wait for the backends' first answers

struct options {
	const char *config_path;
	const char *socket; // NULL: of the file
	bool foreground;
};

struct main_loop {
	struct control control;
	struct options options;
	struct event *signals[3];
	struct event *ready_timer;
	int64_t published_ms; // when packets could flow but for the backends' health; 0: not yet
};

static void usage(FILE *out)
{
	fputs("usage: sipshunt-control -c FILE [--socket PATH] [--foreground]\n"
	      "  -c, --config FILE   the configuration\n"
	      "      --socket PATH   of the dataplane, instead of dataplane.socket\n"
	      "      --foreground    log to stderr whatever log.target says, write \"ready\" to\n"
	      "                      stdout once packets can flow, and end with status 3 when\n"
	      "                      the dataplane cannot start\n"
	      "      --help, --version\n",
		out);
}

// Returns -1 to go on, or the exit status.
static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{"config", required_argument, NULL, 'c'},
		{"socket", required_argument, NULL, 's'},
		{"foreground", no_argument, NULL, 'f'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "c:hV", known, NULL)) != -1) {
		switch (opt) {
		case 'c':
			options->config_path = optarg;
			break;
		case 's':
			options->socket = optarg;
			break;
		case 'f':
			options->foreground = true;
			break;
		case 'h':
			usage(stdout);
			return 0;
		case 'V':
			puts("sipshunt-control " SIPSHUNT_VERSION);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (options->config_path == NULL || optind < argc) {
		usage(stderr);
		return 2;
	}
	return -1;
}

static int load_config(struct main_loop *loop)
{
	struct config_errors errs = {0};
	struct config *config = config_load(loop->options.config_path, &errs);
	struct config_log log;
	char text[256];
	int rc;

	if (config == NULL) {
		config_errors_print(stderr, &errs);
		fprintf(stderr, "%u errors, not started\n", errs.nb_items + errs.nb_dropped);
		config_errors_fini(&errs);
		return -EINVAL;
	}
	config_errors_fini(&errs);
	log = config->log;
	if (loop->options.foreground)
		log.target = CONFIG_LOG_STDERR;
	log_init(&log);
	if (reload_check_ids(config, text, sizeof(text)) < 0) {
		fprintf(stderr, "%s\n", text);
		config_destroy(config);
		return -EINVAL;
	}
	if (!config->has_keys)
		LOG(WARNING,
			"no cluster_keys: a key is made up; calls will not survive a restart "
			"of both processes, and no second node can share them");
	rc = control_init(&loop->control);
	if (rc == 0)
		rc = control_apply_config(&loop->control, config);
	if (rc < 0)
		config_destroy(config);
	else
		loop->control.last_reload = (struct last_reload){
			.success = true,
			.when_ms = control_wall_ms(),
			.success_ms = control_wall_ms(),
		};
	return rc;
}

static void on_stop(evutil_socket_t fd, short what, void *arg)
{
	struct main_loop *loop = arg;

	LOG(NOTICE, "%s: ending; the dataplane runs on", strsignal(fd));
	sd_notify_send("STOPPING=1");
	event_base_loopbreak(loop->control.base);
}

static void on_hup(evutil_socket_t fd, short what, void *arg)
{
	struct main_loop *loop = arg;

	reload_start(&loop->control, false, NULL, NULL);
}

// Ready is said once: when a snapshot is published and every backend had its first probe, or long
// enough time for it.
static void on_ready_timer(evutil_socket_t fd, short what, void *arg)
{
	struct main_loop *loop = arg;
	struct control *control = &loop->control;
	int64_t now = control_now_ms();

	if (control->dataplane.snapshot == NULL || control->dataplane.link != LINK_RUNNING ||
		ready_workers_alive(control) < control->dataplane.nb_workers) {
		loop->published_ms = 0;
		return;
	}
	if (loop->published_ms == 0)
		loop->published_ms = now;
	if (!health_first_pass_done(control->health) && now - loop->published_ms < FIRST_PASS_MS)
		return;
	event_del(loop->ready_timer);
	control->said_ready = true;
	sd_notify_send("READY=1\nSTATUS=%u services, generation %llu", control->nb_services,
		(unsigned long long)control->dataplane.generation);
	LOG(NOTICE, "ready");
	if (loop->options.foreground) {
		puts("ready");
		fflush(stdout);
	}
}

static int add_events(struct main_loop *loop)
{
	struct event_base *base = loop->control.base;
	struct timeval look = {0, READY_LOOK_MS * 1000};

	loop->signals[0] = evsignal_new(base, SIGTERM, on_stop, loop);
	loop->signals[1] = evsignal_new(base, SIGINT, on_stop, loop);
	loop->signals[2] = evsignal_new(base, SIGHUP, on_hup, loop);
	loop->ready_timer = event_new(base, -1, EV_PERSIST, on_ready_timer, loop);
	for (unsigned int i = 0; i < 3; i++) {
		if (loop->signals[i] == NULL || event_add(loop->signals[i], NULL) < 0)
			return -ENOMEM;
	}
	if (loop->ready_timer == NULL)
		return -ENOMEM;
	event_add(loop->ready_timer, &look);
	return 0;
}

static void free_events(struct main_loop *loop)
{
	for (unsigned int i = 0; i < 3; i++) {
		if (loop->signals[i] != NULL)
			event_free(loop->signals[i]);
	}
	if (loop->ready_timer != NULL)
		event_free(loop->ready_timer);
}

// libevent's own words, mostly about name servers.
static void on_event_log(int severity, const char *text)
{
	if (severity >= EVENT_LOG_WARN)
		LOG(WARNING, "%s", text);
	else
		LOG(DEBUG, "%s", text);
}

int main(int argc, char **argv)
{
	static struct main_loop loop;
	int rc = parse_options(argc, argv, &loop.options);

	if (rc >= 0)
		return rc;
	signal(SIGPIPE, SIG_IGN);
	event_set_log_callback(on_event_log);
	loop.control.config_path = loop.options.config_path;
	loop.control.ends_with_dataplane = loop.options.foreground;
	if (load_config(&loop) < 0)
		return 1;
	loop.control.base = event_base_new();
	if (loop.control.base == NULL)
		return 1;
	rc = parts_start(&loop.control, loop.options.socket);
	if (rc == 0)
		rc = add_events(&loop);
	if (rc == 0)
		event_base_dispatch(loop.control.base);
	else
		LOG(ERR, "not started: %s", strerror(-rc));
	if (rc < 0)
		loop.control.exit_status = 1;
	rc = loop.control.exit_status;
	free_events(&loop);
	parts_stop(&loop.control);
	return rc;
}
