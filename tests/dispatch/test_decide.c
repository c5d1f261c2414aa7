// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/decide.h"

#include <stdio.h>

#include "dataplane/dispatch/kernel.h"
#include "dataplane/dispatch/request.h"
#include "tests/dispatch/suite.h"

typedef bool literal_endpoint_fn(
	const struct sip_msg *msg, struct sip_slice host, uint16_t port, struct endpoint *ep);

literal_endpoint_fn literal_endpoint_avx2, literal_endpoint_avx512;

static const struct kernel {
	const char *name;
	literal_endpoint_fn *literal_endpoint;
} kernels[] = {
	{"generic", literal_endpoint},
#if defined(__x86_64__)
	{"avx2", literal_endpoint_avx2},
	{"avx512", literal_endpoint_avx512},
#endif
};
#define NB_KERNELS (sizeof(kernels) / sizeof(kernels[0]))

// As ip_addr_parse() says, whatever stands around the host.
static bool agrees(const struct kernel *kernel, const char *host, const char *around)
{
	char octets[128];
	size_t len = strlen(host);
	struct sip_msg msg = {.buf = octets};
	struct endpoint ep;
	struct ip_addr ip;
	bool good, wanted = ip_addr_parse(strv_from(host), &ip) == 0;

	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = around[i % strlen(around)];
	memcpy(octets + 40, host, len);
	good = kernel->literal_endpoint(&msg, (struct sip_slice){40, (uint16_t)len}, 0, &ep);
	return good == wanted && (!good || (ip_addr_eq(&ep.ip, &ip) && ep.port == SIP_PORT));
}

static const char *const hosts[] = {
	"0.0.0.0",
	"1.2.3.4",
	"9.10.99.100",
	"199.200.249.250",
	"255.255.255.255",
	"256.1.1.1",
	"1.256.1.1",
	"1.1.256.1",
	"1.1.1.256",
	"999.1.1.1",
	"1.2.3.04",
	"01.2.3.4",
	"1.00.3.4",
	"1.2.003.4",
	"1.2.3",
	"1.2.3.",
	"1.2.3.4.",
	".1.2.3",
	".1.2.3.4",
	"1..2.3",
	"1.2..3.4",
	"1.2.3.4.5",
	"1.2.3.4.5.6.7",
	"1234.1.1.1",
	"1.1.1.1234",
	"123456789",
	"1.2.3.4a",
	"1.2.3.-4",
	"1.2.3./4",
	"1.2.3.:4",
	"1.2.3.\xb1",
	"100.100.100.1000",
	"0.0.0.0000000001",
	"1.2.3.4         ",
	"example.com",
	"1.2.3.4.example.com.abc", // 16 octets more
	"[::1]",
	"::1",
	"",
};

START_TEST(reads_literals_as_they_are_read_one_by_one)
{
	const struct kernel *kernel = &kernels[_i];

	if (!kernel_runs_here(kernel->name))
		return;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		ck_assert_msg(agrees(kernel, hosts[i], "7") && agrees(kernel, hosts[i], ".") &&
				agrees(kernel, hosts[i], "1.2"),
			"%s", hosts[i]);
}
END_TEST

START_TEST(reads_numbers_at_every_place)
{
	const struct kernel *kernel = &kernels[_i];

	if (!kernel_runs_here(kernel->name))
		return;
	for (unsigned int value = 0; value < 1000; value++) {
		for (unsigned int at = 0; at < 4; at++) {
			unsigned int o[4] = {value % 7, value % 251, value % 97, value % 3};
			char host[32];

			o[at] = value;
			snprintf(host, sizeof(host), "%u.%u.%u.%u", o[0], o[1], o[2], o[3]);
			ck_assert_msg(agrees(kernel, host, "5"), "%s", host);
		}
	}
}
END_TEST

START_TEST(reads_digits_and_dots_in_any_order)
{
	const struct kernel *kernel = &kernels[_i];
	uint64_t random = 11;

	if (!kernel_runs_here(kernel->name))
		return;
	for (unsigned int round = 0; round < 200000; round++) {
		static const char alphabet[] = "0125..";
		char host[24];
		unsigned int len = round % 18;

		for (unsigned int i = 0; i < len; i++) {
			random = random * 6364136223846793005 + 1442695040888963407;
			host[i] = alphabet[(random >> 33) % 6];
		}
		host[len] = '\0';
		if (!agrees(kernel, host, "3."))
			ck_abort_msg("%s", host);
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("decide");

	tcase_add_loop_test(tc, reads_literals_as_they_are_read_one_by_one, 0, NB_KERNELS);
	tcase_add_loop_test(tc, reads_numbers_at_every_place, 0, NB_KERNELS);
	tcase_add_loop_test(tc, reads_digits_and_dots_in_any_order, 0, NB_KERNELS);
	return run_suite("decide", tc);
}
