// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/text.h"

#include "dataplane/dispatch/kernel.h"
#include "tests/dispatch/suite.h"
#include "tests/dispatch/text_kernel.h"
#include "tests/parser/guarded.h"

#include <stdio.h>

static const struct text_kernel *const kernels[] = {
	&text_kernel_generic,
#if defined(__x86_64__)
	&text_kernel_avx2,
	&text_kernel_avx512,
#endif
};
#define NB_KERNELS (sizeof(kernels) / sizeof(kernels[0]))

#define LEN_MAX 200 // octets; a vector has 64

// Both texts end where nothing more can be read.
START_TEST(compares_and_searches_every_octet_and_no_more)
{
	static const char octets[LEN_MAX];
	struct guarded a = guarded_new(octets, LEN_MAX, GUARD_BEHIND, 0);
	struct guarded b = guarded_new(octets, LEN_MAX, GUARD_BEHIND, 0);
	const struct text_kernel *kernel = kernels[_i];

	if (!kernel_runs_here(kernel->name))
		return;
	for (size_t len = 0; len <= LEN_MAX; len++) {
		char *p = a.buf + LEN_MAX + SIP_PAD - len, *q = b.buf + LEN_MAX + SIP_PAD - len;

		assert_each(kernel->same(p, q, len));
		assert_each(kernel->find(p, 'x', len) == NULL);
		p[-1] = 'x';
		assert_each(kernel->same(p, q, len));
		assert_each(kernel->find(p, 'x', len) == NULL);
		p[-1] = 0;
		for (size_t at = 0; at < len; at++) {
			p[len - 1] = 'x';
			p[at] = 'x';
			assert_each(!kernel->same(p, q, len));
			assert_each(kernel->same(p, q, at));
			assert_each(kernel->find(p, 'x', len) == p + at);
			assert_each(kernel->find(p, 'x', at) == NULL);
			p[at] = p[len - 1] = 0;
		}
	}
	guarded_free(&a);
	guarded_free(&b);
}
END_TEST

// What an earlier message left behind the last header field is not looked at.
START_TEST(the_next_header_field_of_a_kind)
{
	static struct sip_msg msg;
	const struct text_kernel *kernel = kernels[_i];

	if (!kernel_runs_here(kernel->name))
		return;
	for (unsigned int nb = 0; nb <= SIP_HDRS_MAX; nb++) {
		msg.nb_hdrs = (uint8_t)nb;
		memset(msg.hdr_id, SIP_HDR_OTHER, sizeof(msg.hdr_id));
		if (nb < SIP_HDRS_MAX) // not at once: nb itself would be the right answer
			memset(msg.hdr_id + nb + 1, SIP_HDR_VIA, SIP_HDRS_MAX - nb - 1);
		for (unsigned int from = 0; from <= nb; from++)
			assert_each(kernel->next_hdr(&msg, SIP_HDR_VIA, from) == nb);
		for (unsigned int at = 0; at < nb; at++) {
			msg.hdr_id[at] = msg.hdr_id[nb - 1] = SIP_HDR_VIA;
			for (unsigned int from = 0; from <= nb; from++)
				assert_each(kernel->next_hdr(&msg, SIP_HDR_VIA, from) ==
					(from <= at                 ? at
							: from < nb ? nb - 1
								    : nb));
			msg.hdr_id[at] = msg.hdr_id[nb - 1] = SIP_HDR_OTHER;
		}
	}
}
END_TEST

START_TEST(every_number_is_written_as_printf_writes_it)
{
	char wanted[16], found[16 + TEXT_SLACK];

	for (unsigned int i = 0; i <= UINT16_MAX; i++) {
		snprintf(wanted, sizeof(wanted), "%u", i);
		*text_u16(found, (uint16_t)i) = '\0';
		assert_each(strcmp(found, wanted) == 0);
		if (i > UINT8_MAX)
			continue;
		*text_u8(found, (uint8_t)i) = '\0';
		assert_each(strcmp(found, wanted) == 0);
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("text");

	tcase_add_loop_test(tc, compares_and_searches_every_octet_and_no_more, 0, NB_KERNELS);
	tcase_add_loop_test(tc, the_next_header_field_of_a_kind, 0, NB_KERNELS);
	tcase_add_test(tc, every_number_is_written_as_printf_writes_it);
	return run_suite("text", tc);
}
