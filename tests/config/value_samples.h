// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_CONFIG_VALUE_SAMPLES_H
#define TESTS_CONFIG_VALUE_SAMPLES_H

#include "config/value.h"
#include "tests/config/support.h"

#include <errno.h>
#include <sys/mman.h>

// A copy that ends at a page that cannot be read: one octet too far crashes the test.
static inline struct text guarded(const char *octets, size_t len)
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

// The value is normalized to sample->out, or refused with a reason.
static inline void check_sample(const struct sample *sample)
{
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

// What is said of a value, and so what helps to mend it.
struct reason {
	enum schema_kind kind;
	const char *in;
	const char *why;
};

static inline void check_reason(const struct reason *reason)
{
	struct strbuf out = {0}, why = {0};

	ck_assert_int_eq(value_normalize(&types[reason->kind],
				 guarded(reason->in, strlen(reason->in)), &out, &why),
		-EINVAL);
	ck_assert_str_eq(strbuf_text(&why), reason->why);
	strbuf_fini(&out);
	strbuf_fini(&why);
}

#endif
