// SPDX-License-Identifier: BSD-3-Clause
#include "tests/config/support.h"

#include "config/value.h"

#include <errno.h>
#include <sys/mman.h>

// A copy that ends at a page that cannot be read: one octet too far crashes the test.
static struct text guarded(const char *octets, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *map =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert(map != MAP_FAILED);
	ck_assert_int_eq(mprotect(map + page, page, PROT_NONE), 0);
	memcpy(map + page - len, octets, len);
	return (struct text){map + page - len, len};
}

static const struct schema_type types[] = {
	[SCHEMA_UINT] = {.kind = SCHEMA_UINT, .max = UINT64_MAX},
	[SCHEMA_DURATION] = {.kind = SCHEMA_DURATION, .max = UINT64_MAX},
	[SCHEMA_SIZE] = {.kind = SCHEMA_SIZE, .max = UINT64_MAX},
	[SCHEMA_RATE] = {.kind = SCHEMA_RATE, .max = UINT32_MAX},
	[SCHEMA_PERCENT] = {.kind = SCHEMA_PERCENT, .max = 100},
	[SCHEMA_BOOL] = {.kind = SCHEMA_BOOL},
	[SCHEMA_KEY_ID] = {.kind = SCHEMA_KEY_ID},
	[SCHEMA_NAME] = {.kind = SCHEMA_NAME, .min = 1, .max = 63},
	[SCHEMA_STRING] = {.kind = SCHEMA_STRING, .min = 1, .max = 255},
	[SCHEMA_PATH] = {.kind = SCHEMA_PATH, .min = 1, .max = 107},
	[SCHEMA_IFNAME] = {.kind = SCHEMA_IFNAME, .min = 1, .max = 15},
	[SCHEMA_SIP_URI] = {.kind = SCHEMA_SIP_URI, .min = 5, .max = 255},
	[SCHEMA_ADDR] = {.kind = SCHEMA_ADDR},
	[SCHEMA_PREFIX] = {.kind = SCHEMA_PREFIX},
	[SCHEMA_IFADDR] = {.kind = SCHEMA_IFADDR},
	[SCHEMA_SOCKET] = {.kind = SCHEMA_SOCKET},
	[SCHEMA_LISTEN] = {.kind = SCHEMA_LISTEN},
	[SCHEMA_CPUS] = {.kind = SCHEMA_CPUS},
	[SCHEMA_STATUSES] = {.kind = SCHEMA_STATUSES},
};

struct sample {
	enum schema_kind kind;
	const char *in;
	const char *out; // NULL: refused
};

static const struct sample samples[] = {
	{SCHEMA_UINT, "0", "0"},
	{SCHEMA_UINT, "18446744073709551615", "18446744073709551615"},
	{SCHEMA_UINT, "18446744073709551616", NULL},
	{SCHEMA_UINT, "99999999999999999999999999999999999999999", NULL},
	{SCHEMA_UINT, "", NULL},
	{SCHEMA_UINT, "00", NULL},
	{SCHEMA_UINT, "+1", NULL},
	{SCHEMA_UINT, " 1", NULL},
	{SCHEMA_UINT, "1 ", NULL},
	{SCHEMA_UINT, "1_000", NULL},
	{SCHEMA_DURATION, "1ms", "1"},
	{SCHEMA_DURATION, "1s", "1000"},
	{SCHEMA_DURATION, "1m", "60000"},
	{SCHEMA_DURATION, "1h", "3600000"},
	{SCHEMA_DURATION, "1d", "86400000"},
	{SCHEMA_DURATION, "0s", "0"},
	{SCHEMA_DURATION, "s", NULL},
	{SCHEMA_DURATION, "1S", NULL},
	{SCHEMA_DURATION, "18446744073709551615s", NULL},
	{SCHEMA_DURATION, "1mss", NULL},
	{SCHEMA_SIZE, "1B", "1"},
	{SCHEMA_SIZE, "3KiB", "3072"},
	{SCHEMA_SIZE, "1MiB", "1048576"},
	{SCHEMA_SIZE, "2GiB", "2147483648"},
	{SCHEMA_SIZE, "17179869184GiB", NULL},
	{SCHEMA_SIZE, "1kib", NULL},
	{SCHEMA_RATE, "0/s", "0"},
	{SCHEMA_RATE, "4294967295/s", "4294967295"},
	{SCHEMA_RATE, "4294967296/s", NULL},
	{SCHEMA_RATE, "1 /s", NULL},
	{SCHEMA_PERCENT, "100%", "100"},
	{SCHEMA_PERCENT, "101%", NULL},
	{SCHEMA_PERCENT, "%", NULL},
	{SCHEMA_BOOL, "true", "1"},
	{SCHEMA_BOOL, "false", "0"},
	{SCHEMA_BOOL, "on", NULL},
	{SCHEMA_BOOL, "", NULL},
	{SCHEMA_KEY_ID, "a", "97"},
	{SCHEMA_KEY_ID, "z", "122"},
	{SCHEMA_KEY_ID, "A", NULL},
	{SCHEMA_KEY_ID, "", NULL},
	{SCHEMA_NAME, "0", "\"0\""},
	{SCHEMA_NAME, "a.b_c-d", "\"a.b_c-d\""},
	{SCHEMA_NAME, ".a", NULL},
	{SCHEMA_NAME, "a/b", NULL},
	{SCHEMA_NAME, "\xc3\xa9", NULL},
	{SCHEMA_STRING, "a \"b\" \\ c", "\"a \\\"b\\\" \\\\ c\""},
	{SCHEMA_STRING, "\xc3\xa9t\xc3\xa9", "\"\xc3\xa9t\xc3\xa9\""},
	{SCHEMA_STRING, "a\tb", NULL},
	{SCHEMA_STRING, "a\x7f", NULL},
	{SCHEMA_STRING, "a ", NULL},
	{SCHEMA_PATH, "/", "\"/\""},
	{SCHEMA_PATH, "~/x", NULL},
	{SCHEMA_IFNAME, "eth0.100", "\"eth0.100\""},
	{SCHEMA_IFNAME, "AZaz09", "\"AZaz09\""},
	{SCHEMA_IFNAME, ".", NULL},
	{SCHEMA_IFNAME, "..", NULL},
	{SCHEMA_IFNAME, "a:b", NULL},
	{SCHEMA_SIP_URI, "sip:a", "\"sip:a\""},
	{SCHEMA_SIP_URI, "sips:a@b;x=y", "\"sips:a@b;x=y\""},
	{SCHEMA_SIP_URI, "sips:", NULL},
	{SCHEMA_SIP_URI, "SIP:a@b", NULL},
	{SCHEMA_SIP_URI, "sip:a b", NULL},
	{SCHEMA_SIP_URI, "sip:a@b?X=y", NULL},
	{SCHEMA_ADDR, "1.2.3.4", "{family: 4, ip: [1,2,3,4,0,0,0,0,0,0,0,0,0,0,0,0]}"},
	{SCHEMA_ADDR, "fe80::1", "{family: 6, ip: [254,128,0,0,0,0,0,0,0,0,0,0,0,0,0,1]}"},
	{SCHEMA_ADDR, "1.2.3", NULL},
	{SCHEMA_ADDR, "1.2.3.4.5", NULL},
	{SCHEMA_ADDR, "01.2.3.4", NULL},
	{SCHEMA_ADDR, "0x1.2.3.4", NULL},
	{SCHEMA_ADDR, "1.2.3.256", NULL},
	{SCHEMA_ADDR, "255.255.255.255", NULL},
	{SCHEMA_ADDR, "fe80::1%eth0", NULL},
	{SCHEMA_ADDR, "::", NULL},
	{SCHEMA_ADDR, "ff02::1", NULL},
	{SCHEMA_ADDR, "::ffff:1.2.3.4", NULL},
	{SCHEMA_ADDR, "1:2:3:4:5:6:7:8:9", NULL},
	{SCHEMA_ADDR, "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", NULL},
	{SCHEMA_ADDR, "[::1", NULL},
	{SCHEMA_ADDR, "", NULL},
	{SCHEMA_PREFIX, "0.0.0.0/0",
		"{addr: {family: 4, ip: [0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}, length: 0}"},
	{SCHEMA_PREFIX, "::/0",
		"{addr: {family: 6, ip: [0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}, length: 0}"},
	{SCHEMA_PREFIX, "1.2.3.4/32",
		"{addr: {family: 4, ip: [1,2,3,4,0,0,0,0,0,0,0,0,0,0,0,0]}, length: 32}"},
	{SCHEMA_PREFIX, "1.2.3.4/31",
		"{addr: {family: 4, ip: [1,2,3,4,0,0,0,0,0,0,0,0,0,0,0,0]}, length: 31}"},
	{SCHEMA_PREFIX, "1.2.3.5/31", NULL},
	{SCHEMA_PREFIX, "1.2.3.4/", NULL},
	{SCHEMA_PREFIX, "1.2.3.4/08", NULL},
	{SCHEMA_PREFIX, "1.2.3.4/-1", NULL},
	{SCHEMA_PREFIX, "/8", NULL},
	{SCHEMA_PREFIX, "1.2.3.0/255.255.255.0", NULL},
	{SCHEMA_PREFIX, "", NULL},
	{SCHEMA_IFADDR, "1.2.3.4/24",
		"{addr: {family: 4, ip: [1,2,3,4,0,0,0,0,0,0,0,0,0,0,0,0]}, length: 24}"},
	{SCHEMA_IFADDR, "1.2.3.4/0", NULL},
	{SCHEMA_SOCKET, "h:1", "{host: \"h\", port: 1}"},
	{SCHEMA_SOCKET, "1.2.3.4:65535", "{host: \"1.2.3.4\", port: 65535}"},
	{SCHEMA_SOCKET, "[::1]:1", "{host: \"::1\", port: 1}"},
	{SCHEMA_SOCKET, "a-b.c_d.example:1", "{host: \"a-b.c_d.example\", port: 1}"},
	{SCHEMA_SOCKET, "unix:/a\"b", "{path: \"/a\\\"b\"}"},
	{SCHEMA_SOCKET, "unix:", NULL},
	{SCHEMA_SOCKET, "h:65536", NULL},
	{SCHEMA_SOCKET, "h:", NULL},
	{SCHEMA_SOCKET, ":1", NULL},
	{SCHEMA_SOCKET, ":", NULL},
	{SCHEMA_SOCKET, "[]:1", NULL},
	{SCHEMA_SOCKET, "[h]:1", NULL},
	{SCHEMA_SOCKET, "h.:1", NULL},
	{SCHEMA_SOCKET, "a..b:1", NULL},
	{SCHEMA_SOCKET, "1.2.3:1", NULL},
	{SCHEMA_SOCKET, "", NULL},
	{SCHEMA_LISTEN, "127.1.2.3:1", "{host: \"127.1.2.3\", port: 1}"},
	{SCHEMA_LISTEN, "[::2]:1", NULL},
	{SCHEMA_LISTEN, "128.0.0.1:1", NULL},
	{SCHEMA_CPUS, "3", "[3]"},
	{SCHEMA_CPUS, "5,1-3", "[1, 2, 3, 5]"},
	{SCHEMA_CPUS, "1023", "[1023]"},
	{SCHEMA_CPUS, "1024", NULL},
	{SCHEMA_CPUS, "1-", NULL},
	{SCHEMA_CPUS, "-1", NULL},
	{SCHEMA_CPUS, "1,,2", NULL},
	{SCHEMA_CPUS, "1-3,3", NULL},
	{SCHEMA_CPUS, "1-18446744073709551616", NULL},
	{SCHEMA_STATUSES, "404,200-299", "[{first: 200, last: 299}, {first: 404, last: 404}]"},
	{SCHEMA_STATUSES, "199", NULL},
	{SCHEMA_STATUSES, "700", NULL},
	{SCHEMA_STATUSES, "299-200", NULL},
};

START_TEST(values_are_normalized_or_refused_with_a_reason)
{
	const struct sample *sample = &samples[_i];
	struct strbuf out = {0}, why = {0};
	struct text in = guarded(sample->in, strlen(sample->in));
	int ret;

	strbuf_puts(&out, "before ");
	ret = value_normalize(&types[sample->kind], in, &out, &why);
	if (sample->out != NULL) {
		ck_assert_int_eq(ret, 0);
		ck_assert_str_eq(strbuf_text(&out) + strlen("before "), sample->out);
		ck_assert_uint_eq(why.len, 0);
	} else {
		ck_assert_int_eq(ret, -EINVAL);
		ck_assert_str_eq(strbuf_text(&out), "before ");
		ck_assert_uint_gt(why.len, 0);
		ck_assert_int_eq(strbuf_text(&why)[0], '"');
	}
	strbuf_fini(&out);
	strbuf_fini(&why);
}
END_TEST

START_TEST(a_nul_octet_is_never_accepted)
{
	static const char *const texts[] = {"1", "1s", "true", "a", "/a", "1.2.3.4", "10.0.0.0/8",
		"127.0.0.1:1", "unix:/a", "sip:a@b"};

	for (size_t kind = 0; kind < sizeof(types) / sizeof(types[0]); kind++) {
		for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
			struct strbuf out = {0}, why = {0};
			// The literal's own NUL is part of the value.
			struct text in = guarded(texts[t], strlen(texts[t]) + 1);

			ck_assert_int_eq(value_normalize(&types[kind], in, &out, &why), -EINVAL);
			strbuf_fini(&out);
			strbuf_fini(&why);
		}
	}
}
END_TEST

START_TEST(every_kind_takes_every_octet)
{
	for (size_t kind = 0; kind < sizeof(types) / sizeof(types[0]); kind++) {
		for (int octet = 0; octet < 256; octet++) {
			struct strbuf out = {0}, why = {0};
			char octets[] = {(char)octet, (char)octet};
			struct text in = guarded(octets, (size_t)(octet % 3));

			value_normalize(&types[kind], in, &out, &why);
			munmap((char *)((uintptr_t)in.ptr / 4096 * 4096), 4096);
			strbuf_fini(&out);
			strbuf_fini(&why);
		}
	}
}
END_TEST

START_TEST(quotes_what_a_terminal_must_not_see)
{
	struct strbuf out = {0};

	value_quote((struct text){"a\x1b[31m\0\xff", 8}, &out);
	ck_assert_str_eq(strbuf_text(&out), "\"a\\x1b[31m\\x00\\xff\"");
	strbuf_truncate(&out, 0);
	value_quote((struct text){"0123456789012345678901234567890123456789012345678", 49}, &out);
	ck_assert_str_eq(
		strbuf_text(&out), "\"012345678901234567890123456789012345678901234567...\"");
	strbuf_fini(&out);
}
END_TEST

static const char *next_word(void *cursor)
{
	const char *const **word = cursor;

	return *(*word)++;
}

struct guess {
	const char *in;
	const char *meant; // NULL: no suggestion
};

static const struct guess guesses[] = {
	{"interval", "interval"},
	{"intervall", "interval"},
	{"intreval", "interval"},
	{"inteval", "interval"},
	{"time_out", "timeout"},
	{"tiemout", "timeout"},
	{"fal", "fall"},
	{"raise", "rise"},
	{"x", NULL},
	{"", NULL},
	{"completely_different", NULL},
	{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL},
};

START_TEST(suggests_what_was_meant)
{
	static const char *const words[] = {"interval", "timeout", "rise", "fall", NULL};
	const char *const *cursor = words;
	const char *meant = value_suggest(
		(struct text){guesses[_i].in, strlen(guesses[_i].in)}, next_word, &cursor);

	if (guesses[_i].meant == NULL)
		ck_assert_ptr_null(meant);
	else
		ck_assert_str_eq(meant, guesses[_i].meant);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_loop_test(tc, values_are_normalized_or_refused_with_a_reason, 0, NB(samples));
	tcase_add_test(tc, a_nul_octet_is_never_accepted);
	tcase_add_test(tc, every_kind_takes_every_octet);
	tcase_add_test(tc, quotes_what_a_terminal_must_not_see);
	tcase_add_loop_test(tc, suggests_what_was_meant, 0, NB(guesses));
}

int main(void)
{
	return run_suite("value", add_tests);
}
