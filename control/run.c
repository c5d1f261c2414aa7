// SPDX-License-Identifier: BSD-3-Clause
#include "control/run.h"

#include "config/config.h"
#include "control/ipc_client.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STOP_MS 5000 // a child that does not end by then is killed
#define PAUSE_MIN_MS 100 // before control is started again
#define PAUSE_MAX_MS 5000
#define SETTLED_MS 10000 // a control that lived so long starts the pauses anew
#define EXEC_FAILED 127

struct runner {
	const struct run_options *options;
	char dataplane_path[PATH_MAX], control_path[PATH_MAX];
	char socket[PATH_MAX];
	sigset_t old_mask;
	pid_t dataplane, control; // 0: not running
	bool control_was_up; // it has run for a while at least once
	int64_t control_started_ms;
	int64_t restart_ms; // when control is started again; 0: not waiting
	int64_t pause_ms;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// ---- Finding the programs -----------------------------------------------------------------------

static bool try_path(char out[PATH_MAX], const char *dir, const char *below, const char *name)
{
	return snprintf(out, PATH_MAX, "%s/%s%s", dir, below, name) < PATH_MAX &&
		access(out, X_OK) == 0;
}

// `room` is where the build tree has it, seen from the CLI's folder.
static int find_program(const char *name, const char *room, char out[PATH_MAX])
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *dir;

	if (len > 0) {
		self[len] = '\0';
		dir = dirname(self);
		if (try_path(out, dir, "", name) ||
			try_path(out, dir, "../libexec/sipshunt/", name) ||
			try_path(out, dir, room, name))
			return 0;
	}
	for (const char *path = getenv("PATH"); path != NULL && *path != '\0';) {
		size_t part = strcspn(path, ":");

		if (part > 0 &&
			snprintf(out, PATH_MAX, "%.*s/%s", (int)part, path, name) < PATH_MAX &&
			access(out, X_OK) == 0)
			return 0;
		path += part + (path[part] == ':');
	}
	fprintf(stderr, "sipshunt: there is no %s beside this program or in $PATH\n", name);
	return -ENOENT;
}

static int take_program(const char *given, const char *name, const char *room, char out[PATH_MAX])
{
	if (given == NULL)
		return find_program(name, room, out);
	return snprintf(out, PATH_MAX, "%s", given) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

// ---- Children -----------------------------------------------------------------------------------

static pid_t start(struct runner *runner, char *const argv[])
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	// A terminal's Ctrl-C is for the parent, which ends its children in order.
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EXEC_FAILED);
	sigprocmask(SIG_SETMASK, &runner->old_mask, NULL);
	execv(argv[0], argv);
	fprintf(stderr, "sipshunt: %s: %s\n", argv[0], strerror(errno));
	_exit(EXEC_FAILED);
}

static int start_dataplane(struct runner *runner)
{
	char *argv[] = {runner->dataplane_path, "--socket", runner->socket, NULL};

	runner->dataplane = start(runner, argv);
	return runner->dataplane < 0 ? -errno : 0;
}

static int start_control(struct runner *runner)
{
	char *argv[] = {runner->control_path, "-c", (char *)runner->options->config_path,
		"--socket", runner->socket, "--foreground", NULL};

	runner->restart_ms = 0;
	runner->control_started_ms = now_ms();
	runner->control = start(runner, argv);
	return runner->control < 0 ? -errno : 0;
}

static const char *describe(int status, char text[64])
{
	if (WIFSIGNALED(status))
		snprintf(text, 64, "killed by signal %d (%s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	else
		snprintf(text, 64, "exit status %d", WEXITSTATUS(status));
	return text;
}

// Returns -1 to go on, or the exit status.
static int control_died(struct runner *runner, int status)
{
	char text[64];
	bool settled = now_ms() - runner->control_started_ms >= SETTLED_MS;

	runner->control = 0;
	// The dataplane cannot start: its own words are on stderr.
	if (WIFEXITED(status) && WEXITSTATUS(status) == IPC_CLIENT_EXIT_FAILED)
		return 1;
	// At the very start its own words on stderr say what is wrong, and trying again cannot
	// help.
	if (!runner->control_was_up && WIFEXITED(status) && WEXITSTATUS(status) != 0)
		return 1;
	runner->control_was_up = true;
	if (settled)
		runner->pause_ms = PAUSE_MIN_MS;
	fprintf(stderr,
		"sipshunt: control ended (%s), packets flow on; starting it again in %lld ms\n",
		describe(status, text), (long long)runner->pause_ms);
	runner->restart_ms = now_ms() + runner->pause_ms;
	runner->pause_ms *= 2;
	if (runner->pause_ms > PAUSE_MAX_MS)
		runner->pause_ms = PAUSE_MAX_MS;
	return -1;
}

// Returns -1 to go on, or the exit status.
static int reap(struct runner *runner)
{
	char text[64];
	int status, rc = -1;
	pid_t pid;

	while (rc < 0 && (pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == runner->dataplane) {
			runner->dataplane = 0;
			fprintf(stderr, "sipshunt: the dataplane ended: %s\n",
				describe(status, text));
			rc = 1;
		} else if (pid == runner->control) {
			rc = control_died(runner, status);
		}
	}
	return rc;
}

static void stop_child(struct runner *runner, pid_t *pid)
{
	int64_t deadline = now_ms() + STOP_MS;
	struct timespec pause = {0, 10 * 1000000};

	if (*pid <= 0)
		return;
	kill(*pid, SIGTERM);
	while (waitpid(*pid, NULL, WNOHANG) == 0) {
		if (now_ms() > deadline) {
			kill(*pid, SIGKILL);
			waitpid(*pid, NULL, 0);
			break;
		}
		nanosleep(&pause, NULL);
	}
	*pid = 0;
}

// ---- The supervisor -----------------------------------------------------------------------------

// Returns -1 to go on, or the exit status.
static int on_signal(struct runner *runner, uint32_t signo)
{
	switch (signo) {
	case SIGINT:
	case SIGTERM:
		return 0;
	case SIGHUP:
		if (runner->control > 0)
			kill(runner->control, SIGHUP);
		return -1;
	default:
		return reap(runner);
	}
}

static int supervise(struct runner *runner)
{
	struct timespec tick = {0, 100 * 1000000};
	sigset_t set;
	int status = -1;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	while (status < 0) {
		int signo = sigtimedwait(&set, NULL, &tick);

		if (signo > 0)
			status = on_signal(runner, (uint32_t)signo);
		// A death between two ticks, its signal merged with another's.
		if (status < 0)
			status = reap(runner);
		if (status < 0 && runner->control > 0 && !runner->control_was_up &&
			now_ms() - runner->control_started_ms > STOP_MS)
			runner->control_was_up = true;
		if (status < 0 && runner->restart_ms != 0 && now_ms() >= runner->restart_ms &&
			start_control(runner) < 0)
			status = 1;
	}
	return status;
}

// A socket of its own, so that a second `run` or an installed service is not in the way.
static int choose_socket(struct runner *runner)
{
	char dir[] = "/tmp/sipshunt-run-XXXXXX";

	if (mkdtemp(dir) == NULL)
		return -errno;
	snprintf(runner->socket, sizeof(runner->socket), "%s/dataplane.sock", dir);
	return 0;
}

static void remove_socket(struct runner *runner)
{
	unlink(runner->socket);
	rmdir(dirname(runner->socket));
}

// The same errors that control would print, before anything is started.
static int check_config(const char *path)
{
	struct config_errors errs = {0};
	struct config *config = config_load(path, &errs);
	int rc = config != NULL ? 0 : -EINVAL;

	if (config == NULL)
		config_errors_print(stderr, &errs);
	config_errors_fini(&errs);
	config_destroy(config);
	return rc;
}

static void block_signals(struct runner *runner)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &runner->old_mask);
}

int run_main(const struct run_options *options)
{
	static struct runner runner;
	int status = 1;

	runner.options = options;
	runner.pause_ms = PAUSE_MIN_MS;
	if (check_config(options->config_path) < 0 ||
		take_program(options->dataplane, "sipshunt-dataplane", "../../dataplane/",
			runner.dataplane_path) < 0 ||
		take_program(options->control, "sipshunt-control", "../", runner.control_path) <
			0 ||
		choose_socket(&runner) < 0)
		return 1;
	block_signals(&runner);
	if (start_dataplane(&runner) == 0 && start_control(&runner) == 0)
		status = supervise(&runner);
	stop_child(&runner, &runner.control);
	stop_child(&runner, &runner.dataplane);
	remove_socket(&runner);
	return status;
}
