// SPDX-License-Identifier: BSD-3-Clause
#include "tests/dataplane/say.h"
#include "tests/dataplane/snapshot_fixture.h"

#include "dataplane/ipc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// A control process of a few lines, for tests of the dataplane alone: it starts it on two AF_XDP
// ports, publishes a snapshot, resolves neighbours from what it is told, and prints events.
//
//   driver SOCKET OUTSIDE-IF INSIDE-IF WORKERS LISTENER BACKEND [NEIGHBOUR-PORT IP MAC]...
//
// Prints "running" when packets can flow; ends when standard input does.

// Wait for a message of this type; others are skipped. *with: the first descriptor.
static void expect(int fd, enum ipc_type type, void *body, size_t len, int *with)
{
	static char buffer[IPC_MESSAGE_MAX];
	const struct ipc_header *header = (const struct ipc_header *)buffer;

	do {
		char control[CMSG_SPACE(4 * sizeof(int))];
		struct iovec iov = {buffer, sizeof(buffer)};
		struct msghdr msg = {.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control)};
		struct cmsghdr *c;

		if (recvmsg(fd, &msg, 0) <= 0) {
			perror("the dataplane is gone");
			exit(1);
		}
		c = CMSG_FIRSTHDR(&msg);
		if (c != NULL && with != NULL)
			memcpy(with, CMSG_DATA(c), sizeof(int));
	} while (header->type != type);
	memcpy(body, buffer + sizeof(*header), len);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	for (int i = 0; i < 100; i++) {
		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
			return fd;
		usleep(50000);
	}
	perror(path);
	exit(1);
}

static const struct ipc_shm *start(int fd, char **argv)
{
	struct ipc_start msg = {
		.digest = 1,
		.nb_workers = (uint16_t)atoi(argv[4]),
		.memory_mb = 256,
		.hugepages = IPC_HUGEPAGES_OFF,
		.idle = IPC_IDLE_PAUSE,
		.txn_entries = 65536,
		.reassembly_timeout_ms = 2000,
		.reassembly_flows = 256,
		.reassembly_per_source = 64,
		.file_prefix = "sipshunt-driver",
		.nb_ports = 2,
	};
	struct ipc_started started;
	int shm_fd = -1;
	void *shm;

	for (uint16_t i = 0; i < msg.nb_workers; i++)
		msg.worker_cpus[i] = (uint16_t)(1 - i % 2);
	for (int i = 0; i < 2; i++) {
		struct ipc_start_port *port = &msg.ports[i];

		snprintf(port->name, sizeof(port->name), "%s", i == 0 ? "out" : "in");
		snprintf(port->twin, sizeof(port->twin), i == 0 ? "out-twin" : "in-twin");
		snprintf(port->device, sizeof(port->device), "net_af_xdp,iface=%s", argv[2 + i]);
		port->mtu = 1500;
	}
	send_message(fd, IPC_START, &msg, sizeof(msg), -1);
	expect(fd, IPC_STARTED, &started, sizeof(started), &shm_fd);
	if (started.error != 0) {
		fprintf(stderr, "%s\n", started.text);
		exit(1);
	}
	shm = mmap(NULL, sizeof(struct ipc_shm), PROT_READ, MAP_SHARED, shm_fd, 0);
	shm = mmap(NULL, ((const struct ipc_shm *)shm)->size, PROT_READ | PROT_WRITE, MAP_SHARED,
		shm_fd, 0);
	return shm;
}

static void publish(int fd, const struct snapshot *snap)
{
	struct ipc_snapshot msg = {snap->generation, snap->size, (snap->size + 63) & ~63u};
	struct ipc_snapshot_done done;
	struct backend_bits bits;
	int memfd = memfd_create("snapshot", 0);

	memset(&bits, 0xff, sizeof(bits));
	if (pwrite(memfd, snap, snap->size, 0) < 0 ||
		pwrite(memfd, &bits, sizeof(bits), (off_t)msg.bits_off) < 0)
		exit(1);
	send_message(fd, IPC_SNAPSHOT, &msg, sizeof(msg), memfd);
	expect(fd, IPC_SNAPSHOT_DONE, &done, sizeof(done), NULL);
	if (done.error != 0) {
		fprintf(stderr, "snapshot: %s\n", done.text);
		exit(1);
	}
}

static void neighbours(int fd, char **argv)
{
	for (; argv[0] != NULL && argv[1] != NULL && argv[2] != NULL; argv += 3) {
		struct ipc_neighbour msg = {.port = (uint16_t)atoi(argv[0]), .valid = 1};

		ip_addr_parse(strv_from(argv[1]), &msg.ip);
		sscanf(argv[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &msg.mac[0], &msg.mac[1],
			&msg.mac[2], &msg.mac[3], &msg.mac[4], &msg.mac[5]);
		send_message(fd, IPC_NEIGHBOUR, &msg, sizeof(msg), -1);
	}
}

static void print_counters(const struct ipc_shm *shm)
{
	for (uint32_t i = 0; i < shm->nb_workers; i++) {
		const struct ipc_worker_counters *c = (const void *)((const char *)shm +
			shm->workers_off + i * shm->workers_stride);

		printf("worker %u: rx %lu tx %lu to_twin %lu from_twin %lu fragments %lu "
		       "reassembled %lu "
		       "fragmented %lu",
			i, c->rx_packets, c->tx_packets, c->to_twin, c->from_twin, c->fragments,
			c->reassembled, c->fragmented);
		for (int r = 0; r < DROP_REASONS; r++)
			if (c->drops[r] + c->services[0].drops[r] > 0)
				printf(" drop:%s %lu", drop_reason_name((enum drop_reason)r),
					c->drops[r] + c->services[0].drops[r]);
		printf("\n");
	}
	printf("mbufs in use %lu of %lu\n", shm->mbufs_in_use, shm->mbufs_total);
}

int main(int argc, char **argv)
{
	struct snapshot_fixture fixture = {
		.flags = SERVICE_RECORD_ROUTE | SERVICE_REPLY_UNPARSABLE};
	const struct ipc_shm *shm;
	struct ipc_hello hello;
	int fd;

	if (argc < 7)
		return 2;
	fd = connect_to(argv[1]);
	expect(fd, IPC_HELLO, &hello, sizeof(hello), NULL);
	shm = start(fd, argv);
	fixture.listener = argv[5];
	fixture.backend = argv[6];
	publish(fd, snapshot_fixture_build(&fixture));
	neighbours(fd, argv + 7);
	puts("running");
	fflush(stdout);
	while (getchar() != EOF)
		;
	sleep(1);
	print_counters(shm);
	return 0;
}
