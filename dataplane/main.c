// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/housekeeping.h"
#include "dataplane/log.h"
#include "dataplane/notify.h"

#include <rte_eal.h>

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

LOG_TOPIC("main");

#define SOCKET_DIR "/run/sipshunt"
#define SOCKET_PATH SOCKET_DIR "/dataplane.sock"

static volatile int stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static void catch_signals(void)
{
	// No SA_RESTART: a signal ends the wait of the loop.
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int usage(FILE *to, int code)
{
	fputs("Usage: sipshunt-dataplane [--socket PATH] [--log-level LEVEL]\n"
	      "Forwards SIP as sipshunt-control tells it through the socket.\n"
	      "  --socket PATH      where to listen (" SOCKET_PATH ")\n"
	      "  --log-level LEVEL  error, warning, notice, info or debug (info)\n"
	      "  --foreground       accepted for symmetry: it never goes to the background\n",
		to);
	return code;
}

// Returns -1 to go on, else the exit code.
static int read_options(int argc, char **argv, const char **path)
{
	static const struct option options[] = {
		{"socket", required_argument, NULL, 's'},
		{"log-level", required_argument, NULL, 'l'},
		{"foreground", no_argument, NULL, 'f'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	enum log_level level = LOG_INFO;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 's':
			*path = optarg;
			break;
		case 'l':
			if (log_level_from_name(optarg, &level) != 0)
				return usage(stderr, 2);
			break;
		case 'f':
			break;
		case 'h':
			return usage(stdout, 0);
		default:
			return usage(stderr, 2);
		}
	}
	if (optind != argc)
		return usage(stderr, 2);
	log_set_level(level);
	return -1;
}

int main(int argc, char **argv)
{
	static struct dataplane dp;
	struct session session = {.dp = &dp};
	const char *path = SOCKET_PATH;
	int ret = read_options(argc, argv, &path);

	if (ret >= 0)
		return ret;
	catch_signals();
	dataplane_init(&dp);
	if (strcmp(path, SOCKET_PATH) == 0 && mkdir(SOCKET_DIR, 0755) != 0 && errno != EEXIST)
		LOG(WARNING, "%s: %s", SOCKET_DIR, strerror(errno));
	session.server = ipc_server_create(path);
	if (session.server == NULL) {
		LOG(ERR, "%s: %s", path, strerror(errno));
		return EXIT_FAILURE;
	}
	LOG(INFO, "waiting for control at %s", path);
	notify("READY=1");

	housekeeping_run(&session, &stop);

	notify("STOPPING=1");
	LOG(INFO, "stopping");
	ipc_server_destroy(session.server);
	if (dp.state == IPC_RUNNING) {
		dataplane_stop(&dp);
		rte_eal_cleanup();
	}
	return EXIT_SUCCESS;
}
