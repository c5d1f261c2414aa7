// SPDX-License-Identifier: BSD-3-Clause
#include "control/run.h"

#include "tests/control/lab.h"
#include "tests/control/suite.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// The two programs are shell scripts that write down what they are and do what a test says.

static struct lab lab;
static char dataplane[128], control[128], notes[128];

static void write_script(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	fprintf(file, "#!/bin/sh\necho \"$(basename $0) $$ $*\" >>%s\n%s\n", notes, text);
	fclose(file);
	ck_assert_int_eq(chmod(path, 0700), 0);
}

static void setup(void)
{
	lab_load(&lab, NULL);
	snprintf(dataplane, sizeof(dataplane), "%s/dataplane", lab.dir);
	snprintf(control, sizeof(control), "%s/control", lab.dir);
	snprintf(notes, sizeof(notes), "%s/notes", lab.dir);
	write_script(dataplane, "exec sleep 60");
	write_script(control, "exec sleep 60");
}

static void teardown(void)
{
	unlink(dataplane);
	unlink(control);
	unlink(notes);
	lab_stop(&lab);
}

static pid_t start(void)
{
	const struct run_options options = {lab.config_path, dataplane, control};
	pid_t pid = fork();

	if (pid == 0)
		_exit(run_main(&options));
	return pid;
}

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

// Pid of the nth line that a program wrote, 0 if there is none within 3 s.
static pid_t noted(const char *name, int nth)
{
	for (int i = 0; i < 300; i++) {
		FILE *file = fopen(notes, "re");
		char line[512], who[64];
		int pid, seen = 0;

		while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
			if (sscanf(line, "%63s %d", who, &pid) == 2 && strcmp(who, name) == 0 &&
				++seen == nth) {
				fclose(file);
				return pid;
			}
		}
		if (file != NULL)
			fclose(file);
		sleep_ms(10);
	}
	return 0;
}

static int exit_of(pid_t pid)
{
	int status;

	for (int i = 0; i < 800; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		sleep_ms(10);
	}
	kill(pid, SIGKILL);
	ck_abort_msg("run did not end");
	return -1;
}

static bool is_gone(pid_t pid)
{
	for (int i = 0; i < 300; i++) {
		if (kill(pid, 0) < 0)
			return true;
		sleep_ms(10);
	}
	return false;
}

START_TEST(a_signal_ends_both_and_is_no_error)
{
	pid_t run = start(), first = noted("dataplane", 1), second = noted("control", 1);

	ck_assert_int_gt(first, 0);
	ck_assert_int_gt(second, 0);
	kill(run, SIGINT);
	ck_assert_int_eq(exit_of(run), 0);
	ck_assert(is_gone(first));
	ck_assert(is_gone(second));
}
END_TEST

START_TEST(both_get_the_same_socket)
{
	pid_t run = start();
	char line[512], socket[2][256] = {"", ""};
	FILE *file;

	ck_assert_int_gt(noted("dataplane", 1), 0);
	ck_assert_int_gt(noted("control", 1), 0);
	file = fopen(notes, "re");
	while (fgets(line, sizeof(line), file) != NULL)
		sscanf(strstr(line, "--socket"), "--socket %255s", socket[line[0] == 'c']);
	fclose(file);
	ck_assert_str_ne(socket[0], "");
	ck_assert_str_eq(socket[0], socket[1]);
	kill(run, SIGTERM);
	ck_assert_int_eq(exit_of(run), 0);
}
END_TEST

START_TEST(a_killed_control_is_started_again_and_the_dataplane_stays)
{
	pid_t run = start(), first = noted("dataplane", 1), second = noted("control", 1);

	kill(second, SIGKILL);
	ck_assert_int_gt(noted("control", 2), 0);
	ck_assert_int_eq(kill(first, 0), 0);
	kill(run, SIGTERM);
	ck_assert_int_eq(exit_of(run), 0);
}
END_TEST

START_TEST(a_dead_dataplane_ends_all)
{
	pid_t run = start(), second = noted("control", 1);

	kill(noted("dataplane", 1), SIGKILL);
	ck_assert_int_eq(exit_of(run), 1);
	ck_assert(is_gone(second));
}
END_TEST

START_TEST(a_control_that_refuses_to_start_ends_all)
{
	pid_t run;

	write_script(control, "sleep 0.3; exit 1");
	run = start();
	ck_assert_int_eq(exit_of(run), 1);
	ck_assert(is_gone(noted("dataplane", 1)));
}
END_TEST

START_TEST(a_dataplane_that_cannot_start_ends_all)
{
	pid_t run;

	write_script(control, "exit 3");
	run = start();
	ck_assert_int_eq(exit_of(run), 1);
}
END_TEST

START_TEST(a_hangup_is_passed_on_to_control)
{
	char reloaded[160];
	struct stat st;
	pid_t run;

	snprintf(reloaded, sizeof(reloaded), "%s/reloaded", lab.dir);
	char script[400];

	snprintf(script, sizeof(script),
		"trap 'touch %s' HUP; trap 'exit 0' TERM; while :; do sleep 0.05; done", reloaded);
	write_script(control, script);
	run = start();
	ck_assert_int_gt(noted("control", 1), 0);
	sleep_ms(100);
	kill(run, SIGHUP);
	for (int i = 0; i < 200 && stat(reloaded, &st) < 0; i++)
		sleep_ms(10);
	ck_assert_int_eq(stat(reloaded, &st), 0);
	unlink(reloaded);
	kill(run, SIGTERM);
	ck_assert_int_eq(exit_of(run), 0);
}
END_TEST

START_TEST(nothing_stays_behind_when_it_is_killed)
{
	pid_t run = start(), first = noted("dataplane", 1), second = noted("control", 1);

	kill(run, SIGKILL);
	ck_assert_int_eq(exit_of(run), -1);
	ck_assert(is_gone(first));
	ck_assert(is_gone(second));
}
END_TEST

START_TEST(a_broken_file_starts_nothing)
{
	lab_write(&lab, "schema: 1\n");
	ck_assert_int_eq(exit_of(start()), 1);
	ck_assert_int_eq(access(notes, F_OK), -1);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("run");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, a_signal_ends_both_and_is_no_error);
	tcase_add_test(tc, both_get_the_same_socket);
	tcase_add_test(tc, a_killed_control_is_started_again_and_the_dataplane_stays);
	tcase_add_test(tc, a_dead_dataplane_ends_all);
	tcase_add_test(tc, a_control_that_refuses_to_start_ends_all);
	tcase_add_test(tc, a_dataplane_that_cannot_start_ends_all);
	tcase_add_test(tc, a_hangup_is_passed_on_to_control);
	tcase_add_test(tc, nothing_stays_behind_when_it_is_killed);
	tcase_add_test(tc, a_broken_file_starts_nothing);
	return suite_run(tc);
}
