// SPDX-License-Identifier: BSD-3-Clause
#include "tests/control/lab.h"

#include "control/log.h"
#include "control/parts.h"

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define UNTIL_MS 30000 // the machine may be busy

const char lab_default[] =
	"schema: 1\n"
	"node: {name: lb1, cluster: lab}\n"
	"dataplane:\n"
	"  workers: \"1\"\n"
	"  socket: @DIR@/dataplane.sock\n"
	"  exception_path: none\n"
	"  ports:\n"
	"    - {name: wan, device: net_null0, addresses: [\"198.51.100.2/24\"], gateway: "
	"[\"198.51.100.1\"]}\n"
	"    - {name: core, device: net_null1, addresses: [\"10.20.1.10/24\"]}\n"
	"defaults:\n"
	"  health_check: {interval: 50ms, timeout: 40ms, rise: 2, fall: 2, jitter: 0%}\n"
	"services:\n"
	"  - name: access\n"
	"    listen:\n"
	"      - {address: \"203.0.113.5\", port: 5060}\n"
	"    backends:\n"
	"      - {name: b1, address: \"10.20.1.11\"}\n"
	"      - {name: b2, address: \"10.20.1.12\"}\n"
	"      - {name: b3, address: \"10.20.1.13\"}\n"
	"  - name: edge\n"
	"    listen:\n"
	"      - {address: \"203.0.113.6\", port: 5060}\n"
	"    backends:\n"
	"      - {name: e1, address: \"10.20.1.21\"}\n"
	"cluster_keys:\n"
	"  primary: a\n"
	"  keys:\n"
	"    - {id: a, file: @DIR@/key}\n"
	"admin: {socket: @DIR@/admin.sock, state_file: @DIR@/state.json}\n"
	"log: {level: err, target: stderr}\n";

static void write_text(const char *path, const char *text, mode_t mode)
{
	FILE *file = fopen(path, "we");

	ck_assert(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
	ck_assert(chmod(path, mode) == 0);
}

void lab_write(struct lab *lab, const char *yaml)
{
	FILE *file = fopen(lab->config_path, "we");
	const char *mark;

	ck_assert(file != NULL);
	while ((mark = strstr(yaml, "@DIR@")) != NULL) {
		fwrite(yaml, 1, (size_t)(mark - yaml), file);
		fputs(lab->dir, file);
		yaml = mark + 5;
	}
	fputs(yaml, file);
	ck_assert(fclose(file) == 0);
}

const char *lab_edit(const char *from, const char *to)
{
	static char text[2 * sizeof(lab_default)];
	const char *mark = strstr(lab_default, from);

	ck_assert(mark != NULL);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(mark - lab_default), lab_default, to,
		mark + strlen(from));
	return text;
}

static void load(struct lab *lab)
{
	struct config_errors errs = {0};
	struct config *config = config_load(lab->config_path, &errs);

	if (config == NULL)
		config_errors_print(stderr, &errs);
	ck_assert(config != NULL);
	config_errors_fini(&errs);
	log_init(&config->log);
	lab->control.config_path = lab->config_path;
	ck_assert(control_init(&lab->control) == 0);
	ck_assert(control_apply_config(&lab->control, config) == 0);
	lab->control.base = event_base_new();
	ck_assert(lab->control.base != NULL);
}

static void make_dir(struct lab *lab, const char *yaml)
{
	char path[96];

	strcpy(lab->dir, "/tmp/sipshunt-test-XXXXXX");
	ck_assert(mkdtemp(lab->dir) != NULL);
	snprintf(path, sizeof(path), "%s/key", lab->dir);
	write_text(path, "000102030405060708090a0b0c0d0e0f\n", 0600);
	snprintf(lab->config_path, sizeof(lab->config_path), "%s/lab.yaml", lab->dir);
	lab_write(lab, yaml != NULL ? yaml : lab_default);
}

void lab_load(struct lab *lab, const char *yaml)
{
	memset(lab, 0, sizeof(*lab));
	make_dir(lab, yaml);
	load(lab);
}

void lab_start_dataplane(struct lab *lab)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/dataplane.sock", lab->dir);
	fake_dataplane_init(&lab->fake, lab->control.base, path);
	lab->has_fake = true;
}

void lab_stop_dataplane(struct lab *lab)
{
	fake_dataplane_fini(&lab->fake);
	lab->has_fake = false;
}

void lab_start(struct lab *lab, const char *yaml)
{
	lab_load(lab, yaml);
	lab_start_dataplane(lab);
	ck_assert(parts_start(&lab->control, NULL) == 0);
}

// The loop belongs to control and ends with it: the fake's events move to the new one.
void lab_restart_control(struct lab *lab)
{
	struct fake_dataplane old = lab->fake;
	struct timeval every = {0, 1000};

	fake_dataplane_hang_up(&lab->fake);
	event_callback_fn on_accept = event_get_callback(old.accept);
	event_callback_fn on_poll = event_get_callback(old.poll);

	event_free(old.accept);
	event_free(old.poll);
	parts_stop(&lab->control);
	load(lab);
	lab->fake.base = lab->control.base;
	lab->fake.accept = event_new(lab->control.base, lab->fake.listen_fd, EV_READ | EV_PERSIST,
		on_accept, &lab->fake);
	event_add(lab->fake.accept, NULL);
	lab->fake.poll = event_new(lab->control.base, -1, EV_PERSIST, on_poll, &lab->fake);
	event_add(lab->fake.poll, &every);
	ck_assert(parts_start(&lab->control, NULL) == 0);
}

static void remove_files(struct lab *lab)
{
	static const char *const names[] = {
		"key", "lab.yaml", "state.json", "admin.sock", "dataplane.sock"};
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", lab->dir, names[i]);
		unlink(path);
	}
	rmdir(lab->dir);
}

void lab_stop(struct lab *lab)
{
	if (lab->has_fake)
		fake_dataplane_fini(&lab->fake);
	parts_stop(&lab->control);
	remove_files(lab);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
}

bool lab_until(struct lab *lab, lab_fn *fn)
{
	int64_t end = control_now_ms() + UNTIL_MS;
	struct timeval every = {0, 2000};
	struct event *tick = event_new(lab->control.base, -1, EV_PERSIST, on_tick, NULL);
	bool done;

	event_add(tick, &every);
	while (!(done = fn(lab)) && control_now_ms() < end)
		event_base_loop(lab->control.base, EVLOOP_ONCE);
	event_free(tick);
	return done;
}

void lab_run_ms(struct lab *lab, int ms)
{
	struct timeval after = {ms / 1000, ms % 1000 * 1000};

	event_base_loopexit(lab->control.base, &after);
	event_base_dispatch(lab->control.base);
}

bool lab_is_published(struct lab *lab)
{
	return lab->control.dataplane.snapshot != NULL;
}

bool lab_is_up(struct lab *lab)
{
	if (!lab_is_published(lab))
		return false;
	for (uint32_t i = 0; i < lab->control.nb_services; i++) {
		const struct service *service = lab->control.services[i];

		for (uint32_t k = 0; k < service->nb_backends; k++) {
			if (service->backends[k]->health.state != HEALTH_UP)
				return false;
		}
	}
	return true;
}

struct backend *lab_backend(struct lab *lab, const char *path)
{
	struct backend *backend = control_find_backend(&lab->control, path);

	ck_assert(backend != NULL);
	return backend;
}

static bool bit_of(struct lab *lab, const uint64_t *words, const char *path)
{
	const struct backend *backend = lab_backend(lab, path);
	uint16_t index;

	ck_assert(lab->fake.snapshot != NULL);
	index = snapshot_find_backend_id(lab->fake.snapshot, backend->id);
	ck_assert(index != SNAPSHOT_NONE);
	return backend_bit(words, index);
}

bool lab_fresh(struct lab *lab, const char *path)
{
	return bit_of(lab, lab->fake.bits.fresh, path);
}

bool lab_pinned(struct lab *lab, const char *path)
{
	return bit_of(lab, lab->fake.bits.pinned, path);
}

static int connect_admin(struct lab *lab)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/admin.sock", lab->dir);
	ck_assert(connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	return fd;
}

json_t *lab_ask(struct lab *lab, const char *request)
{
	static char answer[1 << 20];
	int fd = connect_admin(lab);
	int64_t end = control_now_ms() + UNTIL_MS;
	size_t len = 0;

	ck_assert(write(fd, request, strlen(request)) == (ssize_t)strlen(request));
	ck_assert(write(fd, "\n", 1) == 1);
	while (memchr(answer, '\n', len) == NULL && control_now_ms() < end) {
		ssize_t part;

		lab_run_ms(lab, 2);
		part = recv(fd, answer + len, sizeof(answer) - len, MSG_DONTWAIT);
		if (part == 0)
			break;
		if (part > 0)
			len += (size_t)part;
	}
	close(fd);
	lab_run_ms(lab, 2);
	return json_loadb(answer, len, JSON_DISABLE_EOF_CHECK, NULL);
}

json_t *lab_command(struct lab *lab, const char *words, const char *options)
{
	json_t *list = json_array();
	json_t *request, *answer;
	char *text;

	while (*words != '\0') {
		size_t len = strcspn(words, " ");

		json_array_append_new(list, json_stringn(words, len));
		words += len + (words[len] == ' ');
	}
	request = json_pack("{s:i, s:o, s:o}", "schema", 1, "command", list, "options",
		json_loads(options != NULL ? options : "{}", 0, NULL));
	text = json_dumps(request, JSON_COMPACT);
	answer = lab_ask(lab, text);
	free(text);
	json_decref(request);
	return answer;
}
