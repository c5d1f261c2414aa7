// SPDX-License-Identifier: BSD-3-Clause
#include "tests/config/support.h"

static void append(const char *path, const char *from, const char *to, void *arg)
{
	strbuf_printf(arg, "%s \"%s\" -> \"%s\"\n", path, from, to);
}

struct change {
	const char *from, *to;
	const char *reported;
};

static const struct change changes[] = {
	{"weight: 256", "weight: 255", ""},
	{"level: debug", "level: info", ""},
	{"primary: b", "primary: a", ""},
	// In a section that needs a restart, but not of that kind.
	{"backends: allowed", "backends: never", ""},
	{"net_null0", "net_null1",
		"dataplane.ports[core0].device \"net_null0\" -> \"net_null1\"\n"},
	{"workers: \"2-5,7\"", "workers: \"2-7\"", "dataplane.workers \"2-5,7\" -> \"2-7\"\n"},
	// The same in other words.
	{"workers: \"2-5,7\"", "workers: \"7,2-4,5\"", ""},
	{"memory: 2GiB", "memory: 2048MiB", ""},
	{"  cluster: edge\n", "", "node.cluster \"edge\" -> \"default\"\n"},
	{"name: wan0", "name: wan1",
		"dataplane.ports[0].name \"wan0\" -> \"wan1\"\n"
		"dataplane.ports[wan1].device \"(absent)\" -> \"0000:3b:00.0\"\n"
		"dataplane.ports[wan1].mtu \"(absent)\" -> \"9000\"\n"
		"dataplane.ports[wan1].addresses[0] \"(absent)\" -> \"192.0.2.10/31\"\n"
		"dataplane.ports[wan1].addresses[1] \"(absent)\" -> \"2001:db8:1::10/64\"\n"
		"dataplane.ports[wan1].gateway[0] \"(absent)\" -> \"192.0.2.11\"\n"
		"dataplane.ports[wan1].gateway[1] \"(absent)\" -> \"fe80::1\"\n"
		"dataplane.ports[wan1].twin \"(absent)\" -> \"wan\"\n"
		"dataplane.ports[wan0].device \"0000:3b:00.0\" -> \"(absent)\"\n"
		"dataplane.ports[wan0].mtu \"9000\" -> \"(absent)\"\n"
		"dataplane.ports[wan0].addresses[0] \"192.0.2.10/31\" -> \"(absent)\"\n"
		"dataplane.ports[wan0].addresses[1] \"2001:db8:1::10/64\" -> \"(absent)\"\n"
		"dataplane.ports[wan0].gateway[0] \"192.0.2.11\" -> \"(absent)\"\n"
		"dataplane.ports[wan0].gateway[1] \"fe80::1\" -> \"(absent)\"\n"
		"dataplane.ports[wan0].twin \"wan\" -> \"(absent)\"\n"},
	{"      twin: wan\n", "", "dataplane.ports[wan0].twin \"wan\" -> \"(absent)\"\n"},
	{", \"fe80::1\"]", "]", "dataplane.ports[wan0].gateway[1] \"fe80::1\" -> \"(absent)\"\n"},
	{"timeout: 3s", "timeout: 4s", "dataplane.reassembly.timeout \"3s\" -> \"4s\"\n"},
	{"socket: /run/a.sock", "socket: /run/b.sock",
		"admin.socket \"/run/a.sock\" -> \"/run/b.sock\"\n"},
	{"target: syslog", "target: stderr", "log.target \"syslog\" -> \"stderr\"\n"},
	{"\"[::1]:9620\", ", "",
		"metrics.listen[1] \"[::1]:9620\" -> \"unix:/run/m.sock\"\n"
		"metrics.listen[2] \"unix:/run/m.sock\" -> \"(absent)\"\n"},
};

START_TEST(reports_restart_keys_that_changed)
{
	const struct change *change = &changes[_i];
	char *text = read_text(TEST_DIR "/full.yaml");
	char *changed = replaced(text, change->from, change->to);
	struct config *from = accept(text), *to = accept(changed);
	struct strbuf reported = {0};
	uint32_t nb = config_diff_restart_keys(from, to, append, &reported), nb_lines = 0;

	ck_assert_str_eq(strbuf_text(&reported), change->reported);
	for (const char *c = strbuf_text(&reported); *c != '\0'; c++)
		nb_lines += *c == '\n';
	ck_assert_uint_eq(nb, nb_lines);
	ck_assert_uint_eq(config_diff_restart_keys(from, to, NULL, NULL), nb);
	ck_assert_uint_eq(config_diff_restart_keys(to, to, NULL, NULL), 0);
	strbuf_fini(&reported);
	config_destroy(from);
	config_destroy(to);
	free(changed);
	free(text);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, secrets_setup, secrets_teardown);
	tcase_add_loop_test(tc, reports_restart_keys_that_changed, 0, NB(changes));
}

int main(void)
{
	return run_suite("diff", add_tests);
}
