// SPDX-License-Identifier: BSD-3-Clause
#include "control/builder.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#define WAITING_MAX 16 // each keeps a configuration's worth of memory

struct job {
	TAILQ_ENTRY(job) entry;
	int eventfd; // to say that it is done
	struct snapshot_parts parts;
	builder_fn *fn;
	void *arg;
	struct snapshot *snapshot;
	int rc;
};

struct builder {
	TAILQ_HEAD(, job) jobs; // the first is under way, its snapshot and rc are the thread's
	unsigned int nb_jobs;
	bool running;
	pthread_t thread;
	int eventfd;
	struct event *built;
};

static void job_free(struct job *job)
{
	snapshot_parts_fini(&job->parts);
	free(job->snapshot);
	free(job);
}

static struct job *take_first(struct builder *builder)
{
	struct job *job = TAILQ_FIRST(&builder->jobs);

	TAILQ_REMOVE(&builder->jobs, job, entry);
	builder->nb_jobs--;
	return job;
}

static void *build_thread(void *arg)
{
	struct job *job = arg;

	job->rc = snapshot_parts_build(&job->parts, &job->snapshot);
	eventfd_write(job->eventfd, 1);
	return NULL;
}

static void start_next(struct builder *builder)
{
	struct job *job = TAILQ_FIRST(&builder->jobs);

	if (job == NULL)
		return;
	builder->running = pthread_create(&builder->thread, NULL, build_thread, job) == 0;
	if (!builder->running) {
		// Its turn ends in the loop, not in the call that brought it.
		job->rc = -EAGAIN;
		eventfd_write(builder->eventfd, 1);
	}
}

static void on_built(evutil_socket_t fd, short what, void *arg)
{
	struct builder *builder = arg;
	eventfd_t count;
	struct job *job;

	if (eventfd_read(fd, &count) < 0)
		return;
	if (builder->running)
		pthread_join(builder->thread, NULL);
	builder->running = false;
	job = take_first(builder);
	job->fn(job->arg, job->rc, job->snapshot);
	job->snapshot = NULL;
	job_free(job);
	start_next(builder);
}

int builder_add(
	struct builder *builder, const struct snapshot_parts *parts, builder_fn *fn, void *arg)
{
	struct job *job;

	assert(parts->input.prev == NULL);
	if (builder->nb_jobs == WAITING_MAX)
		return -ENOSPC;
	job = calloc(1, sizeof(*job));
	if (job == NULL)
		return -ENOMEM;
	job->eventfd = builder->eventfd;
	job->parts = *parts;
	job->fn = fn;
	job->arg = arg;
	TAILQ_INSERT_TAIL(&builder->jobs, job, entry);
	builder->nb_jobs++;
	if (builder->nb_jobs == 1)
		start_next(builder);
	return 0;
}

struct builder *builder_create(struct event_base *base)
{
	struct builder *builder = calloc(1, sizeof(*builder));

	if (builder == NULL)
		return NULL;
	TAILQ_INIT(&builder->jobs);
	builder->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (builder->eventfd < 0)
		goto free_builder;
	builder->built = event_new(base, builder->eventfd, EV_READ | EV_PERSIST, on_built, builder);
	if (builder->built == NULL || event_add(builder->built, NULL) < 0)
		goto free_event;
	return builder;

free_event:
	if (builder->built != NULL)
		event_free(builder->built);
	close(builder->eventfd);
free_builder:
	free(builder);
	return NULL;
}

void builder_destroy(struct builder *builder)
{
	if (builder == NULL)
		return;
	if (builder->running)
		pthread_join(builder->thread, NULL);
	while (!TAILQ_EMPTY(&builder->jobs))
		job_free(take_first(builder));
	event_free(builder->built);
	close(builder->eventfd);
	free(builder);
}
