// SPDX-License-Identifier: BSD-3-Clause
#include "tests/dataplane/bed.h"
#include "tests/dataplane/eal.h"
#include "tests/dataplane/say.h"

#include "dataplane/dispatch/binding_table.h"
#include "dataplane/log.h"
#include "dataplane/names.h"
#include "dataplane/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

// The conversation with control over a real socket: what it may say, and all that it may not.

static struct bed bed;
static struct session session;
static char dir[] = "/tmp/sipshunt-test-XXXXXX", path[64];
static int client;

static void turn(void)
{
	struct pollfd fds[2];

	ipc_server_poll_fds(session.server, fds);
	poll(fds, 2, 0);
	session_poll(&session, fds);
}

static int connect_client(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	turn();
	return fd;
}

// Receive one message; returns the length of its body or -errno. Descriptors are counted and
// closed.
static ssize_t receive(int fd, enum ipc_type *type, void *body, size_t len, unsigned int *nb_fds)
{
	static char buffer[IPC_MESSAGE_MAX] __attribute__((aligned(8)));
	const struct ipc_header *header = (const struct ipc_header *)buffer;
	char control[CMSG_SPACE(4 * sizeof(int))] __attribute__((aligned(8)));
	struct iovec iov = {buffer, sizeof(buffer)};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(fd, &msg, 0);
	struct cmsghdr *c;

	if (n <= 0)
		return n < 0 ? -errno : 0;
	ck_assert_uint_eq(header->magic, IPC_MAGIC);
	ck_assert_uint_eq(header->len, (size_t)n);
	*type = (enum ipc_type)header->type;
	ck_assert_uint_le((size_t)n - sizeof(*header), len);
	memcpy(body, buffer + sizeof(*header), (size_t)n - sizeof(*header));
	c = CMSG_FIRSTHDR(&msg);
	*nb_fds = c != NULL ? (unsigned int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int)) : 0;
	for (unsigned int i = 0; i < *nb_fds; i++) {
		int got;

		memcpy(&got, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
		close(got);
	}
	return n - (ssize_t)sizeof(*header);
}

static struct ipc_hello expect_hello(int fd)
{
	struct ipc_hello hello;
	enum ipc_type type;
	unsigned int nb_fds;

	ck_assert_int_eq(receive(fd, &type, &hello, sizeof(hello), &nb_fds), sizeof(hello));
	ck_assert_int_eq(type, IPC_HELLO);
	ck_assert_uint_eq(hello.nb_fds, nb_fds);
	return hello;
}

static void send_with(int fd, uint16_t type, const void *body, size_t len, int with)
{
	ck_assert_int_eq(send_message(fd, type, body, len, with), 0);
	turn();
}

static void say(uint16_t type, const void *body, size_t len)
{
	send_with(client, type, body, len, -1);
}

static bool connected(void)
{
	return ipc_server_connected(session.server);
}

static void setup(void)
{
	bed_init(&bed, &(struct bed_options){.bindings_max = 64});
	bed.dp.shm.head->tsc_hz = 1;
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/dp.sock", dir);
	session = (struct session){.dp = &bed.dp, .server = ipc_server_create(path)};
	ck_assert_ptr_nonnull(session.server);
	client = connect_client();
}

static void teardown(void)
{
	close(client);
	ipc_server_destroy(session.server);
	ck_assert_int_eq(rmdir(dir), 0);
	bed_fini(&bed);
}

static int make_memfd(const struct snapshot *snap, struct ipc_snapshot *msg)
{
	struct backend_bits bits;
	int fd = memfd_create("test", MFD_CLOEXEC);

	memset(&bits, 0xff, sizeof(bits));
	*msg = (struct ipc_snapshot){snap->generation, snap->size, RTE_ALIGN_CEIL(snap->size, 64)};
	ck_assert_int_eq(pwrite(fd, snap, snap->size, 0), snap->size);
	ck_assert_int_eq(pwrite(fd, &bits, sizeof(bits), (off_t)msg->bits_off), sizeof(bits));
	return fd;
}

static struct ipc_snapshot_done expect_done(void)
{
	struct ipc_snapshot_done done;
	enum ipc_type type;
	unsigned int nb_fds;

	ck_assert_int_eq(receive(client, &type, &done, sizeof(done), &nb_fds), sizeof(done));
	ck_assert_int_eq(type, IPC_SNAPSHOT_DONE);
	return done;
}

static void publish(uint64_t generation)
{
	struct snapshot *snap = snapshot_fixture_build(
		&(struct snapshot_fixture){.generation = generation, .nb_backends = 3});
	struct ipc_snapshot msg;
	int fd = make_memfd(snap, &msg);

	send_with(client, IPC_SNAPSHOT, &msg, sizeof(msg), fd);
	close(fd);
	free(snap);
}

START_TEST(a_newcomer_is_told_the_state)
{
	struct ipc_hello hello = expect_hello(client);

	ck_assert_uint_eq(hello.state, IPC_RUNNING);
	ck_assert_uint_eq(hello.nb_fds, 1);
	ck_assert_uint_eq(hello.generation, 0);
	ck_assert_uint_eq(hello.pid, (uint32_t)getpid());
}
END_TEST

START_TEST(the_socket_is_for_its_user_only)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(a_second_process_cannot_listen_there)
{
	ck_assert_ptr_null(ipc_server_create(path));
	ck_assert_int_eq(errno, EADDRINUSE);
}
END_TEST

START_TEST(a_dead_process_leaves_no_obstacle)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	struct ipc_server *server;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/old.sock", dir);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	server = ipc_server_create(address.sun_path);
	ck_assert_ptr_nonnull(server);
	ipc_server_destroy(server);
}
END_TEST

START_TEST(a_snapshot_is_published_and_handed_on)
{
	struct ipc_snapshot_done done;
	struct ipc_hello hello;
	int second;

	expect_hello(client);
	publish(7);
	done = expect_done();
	ck_assert_int_eq(done.error, 0);
	ck_assert_uint_eq(done.generation, 7);
	ck_assert_uint_eq(bed.dp.publisher.current->snap->generation, 7);
	ck_assert_uint_eq(bed.dp.shm.head->generation, 7);

	second = connect_client();
	hello = expect_hello(second);
	ck_assert_uint_eq(hello.generation, 7);
	ck_assert_uint_eq(hello.nb_fds, 2);
	close(second);
}
END_TEST

START_TEST(done_is_said_when_no_worker_sees_the_one_before)
{
	char nothing[512];
	enum ipc_type type;
	unsigned int nb_fds;

	expect_hello(client);
	publish(1);
	expect_done();
	publish(2);
	// The worker has not had a turn since.
	ck_assert_int_eq(receive(client, &type, nothing, sizeof(nothing), &nb_fds), -EAGAIN);
	bed_turn(&bed, 0);
	session_reclaimed(&session);
	ck_assert_uint_eq(expect_done().generation, 2);
	ck_assert_ptr_null(bed.dp.publisher.retired);
}
END_TEST

START_TEST(a_newcomer_replaces_the_one_before)
{
	struct ipc_hello hello;
	enum ipc_type type;
	unsigned int nb_fds;
	int second;

	expect_hello(client);
	second = connect_client();
	expect_hello(second);
	ck_assert_int_eq(receive(client, &type, &hello, sizeof(hello), &nb_fds), 0);
	close(client);
	client = second;
	publish(3);
	ck_assert_int_eq(expect_done().error, 0);
}
END_TEST

START_TEST(the_snapshot_stays_when_control_dies)
{
	expect_hello(client);
	publish(4);
	expect_done();
	close(client);
	turn();
	ck_assert(!connected());
	ck_assert_uint_eq(bed.dp.publisher.current->snap->generation, 4);
	client = connect_client();
	ck_assert_uint_eq(expect_hello(client).generation, 4);
}
END_TEST

// Whatever is wrong with a snapshot, the one before stays.
START_TEST(a_broken_snapshot_is_refused)
{
	struct snapshot *snap = snapshot_fixture_build(&(struct snapshot_fixture){.generation = 9});
	struct ipc_snapshot msg, wrong;
	struct ipc_snapshot_done done;
	int fd = make_memfd(snap, &msg);

	expect_hello(client);
	publish(5);
	expect_done();
	wrong = msg;
	switch (_i) {
	case 0:
		wrong.blob_len = UINT64_MAX;
		break;
	case 1:
		wrong.blob_len = 16;
		break;
	case 2:
		wrong.bits_off = UINT64_MAX - 8;
		break;
	case 3:
		wrong.bits_off += 4096;
		break;
	case 4:
		wrong.generation++;
		break;
	case 5:
		ck_assert_int_eq(pwrite(fd, "x", 1, 300), 1); // the checksum tells
		break;
	case 6:
		ck_assert_int_eq(ftruncate(fd, 100), 0);
		break;
	case 7:
		close(fd);
		fd = open("/dev/zero", O_RDONLY);
		break;
	case 8:
		wrong.blob_len--;
		break;
	}
	send_with(client, IPC_SNAPSHOT, &wrong, sizeof(wrong), fd);
	done = expect_done();
	ck_assert_int_lt(done.error, 0);
	ck_assert_uint_gt(strlen(done.text), 0);
	ck_assert_uint_eq(bed.dp.publisher.current->snap->generation, 5);
	ck_assert(connected());
	close(fd);
	free(snap);
}
END_TEST

START_TEST(a_snapshot_without_its_memfd_ends_the_connection)
{
	struct ipc_snapshot msg = {.generation = 1, .blob_len = 4096};

	say(IPC_SNAPSHOT, &msg, sizeof(msg));
	ck_assert(!connected());
}
END_TEST

START_TEST(bits_flip)
{
	struct {
		struct ipc_bits head;
		char entries[16];
	} msg = {.head = {.generation = 6, .nb = 2}};

	publish(6);
	msg.head.entries[0].backend = 1;
	msg.head.entries[0].pinned = 1;
	msg.head.entries[1].backend = 4095; // no such backend: ignored
	say(IPC_BITS, &msg, sizeof(msg.head) + 2 * sizeof(msg.head.entries[0]));
	ck_assert(connected());
	ck_assert(!backend_bit(bed.dp.publisher.current->bits.fresh, 1));
	ck_assert(backend_bit(bed.dp.publisher.current->bits.pinned, 1));
	ck_assert(backend_bit(bed.dp.publisher.current->bits.fresh, 0));
	// About another generation: late, and ignored.
	msg.head.generation = 5;
	msg.head.entries[0].backend = 0;
	say(IPC_BITS, &msg, sizeof(msg.head) + 2 * sizeof(msg.head.entries[0]));
	ck_assert(backend_bit(bed.dp.publisher.current->bits.fresh, 0));
}
END_TEST

START_TEST(neighbours_come_and_go)
{
	struct ipc_neighbour msg = {.port = 1, .valid = 1, .mac = {2, 0, 0, 0, 0, 9}};
	struct rte_ether_addr mac;

	msg.ip = fixture_endpoint("10.20.1.99:1").ip;
	say(IPC_NEIGHBOUR, &msg, sizeof(msg));
	ck_assert_int_eq(neighbour_get(bed.dp.neighbours, 1, &msg.ip, &mac), 0);
	ck_assert_uint_eq(mac.addr_bytes[5], 9);
	msg.valid = 0;
	say(IPC_NEIGHBOUR, &msg, sizeof(msg));
	ck_assert_int_eq(neighbour_get(bed.dp.neighbours, 1, &msg.ip, &mac), -ENOENT);
	msg.port = 17; // no such port: late news
	say(IPC_NEIGHBOUR, &msg, sizeof(msg));
	ck_assert(connected());
}
END_TEST

START_TEST(bindings_come_and_go)
{
	struct {
		struct ipc_bindings head;
		struct ipc_binding binding;
		char octets[12];
	} msg = {{.nb = 1}, {.backend_id = 77, .lifetime_s = 60, .user_len = 5, .host_len = 7},
		"alicebox.net"};
	uint64_t hash = binding_table_hash(bed.dp.bindings, STRV("alice"), STRV("box.net"));
	uint32_t backend, now_s = (uint32_t)(bed.dp.clock.now_ms / 1000);

	say(IPC_BINDINGS, &msg, sizeof(msg.head) + sizeof(msg.binding) + 12);
	ck_assert(connected());
	ck_assert_int_eq(binding_table_get(bed.dp.bindings, hash, now_s + 59, &backend), 0);
	ck_assert_uint_eq(backend, 77);
	ck_assert_int_eq(binding_table_get(bed.dp.bindings, hash, now_s + 61, &backend), -ENOENT);
	msg.binding.lifetime_s = UINT32_MAX;
	say(IPC_BINDINGS, &msg, sizeof(msg.head) + sizeof(msg.binding) + 12);
	ck_assert_int_eq(binding_table_get(bed.dp.bindings, hash, now_s + 61, &backend), 0);
	msg.binding.backend_id = 0;
	say(IPC_BINDINGS, &msg, sizeof(msg.head) + sizeof(msg.binding) + 12);
	ck_assert_int_eq(binding_table_get(bed.dp.bindings, hash, now_s, &backend), -ENOENT);
}
END_TEST

START_TEST(names_are_learned)
{
	struct ipc_name msg = {
		.ok = 1, .port = 5070, .host_len = 7, .ttl_ms = 1000, .host = "box.net"};
	struct endpoint to;
	uint64_t hash = name_hash(bed.dp.names, STRV("BOX.net"), 5070);
	uint64_t now_ms = bed.dp.clock.now_ms;

	msg.to = fixture_endpoint("192.0.2.7:5070");
	say(IPC_NAME, &msg, sizeof(msg));
	ck_assert_int_eq(name_get(bed.dp.names, hash, now_ms, &to), 0);
	ck_assert(endpoint_eq(&to, &msg.to));
	ck_assert_int_eq(name_get(bed.dp.names, hash, now_ms + 1000, &to), -ENOENT);
	ck_assert_int_eq(name_get(bed.dp.names, hash + 1024, now_ms, &to), -ENOENT);
	msg.ok = 0;
	say(IPC_NAME, &msg, sizeof(msg));
	ck_assert_int_eq(name_get(bed.dp.names, hash, now_ms, &to), 0);
	ck_assert_uint_eq(to.ip.family, 0);
}
END_TEST

START_TEST(a_start_while_it_runs_changes_nothing)
{
	struct ipc_start start = {.digest = 99};
	struct ipc_started started;
	enum ipc_type type;
	unsigned int nb_fds;

	expect_hello(client);
	say(IPC_START, &start, sizeof(start));
	ck_assert_int_eq(
		receive(client, &type, &started, sizeof(started), &nb_fds), sizeof(started));
	ck_assert_int_eq(type, IPC_STARTED);
	ck_assert_int_eq(started.error, -EALREADY);
	// The same start again is answered as the first one was.
	start.digest = bed.dp.start.digest;
	say(IPC_START, &start, sizeof(start));
	ck_assert_int_eq(
		receive(client, &type, &started, sizeof(started), &nb_fds), sizeof(started));
	ck_assert_int_eq(started.error, 0);
	ck_assert_uint_eq(nb_fds, 1);
	ck_assert_uint_eq(started.nb_ports, 2);
	ck_assert_str_eq(started.ports[1].name, "bed1");
}
END_TEST

START_TEST(a_link_change_is_told)
{
	struct ipc_port msg;
	enum ipc_type type;
	unsigned int nb_fds;

	expect_hello(client);
	session_port(&session, 1, false);
	ck_assert_int_eq(receive(client, &type, &msg, sizeof(msg), &nb_fds), sizeof(msg));
	ck_assert_int_eq(type, IPC_PORT);
	ck_assert_uint_eq(msg.port, 1);
	ck_assert_uint_eq(msg.link_up, 0);
}
END_TEST

START_TEST(a_malformed_header_ends_the_connection)
{
	struct ipc_header header = {IPC_MAGIC, IPC_VERSION, IPC_LOG, sizeof(header), 1};
	size_t len = sizeof(header);

	switch (_i) {
	case 0:
		header.magic++;
		break;
	case 1:
		header.version++;
		break;
	case 2:
		header.type = 0;
		break;
	case 3:
		header.type = IPC_TYPES;
		break;
	case 4:
		header.len++;
		break;
	case 5:
		len--;
		break;
	case 6:
		header.type = IPC_HELLO; // ours to say
		break;
	}
	ck_assert_int_eq(send(client, &header, len, 0), (ssize_t)len);
	turn();
	ck_assert(!connected());
}
END_TEST

START_TEST(a_body_of_the_wrong_length_ends_the_connection)
{
	static char body[60000];

	for (uint16_t type = IPC_START; type < IPC_TYPES; type++) {
		if (type == IPC_BINDINGS && _i >= 8)
			continue; // nb 0 and octets behind it
		close(client);
		client = connect_client();
		memset(body, 0, sizeof(body));
		say(type, body, (size_t)_i);
		ck_assert_msg(!connected(), "type %u", type);
	}
}
END_TEST

START_TEST(counts_beyond_the_body_end_the_connection)
{
	struct ipc_bits bits = {.nb = 1000};
	struct {
		struct ipc_bindings head;
		struct ipc_binding binding;
		char octets[4];
	} bindings = {.head = {.nb = 1}};
	struct ipc_trace trace = {.field = IPC_TRACE_FROM, .pattern_len = 257};
	struct ipc_name name = {.host_len = 256};

	switch (_i) {
	case 0:
		say(IPC_BITS, &bits, sizeof(bits));
		break;
	case 1:
		bits.nb = UINT32_MAX;
		say(IPC_BITS, &bits, sizeof(bits));
		break;
	case 2:
		bindings.binding.user_len = 5;
		say(IPC_BINDINGS, &bindings, sizeof(bindings));
		break;
	case 3:
		bindings.binding.user_len = bindings.binding.host_len = UINT16_MAX;
		say(IPC_BINDINGS, &bindings, sizeof(bindings));
		break;
	case 4:
		bindings.head.nb = UINT32_MAX;
		say(IPC_BINDINGS, &bindings, sizeof(bindings));
		break;
	case 5:
		say(IPC_TRACE, &trace, sizeof(trace));
		break;
	case 6:
		say(IPC_NAME, &name, sizeof(name));
		break;
	}
	ck_assert(!connected());
}
END_TEST

// Messages of any type with random octets, some of them with a descriptor that has no business
// there.
START_TEST(garbage_is_survived)
{
	uint32_t seed = 77 + (uint32_t)_i;
	static uint8_t body[8192];

	publish(8);
	for (unsigned int n = 0; n < 2000; n++) {
		uint16_t type = (uint16_t)(seed % (IPC_TYPES + 1));
		size_t len = n % 3 == 0 ? sizeof(struct ipc_trace)
			: n % 3 == 1    ? sizeof(struct ipc_neighbour)
					: seed % 4096;

		for (size_t i = 0; i < len; i++)
			body[i] = (uint8_t)((seed = seed * 1103515245u + 12345u) >> 16);
		if (!connected()) {
			close(client);
			client = connect_client();
		}
		send_with(client, type, body, len, n % 5 == 0 ? STDIN_FILENO : -1);
		bed_turn(&bed, 0);
	}
	ck_assert_uint_eq(bed.dp.publisher.current->snap->generation, 8);
	ck_assert_int_eq(bed.dp.state, IPC_RUNNING);
}
END_TEST

START_TEST(no_descriptor_leaks)
{
	int before = dup(STDIN_FILENO), after;

	close(before);
	for (unsigned int i = 0; i < 50; i++) {
		publish(10 + i);
		send_with(client, IPC_LOG, &(struct ipc_log){LOG_ERR}, sizeof(struct ipc_log),
			STDIN_FILENO);
		bed_turn(&bed, 0);
		session_reclaimed(&session);
	}
	after = dup(STDIN_FILENO);
	close(after);
	// One is in use: the memfd of the published snapshot.
	ck_assert_int_le(after, before + 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("session");
	TCase *tcase = tcase_create("session");

	log_set_level(LOG_ERR);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_newcomer_is_told_the_state);
	tcase_add_test(tcase, the_socket_is_for_its_user_only);
	tcase_add_test(tcase, a_second_process_cannot_listen_there);
	tcase_add_test(tcase, a_dead_process_leaves_no_obstacle);
	tcase_add_test(tcase, a_snapshot_is_published_and_handed_on);
	tcase_add_test(tcase, done_is_said_when_no_worker_sees_the_one_before);
	tcase_add_test(tcase, a_newcomer_replaces_the_one_before);
	tcase_add_test(tcase, the_snapshot_stays_when_control_dies);
	tcase_add_loop_test(tcase, a_broken_snapshot_is_refused, 0, 9);
	tcase_add_test(tcase, a_snapshot_without_its_memfd_ends_the_connection);
	tcase_add_test(tcase, bits_flip);
	tcase_add_test(tcase, neighbours_come_and_go);
	tcase_add_test(tcase, bindings_come_and_go);
	tcase_add_test(tcase, names_are_learned);
	tcase_add_test(tcase, a_start_while_it_runs_changes_nothing);
	tcase_add_test(tcase, a_link_change_is_told);
	tcase_add_loop_test(tcase, a_malformed_header_ends_the_connection, 0, 7);
	tcase_add_loop_test(tcase, a_body_of_the_wrong_length_ends_the_connection, 0, 3);
	tcase_add_loop_test(tcase, counts_beyond_the_body_end_the_connection, 0, 7);
	tcase_add_loop_test(tcase, garbage_is_survived, 0, 3);
	tcase_add_test(tcase, no_descriptor_leaks);
	suite_add_tcase(suite, tcase);
	return eal_run_suite(suite);
}
