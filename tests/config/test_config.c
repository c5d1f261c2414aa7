// SPDX-License-Identifier: BSD-3-Clause
#include "tests/config/support.h"

#include <errno.h>

static const char *const minimal = "schema: 1\n"
				   "node: {name: lb1}\n"
				   "dataplane:\n"
				   "  workers: 1\n"
				   "  ports: [{name: wan0, device: net_null0}]\n"
				   "services:\n"
				   "  - name: access\n"
				   "    listen: [{address: 192.0.2.10}]\n"
				   "    backends: [{name: kam1, address: 192.0.2.21}]\n";

static void assert_addr(const struct config_addr *addr, const uint8_t *ip, uint8_t family)
{
	uint8_t wanted[16] = {0};

	memcpy(wanted, ip, family == 4 ? 4 : 16);
	ck_assert_uint_eq(addr->family, family);
	ck_assert_mem_eq(addr->ip, wanted, 16);
}
#define ck_assert_v4(addr, ...) assert_addr((addr), (const uint8_t[]){__VA_ARGS__}, 4)

static struct config *full(void)
{
	char *text = read_text(TEST_DIR "/full.yaml");
	struct config *config = accept(text);

	free(text);
	return config;
}

START_TEST(minimal_has_defaults)
{
	struct config *c = accept(minimal);
	const struct config_service *s = &c->services[0];
	const struct config_health_check *h = &s->backends[0].health_check;

	ck_assert_str_eq(c->node.cluster, "default");
	ck_assert_uint_eq(c->dataplane.memory_bytes, 1 << 30);
	ck_assert_int_eq(c->dataplane.hugepages, CONFIG_AUTO);
	ck_assert_uint_eq(c->dataplane.nb_control_cpus, 0);
	ck_assert_ptr_null(c->dataplane.control_cpus);
	ck_assert_uint_eq(c->dataplane.ports[0].mtu, 1500);
	ck_assert_str_eq(c->dataplane.ports[0].twin, "sx-wan0");
	ck_assert_uint_eq(c->dataplane.reassembly.timeout_ms, 2000);
	ck_assert_uint_eq(s->listen[0].port, 5060);
	ck_assert(s->record_route && s->path);
	ck_assert_int_eq(s->hash.register_key, CONFIG_HASH_TO_AOR);
	ck_assert_uint_eq(s->backends[0].port, 5060);
	ck_assert_uint_eq(s->backends[0].weight, 100);
	ck_assert_ptr_null(s->backends[0].zone);
	ck_assert_uint_eq(s->limits.source_rate, 0);
	ck_assert_uint_eq(s->limits.max_message_bytes, 65535);
	ck_assert_uint_eq(h->interval_ms, 5000);
	ck_assert_uint_eq(h->nb_expect, 4);
	ck_assert_str_eq(h->from, "sip:probe@sipshunt.invalid");
	ck_assert(!c->has_keys && !c->redis.enabled);
	ck_assert_uint_eq(c->metrics.nb_listen, 0);
	ck_assert_str_eq(c->admin.socket, "/run/sipshunt/admin.sock");
	ck_assert_uint_eq(c->admin.state_max_age_ms, 7 * 86400000ull);
	ck_assert_int_eq(c->log.level, CONFIG_LOG_INFO);
	config_destroy(c);
}
END_TEST

START_TEST(dataplane_is_mapped)
{
	static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 1, [15] = 0x10};
	struct config *c = full();
	const struct config_dataplane *d = &c->dataplane;
	static const uint16_t workers[] = {2, 3, 4, 5, 7};

	ck_assert_uint_eq(c->schema, 1);
	ck_assert_str_eq(c->node.name, "lb1");
	ck_assert_str_eq(c->node.cluster, "edge");
	ck_assert_uint_eq(d->nb_workers, 5);
	ck_assert_mem_eq(d->workers, workers, sizeof(workers));
	ck_assert_uint_eq(d->nb_control_cpus, 2);
	ck_assert_uint_eq(d->memory_bytes, 2ull << 30);
	ck_assert_str_eq(d->file_prefix, "fp");
	ck_assert_int_eq(d->hugepages, CONFIG_OFF);
	ck_assert_int_eq(d->idle, CONFIG_IDLE_PAUSE);
	ck_assert_str_eq(d->socket, "/run/dp.sock");
	ck_assert_int_eq(d->exception_path, CONFIG_EXCEPTION_NONE);
	ck_assert_uint_eq(d->reassembly.timeout_ms, 3000);
	ck_assert_uint_eq(d->reassembly.flows, 4096);
	ck_assert_uint_eq(d->reassembly.max_fragments, 4);
	ck_assert_uint_eq(d->reassembly.per_source, 32);
	ck_assert_uint_eq(d->nb_ports, 2);
	ck_assert_str_eq(d->ports[0].name, "wan0");
	ck_assert_str_eq(d->ports[0].device, "0000:3b:00.0");
	ck_assert_uint_eq(d->ports[0].mtu, 9000);
	ck_assert_str_eq(d->ports[0].twin, "wan");
	ck_assert_uint_eq(d->ports[0].nb_addresses, 2);
	ck_assert_v4(&d->ports[0].addresses[0].addr, 192, 0, 2, 10);
	ck_assert_uint_eq(d->ports[0].addresses[0].length, 31);
	assert_addr(&d->ports[0].addresses[1].addr, v6, 6);
	ck_assert_uint_eq(d->ports[0].addresses[1].length, 64);
	ck_assert_uint_eq(d->ports[0].nb_gateway, 2);
	ck_assert_v4(&d->ports[0].gateway[0], 192, 0, 2, 11);
	ck_assert_str_eq(d->ports[1].twin, "sx-core0");
	ck_assert_int_eq(d->ports[0].backends, CONFIG_BACKENDS_AUTO);
	ck_assert_int_eq(d->ports[1].backends, CONFIG_BACKENDS_ALLOWED);
	config_destroy(c);
}
END_TEST

START_TEST(service_is_mapped)
{
	struct config *c = full();
	const struct config_service *s = &c->services[0];

	ck_assert_uint_eq(c->nb_services, 1);
	ck_assert_str_eq(s->name, "access");
	ck_assert_uint_eq(s->nb_listen, 2);
	ck_assert_v4(&s->listen[0].address, 203, 0, 113, 5);
	ck_assert_uint_eq(s->listen[0].port, 5070);
	ck_assert_int_eq(s->listen[0].transport, CONFIG_TRANSPORT_UDP);
	ck_assert_uint_eq(s->listen[0].acl.nb_allow, 2);
	ck_assert_v4(&s->listen[0].acl.allow[0].addr, 198, 51, 100, 0);
	ck_assert_uint_eq(s->listen[0].acl.allow[0].length, 24);
	ck_assert_uint_eq(s->listen[0].acl.allow[1].length, 32);
	ck_assert_uint_eq(s->listen[0].acl.nb_deny, 1);
	ck_assert_uint_eq(s->listen[1].acl.nb_allow, 0);
	ck_assert_int_eq(s->forwarding, CONFIG_FORWARDING_PROXY);
	ck_assert(!s->record_route);
	ck_assert(s->path);
	ck_assert_int_eq(s->affinity, CONFIG_AFFINITY_REGISTRATION);
	ck_assert_int_eq(s->hash.key, CONFIG_HASH_FROM_AOR);
	ck_assert_int_eq(s->hash.register_key, CONFIG_HASH_SOURCE_IP);
	ck_assert_uint_eq(s->nb_backends, 2);
	ck_assert_str_eq(s->backends[0].name, "kam1");
	ck_assert_v4(&s->backends[0].address, 10, 20, 1, 11);
	ck_assert_uint_eq(s->backends[0].port, 5061);
	ck_assert_uint_eq(s->backends[0].weight, 256);
	ck_assert_str_eq(s->backends[0].zone, "a");
	ck_assert_int_eq(s->backends[0].state, CONFIG_STATE_DRAIN);
	ck_assert_uint_eq(s->slow_start_ms, 30000);
	ck_assert_uint_eq(s->panic_threshold_percent, 50);
	ck_assert_int_eq(s->when_all_down, CONFIG_ALL_DOWN_REPLY_503);
	ck_assert_uint_eq(s->limits.source_rate, 200);
	ck_assert_uint_eq(s->limits.reply_rate, 50);
	ck_assert_int_eq(s->limits.unparsable, CONFIG_UNPARSABLE_DROP);
	ck_assert_uint_eq(s->limits.max_message_bytes, 8192);
	ck_assert_uint_eq(s->limits.max_headers, 64);
	ck_assert_uint_eq(s->limits.max_header_bytes, 4096);
	config_destroy(c);
}
END_TEST

START_TEST(health_check_is_inherited_key_by_key)
{
	struct config *c = full();
	const struct config_health_check *own = &c->services[0].backends[0].health_check;
	const struct config_health_check *inherited = &c->services[0].backends[1].health_check;

	// The backend's own, the service's, the defaults'.
	ck_assert_uint_eq(own->interval_ms, 6000);
	ck_assert_uint_eq(own->rise, 4);
	ck_assert_uint_eq(own->fall, 5);
	ck_assert_uint_eq(inherited->interval_ms, 2000);
	ck_assert_uint_eq(inherited->rise, 2);
	ck_assert_uint_eq(inherited->timeout_ms, 1500);
	ck_assert_uint_eq(inherited->nb_expect, 2);
	ck_assert_uint_eq(inherited->expect[0].first, 200);
	ck_assert_uint_eq(inherited->expect[0].last, 299);
	ck_assert_uint_eq(inherited->expect[1].first, 404);
	ck_assert_uint_eq(inherited->expect[1].last, 404);
	ck_assert_str_eq(inherited->from, "sips:probe@lb.invalid");
	ck_assert_uint_eq(inherited->jitter_percent, 10);
	ck_assert_int_eq(inherited->owner, CONFIG_OWNER_ONE);
	config_destroy(c);
}
END_TEST

START_TEST(health_check_of_a_service_is_not_the_next_ones)
{
	char *text = replaced(
		minimal, "    backends:", "    health_check: {interval: 9s}\n    backends:");
	struct strbuf two = {0};
	struct config *c;

	strbuf_puts(&two, text);
	strbuf_puts(&two,
		"  - name: core\n"
		"    listen: [{address: 192.0.2.11}]\n"
		"    backends: [{name: kam1, address: 192.0.2.21}]\n");
	c = accept(strbuf_text(&two));
	ck_assert_uint_eq(c->services[0].backends[0].health_check.interval_ms, 9000);
	ck_assert_uint_eq(c->services[1].backends[0].health_check.interval_ms, 5000);
	config_destroy(c);
	strbuf_fini(&two);
	free(text);
}
END_TEST

START_TEST(the_rest_is_mapped)
{
	struct config *c = full();
	const struct config_redis *r = &c->redis;

	ck_assert(r->enabled);
	ck_assert_ptr_null(r->address.host);
	ck_assert_ptr_null(r->address.path);
	ck_assert_str_eq(r->sentinel.master_name, "mymaster");
	ck_assert_uint_eq(r->sentinel.nb_endpoints, 3);
	ck_assert_str_eq(r->sentinel.endpoints[1].host, "2001:db8::9");
	ck_assert_uint_eq(r->sentinel.endpoints[1].port, 26379);
	ck_assert_str_eq(r->sentinel.endpoints[2].host, "redis.example.com");
	ck_assert_str_eq(r->username, "lb");
	ck_assert_uint_eq(r->database, 3);
	ck_assert_uint_eq(r->connect_timeout_ms, 700);
	ck_assert_uint_eq(r->command_timeout_ms, 800);
	ck_assert_uint_eq(r->keepalive_ms, 20000);
	ck_assert_uint_eq(r->lease_ms, 12000);
	ck_assert_uint_eq(r->publish_interval_ms, 900);
	ck_assert_uint_eq(c->registrations.max, 5000);
	ck_assert_uint_eq(c->metrics.nb_listen, 3);
	ck_assert_str_eq(c->metrics.listen[2].path, "/run/m.sock");
	ck_assert_ptr_null(c->metrics.listen[2].host);
	ck_assert_str_eq(c->admin.socket, "/run/a.sock");
	ck_assert_str_eq(c->admin.state_file, "/var/lib/s.json");
	ck_assert_uint_eq(c->admin.state_max_age_ms, 2 * 86400000ull);
	ck_assert_int_eq(c->log.level, CONFIG_LOG_DEBUG);
	ck_assert_int_eq(c->log.target, CONFIG_LOG_SYSLOG);
	ck_assert_int_eq(c->log.format, CONFIG_LOG_JSON);
	config_destroy(c);
}
END_TEST

START_TEST(secrets_are_read)
{
	static const uint8_t a[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	struct config *c = full();

	ck_assert(c->has_keys);
	ck_assert_int_eq(c->cluster_keys.primary, 'b');
	ck_assert_uint_eq(c->cluster_keys.nb_keys, 2);
	ck_assert_int_eq(c->cluster_keys.keys[0].id, 'a');
	ck_assert_mem_eq(c->cluster_keys.keys[0].secret, a, sizeof(a));
	ck_assert_uint_eq(c->cluster_keys.keys[1].secret[15], 0xff);
	ck_assert_str_eq(c->redis.password, "pass word");
	config_destroy(c);
}
END_TEST

START_TEST(example_files_load)
{
	static const char *const files[] = {"sipshunt.example.yaml", "minimal.yaml"};
	struct config_errors errs = {0};
	struct config *config;
	char path[4096];

	snprintf(path, sizeof(path), "%s/config/%s", SOURCE_DIR, files[_i]);
	config = config_load(path, &errs);
	config_errors_print(stderr, &errs);
	ck_assert_ptr_nonnull(config);
	config_destroy(config);
}
END_TEST

START_TEST(all_errors_come_at_once_in_the_order_of_the_file)
{
	ck_assert_errors("schema: 1\n"
			 "dataplane: {workers: 1, ports: [{name: p, device: d}]}\n"
			 "services:\n"
			 "  - name: access\n"
			 "    listen: [{address: 192.0.2.10, port: 99999}]\n"
			 "    backends:\n"
			 "      - {name: kam1, address: 192.0.2.21, weigth: 3}\n"
			 "      - {name: kam1, address: 192.0.2.22}\n"
			 "defaults: {health_check: {interval: 5}}\n"
			 "log: {level: loud}\n",
		"t.yaml:1:1: node: missing, needed: a mapping\n"
		"t.yaml:5:42: services[access].listen[0].port: \"99999\" is out of range, allowed: "
		"1..65535\n"
		"t.yaml:7:43: services[access].backends[kam1].weigth: unknown key \"weigth\", did "
		"you "
		"mean \"weight\"?\n"
		"t.yaml:8:16: services[access].backends[1].name: \"kam1\" is already used at line "
		"7\n"
		"t.yaml:9:37: defaults.health_check.interval: \"5\" has no unit, did you mean "
		"\"5s\"?\n"
		"t.yaml:10:14: log.level: \"loud\" is unknown, allowed: err, warning, notice, "
		"info, "
		"debug\n");
}
END_TEST

START_TEST(only_so_many_errors_are_kept)
{
	struct config_errors errs = {0};
	struct strbuf text = {0};

	for (int i = 0; i < CONFIG_ERRORS_MAX + 50; i++)
		strbuf_printf(&text, "k%d: 1\n", i);
	ck_assert_ptr_null(config_parse("t", strbuf_text(&text), text.len, &errs));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_uint_eq(errs.nb_items, CONFIG_ERRORS_MAX);
	ck_assert_uint_gt(errs.nb_dropped, 0);
	config_errors_fini(&errs);
	strbuf_fini(&text);
}
END_TEST

START_TEST(says_why_a_file_cannot_be_read)
{
	static const char *const paths[] = {"missing.yaml", "/"};
	static const char *const wanted[] = {
		"missing.yaml: cannot be read: No such file or directory",
		"/: cannot be read: Is a directory"};
	struct config_errors errs = {0};
	char text[256];

	ck_assert_ptr_null(config_load(paths[_i], &errs));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_uint_eq(errs.nb_items, 1);
	config_error_format(&errs.items[0], text, sizeof(text));
	ck_assert_str_eq(text, wanted[_i]);
	config_errors_fini(&errs);
}
END_TEST

START_TEST(reads_at_most_16_mib)
{
	struct config_errors errs = {0};

	ck_assert_ptr_null(config_load("/dev/zero", &errs));
	ck_assert_str_eq(errs.items[0].message, "too large, allowed: 16MiB");
	config_errors_fini(&errs);
}
END_TEST

static uint64_t digests(const char *text, uint64_t *cluster)
{
	struct config *c = accept(text);
	uint64_t digest = c->digest;

	*cluster = c->cluster_digest;
	config_destroy(c);
	return digest;
}

struct change {
	const char *from, *to;
	bool changes, changes_cluster;
};

static const struct change changes[] = {
	{"schema: 1\n", "# a comment\nschema:    1\n", false, false},
	{"schema: 1\nnode: {name: lb1}\n", "node: {name: lb1}\nschema: 1\n", false, false},
	{"workers: 1\n", "workers: \"1\"\n  memory: 1024MiB\n", false, false},
	{"node: {name: lb1}\n", "node: {name: lb1, cluster: default}\n", false, false},
	{"name: kam1,", "name: kam1, health_check: {interval: 5000ms},", false, false},
	{"node: {name: lb1}\n", "node: {name: lb2}\n", true, false},
	{"device: net_null0", "device: net_null1", true, false},
	{"node: {name: lb1}\n", "node: {name: lb1, cluster: other}\n", true, true},
	{"name: kam1,", "name: kam1, weight: 99,", true, true},
	{"name: kam1,", "name: kam1, health_check: {interval: 6s},", true, true},
	{"services:", "registrations: {max: 7}\nservices:", true, true},
	{"services:", "log: {level: debug}\nservices:", true, false},
};

START_TEST(digests_see_what_matters)
{
	const struct change *change = &changes[_i];
	char *text = replaced(minimal, change->from, change->to);
	uint64_t cluster[2], before, after;

	before = digests(minimal, &cluster[0]);
	after = digests(text, &cluster[1]);
	ck_assert_int_eq(before != after, change->changes);
	ck_assert_int_eq(cluster[0] != cluster[1], change->changes_cluster);
	free(text);
}
END_TEST

START_TEST(cluster_digest_covers_the_keys_and_not_where_they_are)
{
	char *text = read_text(TEST_DIR "/full.yaml");
	char *moved = replaced(text, "/proc/self/cwd/A", "/proc/self/cwd/P");
	uint64_t cluster[3];

	digests(text, &cluster[0]);
	write_file("P", "000102030405060708090a0b0c0d0e0f", 0600);
	digests(moved, &cluster[1]);
	ck_assert_uint_eq(cluster[0], cluster[1]);
	write_file("A", "000102030405060708090a0b0c0d0e0e", 0600);
	digests(text, &cluster[2]);
	ck_assert_uint_ne(cluster[0], cluster[2]);
	free(text);
	free(moved);
}
END_TEST

// A service with n backends.
static char *many_backends(unsigned int n)
{
	struct strbuf text = {0};

	strbuf_add(&text, minimal, (size_t)(strstr(minimal, "    backends:") - minimal));
	strbuf_puts(&text, "    backends:\n");
	for (unsigned int i = 0; i < n; i++)
		strbuf_printf(&text, "      - {name: b%u, address: 10.0.%u.%u}\n", i, i / 250,
			i % 250 + 1);
	return text.data;
}

START_TEST(takes_4096_backends)
{
	char *text = many_backends(CONFIG_BACKENDS_MAX);
	struct config *c = accept(text);

	ck_assert_uint_eq(c->services[0].nb_backends, CONFIG_BACKENDS_MAX);
	ck_assert_str_eq(c->services[0].backends[4095].name, "b4095");
	ck_assert_v4(&c->services[0].backends[4095].address, 10, 0, 16, 96);
	config_destroy(c);
	free(text);
}
END_TEST

START_TEST(refuses_4097_backends)
{
	char *text = many_backends(CONFIG_BACKENDS_MAX + 1);

	ck_assert_errors(text,
		"t.yaml:10:7: services[access].backends: has 4097 items, allowed: "
		"1..4096\n");
	free(text);
}
END_TEST

START_TEST(refuses_4097_backends_in_all)
{
	char *text = many_backends(CONFIG_BACKENDS_MAX);
	struct strbuf two = {0};

	strbuf_puts(&two, text);
	strbuf_puts(&two,
		"  - name: core\n"
		"    listen: [{address: 192.0.2.11}]\n"
		"    backends: [{name: kam1, address: 192.0.2.21}]\n");
	ck_assert_errors(strbuf_text(&two),
		"t.yaml:7:3: services: has 4097 backends in all, allowed: 4096\n");
	strbuf_fini(&two);
	free(text);
}
END_TEST

// Two services with so many listeners.
static char *many_listeners(int first, int second)
{
	const int nb_listeners[] = {first, second};
	struct strbuf text = {0};

	strbuf_add(&text, minimal, (size_t)(strstr(minimal, "  - name") - minimal));
	for (int s = 0; s < 2; s++) {
		strbuf_printf(
			&text, "  - name: s%d\n    backends: [{name: b, address: 10.0.0.1}]\n", s);
		strbuf_puts(&text, "    listen:\n");
		for (int l = 0; l < nb_listeners[s]; l++)
			strbuf_printf(&text, "      - {address: 192.0.%d.%d}\n", s, l + 1);
	}
	return text.data;
}

START_TEST(takes_256_listeners_in_all)
{
	char *most = many_listeners(128, 128), *too_many = many_listeners(128, 129);

	ck_assert_errors(most, "");
	ck_assert_errors(
		too_many, "t.yaml:7:3: services: has 257 listeners in all, allowed: 256\n");
	free(most);
	free(too_many);
}
END_TEST

START_TEST(ipv6_needs_an_mtu_of_1280)
{
	char *text = replaced(minimal, "device: net_null0",
		"device: net_null0, addresses: ['2001:db8::1/64'], mtu: 1280");
	char *small = replaced(text, "1280", "1279");

	ck_assert_errors(text, "");
	ck_assert_errors(small,
		"t.yaml:5:79: dataplane.ports[wan0].mtu: \"1279\" is out of range with "
		"an IPv6 address, allowed: 1280..9600\n");
	free(text);
	free(small);
}
END_TEST

START_TEST(a_byte_order_mark_and_crlf_are_read_over)
{
	struct strbuf text = {0};

	strbuf_puts(&text, "\xef\xbb\xbf");
	for (const char *c = minimal; *c != '\0'; c++) {
		if (*c == '\n')
			strbuf_puts(&text, "\r");
		strbuf_add(&text, c, 1);
	}
	ck_assert_errors(strbuf_text(&text), "");
	strbuf_puts(&text, "logs: 1");
	ck_assert_errors(strbuf_text(&text),
		"t.yaml:10:1: logs: unknown key \"logs\", did you mean \"log\"?\n");
	strbuf_fini(&text);
}
END_TEST

START_TEST(a_port_that_is_there_twice_is_one_error)
{
	char *text = replaced(minimal, "[{name: wan0, device: net_null0}]",
		"[{name: p, device: d}, {name: p, device: e}]");

	ck_assert_errors(
		text, "t.yaml:5:40: dataplane.ports[1].name: \"p\" is already used at line 5\n");
	free(text);
}
END_TEST

START_TEST(aliases_stand_for_what_they_name)
{
	char *text = replaced(minimal, "[{name: kam1, address: 192.0.2.21}]",
		"\n"
		"      - {name: kam1, address: 192.0.2.21, health_check: &fast {interval: 1s}}\n"
		"      - {name: kam2, address: 192.0.2.22, health_check: *fast}");
	struct config *c = accept(text);

	ck_assert_uint_eq(c->services[0].backends[1].health_check.interval_ms, 1000);
	config_destroy(c);
	free(text);
}
END_TEST

START_TEST(aliases_cannot_blow_up_the_file)
{
	struct strbuf text = {0};
	char *errors;

	// 64 services of 256 listeners with 2 * 512 prefixes each: 16 million.
	strbuf_puts(&text, "x-p: &p [");
	for (int i = 0; i < 512; i++)
		strbuf_printf(&text, "10.0.%d.0/24, ", i % 256);
	strbuf_puts(
		&text, "]\nx-l: &l {address: 192.0.2.1, acl: {allow: *p, deny: *p}}\nx-ls: &ls [");
	for (int i = 0; i < 256; i++)
		strbuf_puts(&text, "*l , ");
	strbuf_puts(&text, "]\nservices: [");
	for (int i = 0; i < 64; i++)
		strbuf_printf(&text, "{name: s%d, listen: *ls }, ", i);
	strbuf_puts(&text, "]\n");
	errors = errors_of("t", strbuf_text(&text), text.len);
	ck_assert_ptr_nonnull(
		strstr(errors, "too large with its aliases written out, allowed: 64MiB"));
	free(errors);
	strbuf_fini(&text);
}
END_TEST

START_TEST(a_cycle_of_aliases_ends)
{
	ck_assert_errors("&a [*a]", "t.yaml:1:1: found a sequence, allowed: a mapping\n");
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, secrets_setup, secrets_teardown);
	tcase_add_test(tc, minimal_has_defaults);
	tcase_add_test(tc, dataplane_is_mapped);
	tcase_add_test(tc, service_is_mapped);
	tcase_add_test(tc, health_check_is_inherited_key_by_key);
	tcase_add_test(tc, health_check_of_a_service_is_not_the_next_ones);
	tcase_add_test(tc, the_rest_is_mapped);
	tcase_add_test(tc, secrets_are_read);
	tcase_add_loop_test(tc, example_files_load, 0, 2);
	tcase_add_test(tc, all_errors_come_at_once_in_the_order_of_the_file);
	tcase_add_test(tc, only_so_many_errors_are_kept);
	tcase_add_loop_test(tc, says_why_a_file_cannot_be_read, 0, 2);
	tcase_add_test(tc, reads_at_most_16_mib);
	tcase_add_loop_test(tc, digests_see_what_matters, 0, NB(changes));
	tcase_add_test(tc, cluster_digest_covers_the_keys_and_not_where_they_are);
	tcase_add_test(tc, takes_4096_backends);
	tcase_add_test(tc, refuses_4097_backends);
	tcase_add_test(tc, refuses_4097_backends_in_all);
	tcase_add_test(tc, takes_256_listeners_in_all);
	tcase_add_test(tc, ipv6_needs_an_mtu_of_1280);
	tcase_add_test(tc, a_byte_order_mark_and_crlf_are_read_over);
	tcase_add_test(tc, a_port_that_is_there_twice_is_one_error);
	tcase_add_test(tc, aliases_stand_for_what_they_name);
	tcase_add_test(tc, aliases_cannot_blow_up_the_file);
	tcase_add_test(tc, a_cycle_of_aliases_ends);
}

int main(void)
{
	return run_suite("config", add_tests);
}
