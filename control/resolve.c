// SPDX-License-Identifier: BSD-3-Clause
#include "control/resolve.h"

#include "control/ipc_client.h"
#include "control/log.h"

#include <errno.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

LOG_TOPIC("resolve");

#define RESOLV_CONF "/etc/resolv.conf"
#define HOSTS "/etc/hosts"
#define TTL_MIN_MS 5000
#define TTL_MAX_MS 3600000
#define TTL_NONE_MS 5000 // of "leads nowhere"
#define TTL_HOSTS_MS 30000
#define QUERIES_MAX 256
#define FAMILY_V4 1
#define FAMILY_V6 2
#define SIP_PORT 5060

struct query {
	LIST_ENTRY(query) entry;
	struct resolve *resolve;
	struct ipc_event_resolve question;
	uint8_t families; // that are still to be asked for
};

struct resolve {
	struct control *control;
	struct evdns_base *dns;
	bool own_nameserver;
	uint32_t nb_queries;
	LIST_HEAD(, query) queries;
};

// ---- /etc/hosts ---------------------------------------------------------------------------------

static bool line_has_host(char *names, const char *host)
{
	char *save;

	for (char *name = strtok_r(names, " \t\r\n", &save); name != NULL;
		name = strtok_r(NULL, " \t\r\n", &save)) {
		if (strcasecmp(name, host) == 0)
			return true;
	}
	return false;
}

static bool is_wanted(const struct ip_addr *ip, uint8_t families)
{
	return (families & (ip->family == 4 ? FAMILY_V4 : FAMILY_V6)) != 0 &&
		ip_addr_is_unicast(ip);
}

int resolve_in_hosts(const char *path, const char *host, uint8_t families, struct ip_addr *ip)
{
	FILE *file = fopen(path, "re");
	char line[1024];
	int rc = -ENOENT;

	if (file == NULL)
		return -ENOENT;
	while (rc < 0 && fgets(line, sizeof(line), file) != NULL) {
		char *text = line + strspn(line, " \t");
		size_t len = strcspn(text, " \t\r\n#");

		line[strcspn(line, "#")] = '\0';
		if (len > 0 && text[len] != '\0' &&
			ip_addr_parse((struct strv){text, len}, ip) == 0 &&
			is_wanted(ip, families) && line_has_host(text + len, host))
			rc = 0;
	}
	fclose(file);
	return rc;
}

// ---- Answers ------------------------------------------------------------------------------------

// ip NULL: it leads nowhere.
static void answer(struct resolve *resolve, const struct ipc_event_resolve *question,
	const struct ip_addr *ip, int64_t ttl_ms)
{
	struct ipc_name msg = {.port = question->port, .host_len = question->host_len};

	if (ttl_ms < TTL_MIN_MS)
		ttl_ms = TTL_MIN_MS;
	msg.ttl_ms = (uint32_t)(ttl_ms < TTL_MAX_MS ? ttl_ms : TTL_MAX_MS);
	memcpy(msg.host, question->host, question->host_len);
	if (ip != NULL) {
		msg.ok = 1;
		msg.to.ip = *ip;
		msg.to.port = question->port != 0 ? question->port : SIP_PORT;
	}
	LOG(DEBUG, "%.*s: %s", (int)msg.host_len, msg.host, ip != NULL ? "found" : "nowhere");
	ipc_client_send(resolve->control->ipc, IPC_NAME, &msg, sizeof(msg));
}

static void end_query(struct query *query)
{
	LIST_REMOVE(query, entry);
	query->resolve->nb_queries--;
	free(query);
}

static void ask(struct query *query);

static void on_records(int result, char type, int nb, int ttl_s, void *records, void *arg)
{
	struct query *query = arg;
	size_t size = type == DNS_IPv4_A ? 4 : 16;

	// The base is being freed, and the query with it.
	if (result == DNS_ERR_SHUTDOWN || result == DNS_ERR_CANCEL)
		return;
	for (int i = 0; result == DNS_ERR_NONE && i < nb; i++) {
		struct ip_addr ip = {.family = type == DNS_IPv4_A ? 4 : 6};

		memcpy(ip.octets, (const char *)records + (size_t)i * size, size);
		if (!ip_addr_is_unicast(&ip))
			continue;
		answer(query->resolve, &query->question, &ip, (int64_t)ttl_s * 1000);
		end_query(query);
		return;
	}
	ask(query);
}

// Ask for the next family that we can send to.
static void ask(struct query *query)
{
	struct evdns_base *dns = query->resolve->dns;
	const char *host = query->question.host;
	struct evdns_request *request = NULL;

	// With nobody to ask a request would wait for ever.
	if (evdns_base_count_nameservers(dns) == 0)
		query->families = 0;
	if ((query->families & FAMILY_V4) != 0) {
		query->families &= (uint8_t)~FAMILY_V4;
		request =
			evdns_base_resolve_ipv4(dns, host, DNS_QUERY_NO_SEARCH, on_records, query);
	} else if ((query->families & FAMILY_V6) != 0) {
		query->families &= (uint8_t)~FAMILY_V6;
		request =
			evdns_base_resolve_ipv6(dns, host, DNS_QUERY_NO_SEARCH, on_records, query);
	}
	if (request != NULL)
		return;
	answer(query->resolve, &query->question, NULL, TTL_NONE_MS);
	end_query(query);
}

// ---- Questions ----------------------------------------------------------------------------------

// A copy that ends in NUL. Peers wrote the host: only what can be a name is asked for.
static int take_question(const struct ipc_event_resolve *event, struct ipc_event_resolve *question)
{
	if (event->host_len == 0 || event->host_len > IPC_HOST_MAX)
		return -EBADMSG;
	*question = (struct ipc_event_resolve){
		.port = event->port, .host_len = event->host_len, .families = event->families};
	memcpy(question->host, event->host, event->host_len);
	for (uint16_t i = 0; i < question->host_len; i++) {
		char c = question->host[i];

		if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') &&
			c != '.' && c != '-' && c != '_')
			return -EINVAL;
	}
	return 0;
}

static bool is_asked(const struct resolve *resolve, const struct ipc_event_resolve *question)
{
	const struct query *query;

	LIST_FOREACH(query, &resolve->queries, entry)
	{
		if (query->question.port == question->port &&
			strcasecmp(query->question.host, question->host) == 0)
			return true;
	}
	return false;
}

void resolve_on_event(struct resolve *resolve, const struct ipc_event_resolve *event)
{
	struct ipc_event_resolve question;
	struct query *query;
	struct ip_addr ip;
	int rc;

	if (resolve == NULL)
		return;
	rc = take_question(event, &question);
	if (rc == -EBADMSG)
		return;
	if (rc < 0 || (question.families & (FAMILY_V4 | FAMILY_V6)) == 0) {
		answer(resolve, &question, NULL, TTL_NONE_MS);
		return;
	}
	if (resolve_in_hosts(HOSTS, question.host, question.families, &ip) == 0) {
		answer(resolve, &question, &ip, TTL_HOSTS_MS);
		return;
	}
	if (is_asked(resolve, &question))
		return;
	// A flood of names must not keep what is known from being asked again; the dataplane
	// counts what waits in vain.
	query = resolve->nb_queries < QUERIES_MAX ? calloc(1, sizeof(*query)) : NULL;
	if (query == NULL)
		return;
	query->resolve = resolve;
	query->question = question;
	query->families = question.families;
	LIST_INSERT_HEAD(&resolve->queries, query, entry);
	resolve->nb_queries++;
	ask(query);
}

// ---- Life ---------------------------------------------------------------------------------------

static void read_resolv_conf(struct resolve *resolve)
{
	int rc = evdns_base_resolv_conf_parse(
		resolve->dns, DNS_OPTION_NAMESERVERS | DNS_OPTION_MISC, RESOLV_CONF);

	if (rc != 0)
		LOG(WARNING, "%s cannot be used: names lead nowhere but by %s", RESOLV_CONF, HOSTS);
}

struct resolve *resolve_create(struct control *control, const char *nameserver)
{
	struct resolve *resolve = calloc(1, sizeof(*resolve));

	if (resolve == NULL)
		return NULL;
	resolve->control = control;
	LIST_INIT(&resolve->queries);
	// An idle resolver must not keep a loop alive that has nothing else to do.
	resolve->dns = evdns_base_new(control->base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (resolve->dns == NULL) {
		free(resolve);
		errno = ENOMEM;
		return NULL;
	}
	// The message waits meanwhile.
	evdns_base_set_option(resolve->dns, "timeout:", "1");
	evdns_base_set_option(resolve->dns, "attempts:", "2");
	evdns_base_set_option(resolve->dns, "randomize-case:", "0");
	if (nameserver != NULL) {
		resolve->own_nameserver = true;
		evdns_base_nameserver_ip_add(resolve->dns, nameserver);
	} else {
		read_resolv_conf(resolve);
	}
	return resolve;
}

void resolve_reload(struct resolve *resolve)
{
	if (resolve == NULL || resolve->own_nameserver)
		return;
	evdns_base_clear_nameservers_and_suspend(resolve->dns);
	read_resolv_conf(resolve);
	evdns_base_resume(resolve->dns);
}

void resolve_destroy(struct resolve *resolve)
{
	if (resolve == NULL)
		return;
	evdns_base_free(resolve->dns, 0);
	while (!LIST_EMPTY(&resolve->queries))
		end_query(LIST_FIRST(&resolve->queries));
	free(resolve);
}
