// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/eal.h"

#include "dataplane/log.h"

#include <rte_eal.h>
#include <rte_errno.h>

#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

LOG_TOPIC("eal");

#define ARGS_MAX (32 + 2 * IPC_PORTS_MAX)
#define ARG_LEN 512
#define MEMORY_MB_MIN 64
#define MEMORY_MB_MAX (1 << 20)

struct args {
	int nb;
	char *argv[ARGS_MAX + 1];
	char text[ARGS_MAX][ARG_LEN];
};

static void __attribute__((format(printf, 2, 3)))
add_arg(struct args *args, const char *format, ...)
{
	va_list list;

	if (args->nb == ARGS_MAX)
		return;
	va_start(list, format);
	vsnprintf(args->text[args->nb], ARG_LEN, format, list);
	va_end(list);
	args->argv[args->nb] = args->text[args->nb];
	args->nb++;
}

static bool terminated(char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static const char *check_port(struct ipc_start_port *port)
{
	if (!terminated(port->name, sizeof(port->name)) || port->name[0] == '\0')
		return "a port's name";
	if (!terminated(port->device, sizeof(port->device)) || port->device[0] == '\0')
		return "a port's device";
	if (!terminated(port->twin, sizeof(port->twin)) || strchr(port->twin, ',') != NULL)
		return "a port's twin";
	if (port->mtu < 576 || port->mtu > 9600)
		return "a port's MTU";
	return NULL;
}

int eal_check_start(struct ipc_start *start, char *text, size_t len)
{
	const char *wrong = NULL;

	if (start->nb_workers == 0 || start->nb_workers > IPC_WORKERS_MAX)
		wrong = "number of workers";
	else if (start->nb_ports == 0 || start->nb_ports > IPC_PORTS_MAX)
		wrong = "number of ports";
	else if (start->memory_mb < MEMORY_MB_MIN || start->memory_mb > MEMORY_MB_MAX)
		wrong = "memory";
	else if (start->hugepages > IPC_HUGEPAGES_OFF)
		wrong = "hugepages";
	else if (start->idle > IPC_IDLE_PAUSE)
		wrong = "idle";
	else if (start->txn_entries != 0 &&
		(start->txn_entries < 4 || (start->txn_entries & (start->txn_entries - 1)) != 0 ||
			start->txn_entries > UINT32_C(1) << 26))
		wrong = "transaction entries";
	else if (start->bindings_max > UINT32_C(1) << 26)
		wrong = "bindings";
	else if (start->reassembly_flows > UINT32_C(1) << 20 ||
		start->reassembly_timeout_ms > 60000)
		wrong = "reassembly";
	else if (!terminated(start->file_prefix, sizeof(start->file_prefix)))
		wrong = "file prefix";
	for (uint32_t i = 0; wrong == NULL && i < start->nb_workers; i++)
		if (start->worker_cpus[i] >= CPU_SETSIZE)
			wrong = "CPU of a worker";
	for (uint32_t i = 0; wrong == NULL && i < start->nb_ports; i++)
		wrong = check_port(&start->ports[i]);
	if (wrong == NULL)
		return 0;
	snprintf(text, len, "%s: not possible", wrong);
	return -EINVAL;
}

// 2 MB pages that are free, in MB.
static long free_hugepages_mb(void)
{
	FILE *file = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "re");
	long pages = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%ld", &pages) != 1)
		pages = 0;
	fclose(file);
	return pages * 2;
}

static bool use_hugepages(const struct ipc_start *start)
{
	long free_mb;

	if (start->hugepages != IPC_HUGEPAGES_AUTO)
		return start->hugepages == IPC_HUGEPAGES_ON;
	free_mb = free_hugepages_mb();
	if (free_mb >= (long)start->memory_mb)
		return true;
	LOG(NOTICE, "%ld MB of hugepages are free, %u MB are wanted: going without, slower",
		free_mb, start->memory_mb);
	return false;
}

static bool is_vdev(const char *device)
{
	return strncmp(device, "net_", 4) == 0 || strncmp(device, "eth_", 4) == 0;
}

static bool name_taken(const struct ipc_start *start, uint32_t port, const char *name)
{
	size_t len = strlen(name);

	for (uint32_t i = 0; i < start->nb_ports; i++)
		if (i != port && strncmp(start->ports[i].device, name, len) == 0 &&
			(start->ports[i].device[len] == ',' || start->ports[i].device[len] == '\0'))
			return true;
	return false;
}

bool eal_device(const struct ipc_start *start, uint32_t port, char name[EAL_DEVICE_NAME_MAX],
	char vdev[256])
{
	const char *device = start->ports[port].device;
	size_t len = strcspn(device, ",");
	const char *rest = device + len;
	char queues[32] = "";

	if (len > EAL_DEVICE_NAME_MAX - 12)
		len = EAL_DEVICE_NAME_MAX - 12;
	snprintf(name, EAL_DEVICE_NAME_MAX, "%.*s", (int)len, device);
	if (!is_vdev(device))
		return false;
	// A name that the operator numbered stays, unless another port has it too.
	if (!isdigit((unsigned char)name[len - 1]) || name_taken(start, port, name))
		snprintf(name + len, EAL_DEVICE_NAME_MAX - len, "%s%u",
			isdigit((unsigned char)name[len - 1]) ? "_" : "", port);
	if (strncmp(name, "net_af_xdp", 10) == 0 && strstr(rest, "queue_count=") == NULL)
		snprintf(queues, sizeof(queues), ",queue_count=%u", start->nb_workers);
	snprintf(vdev, 256, "%s%s%s", name, rest, queues);
	return true;
}

static void add_lcores(struct args *args, const struct ipc_start *start)
{
	char text[ARG_LEN];
	int len = snprintf(text, sizeof(text), "0@%u", start->main_cpu);

	for (uint16_t i = 0; i < start->nb_workers; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len, ",%u@%u", i + 1u,
			start->worker_cpus[i]);
	add_arg(args, "--lcores=%s", text);
}

int eal_start(const struct ipc_start *start, struct eal_devices *devices, char *text, size_t len)
{
	static struct args args; // EAL keeps pointers into it
	bool pci = false;
	char vdev[256];
	int ret;

	args.nb = 0;
	add_arg(&args, "sipshunt-dataplane");
	add_lcores(&args, start);
	add_arg(&args, "-m");
	add_arg(&args, "%u", start->memory_mb);
	if (use_hugepages(start)) {
		add_arg(&args, "--in-memory");
	} else {
		add_arg(&args, "--no-huge");
		add_arg(&args, "--no-shconf");
	}
	if (start->file_prefix[0] != '\0')
		add_arg(&args, "--file-prefix=%s", start->file_prefix);
	add_arg(&args, "--no-telemetry");
	for (uint32_t i = 0; i < start->nb_ports; i++) {
		if (eal_device(start, i, devices->names[i], vdev)) {
			add_arg(&args, "--vdev=%s", vdev);
		} else {
			pci = true;
			add_arg(&args, "--allow=%s", devices->names[i]);
		}
	}
	if (!pci) {
		add_arg(&args, "--no-pci");
		add_arg(&args, "--iova-mode=va");
	}
	args.argv[args.nb] = NULL;
	for (int i = 1; i < args.nb; i++)
		LOG(DEBUG, "argument %s", args.argv[i]);

	ret = rte_eal_init(args.nb, args.argv);
	if (ret < 0) {
		ret = rte_errno > 0 ? -rte_errno : -EIO;
		snprintf(text, len, "EAL: %s; its own words are in the log", rte_strerror(-ret));
		return ret;
	}
	return 0;
}
