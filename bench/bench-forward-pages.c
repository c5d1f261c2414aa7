// SPDX-License-Identifier: BSD-3-Clause
#include "bench/bench-forward-pages.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define NODES_MAX 64

static char folder[128]; // of the pool
static pid_t guard;
static int guard_socket;

static bool read_number(const char *file, long *value)
{
	char path[192];
	FILE *f;
	bool good;

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	good = fscanf(f, "%ld", value) == 1;
	fclose(f);
	return good;
}

static bool write_number(const char *file, long value)
{
	char path[192];
	FILE *f;
	bool good;

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	f = fopen(path, "we");
	if (f == NULL)
		return false;
	good = fprintf(f, "%ld\n", value) > 0;
	return fclose(f) == 0 && good;
}

// What nr_hugepages takes when written to; what it says when read has surplus pages in it, such as
// those that are given back while they are still mapped.
static bool reserved(long *nb)
{
	long surplus = 0;

	if (!read_number("nr_hugepages", nb))
		return false;
	read_number("surplus_hugepages", &surplus);
	*nb -= surplus;
	return true;
}

static void find_folder(unsigned int cpu)
{
	char path[128];

	for (unsigned int node = 0; node < NODES_MAX; node++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/node%u", cpu, node);
		if (access(path, F_OK) != 0)
			continue;
		snprintf(folder, sizeof(folder),
			"/sys/devices/system/node/node%u/hugepages/hugepages-2048kB", node);
		return;
	}
	snprintf(folder, sizeof(folder), "/sys/kernel/mm/hugepages/hugepages-2048kB");
}

// Returns how many have been added; all that are missing or none.
static long add(long missing)
{
	long before, after = 0, given;

	if (!reserved(&before) || !write_number("nr_hugepages", before + missing) ||
		!reserved(&after))
		return 0;
	given = after - before;
	if (given == missing)
		return given;
	if (given > 0)
		write_number("nr_hugepages", before);
	return 0;
}

// A difference, not the number of before: others may have changed it meanwhile.
static void give_back(long added)
{
	long nb;

	if (!reserved(&nb) || !write_number("nr_hugepages", nb - added))
		fprintf(stderr, "bench-forward: %ld huge pages could not be given back\n", added);
}

__attribute__((noreturn)) static void be_guard(int parent, long missing)
{
	const int ignored[] = {SIGHUP, SIGINT, SIGTERM, SIGPIPE};
	long added;
	char octet;

	setsid();
	for (unsigned int i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	close(STDIN_FILENO);
	close(STDOUT_FILENO); // whoever reads it need not wait for us
	added = add(missing);
	if (write(parent, &added, sizeof(added)) == sizeof(added) && added > 0)
		while (read(parent, &octet, 1) < 0 && errno == EINTR)
			continue;
	if (added > 0)
		give_back(added);
	_exit(0);
}

static void stop_guard(void)
{
	close(guard_socket);
	waitpid(guard, NULL, 0);
}

// No handler runs in a program that is killed, and little may be done in one. So a child reserves
// the pages and waits until its parent's end of a socket is closed, as it is in the end of any
// program. Pages that are still mapped then go as soon as they are not.
static bool start_guard(long missing)
{
	long added = 0;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return false;
	guard = fork();
	if (guard == 0) {
		close(ends[0]);
		be_guard(ends[1], missing);
	}
	close(ends[1]);
	if (guard < 0) {
		close(ends[0]);
		return false;
	}
	guard_socket = ends[0];
	atexit(stop_guard);
	return read(guard_socket, &added, sizeof(added)) == sizeof(added) && added == missing;
}

bool pages_reserve(unsigned int cpu, long nb)
{
	long nb_free;

	find_folder(cpu);
	if (!read_number("free_hugepages", &nb_free))
		return false;
	if (nb_free < nb && !start_guard(nb - nb_free))
		return false;
	return read_number("free_hugepages", &nb_free) && nb_free >= nb;
}

double pages_huge_share(const void *memory)
{
	const uintptr_t at = (uintptr_t)memory;
	unsigned long resident = 0, huge = 0, start, end, kb;
	FILE *f = fopen("/proc/self/smaps", "re");
	bool inside = false;
	char line[512];

	if (f == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = at >= start && at < end;
		else if (inside && sscanf(line, "Rss: %lu kB", &kb) == 1)
			resident = kb;
		else if (inside && sscanf(line, "AnonHugePages: %lu kB", &kb) == 1)
			huge = kb;
	}
	fclose(f);
	return resident > 0 ? (double)huge / (double)resident : 0;
}
