// SPDX-License-Identifier: BSD-3-Clause
#include "control/redis_frame.h"

#include <check.h>
#include <hiredis/hiredis.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct redis_frame_limits limits = {.octets = 4096, .elements = 100};

// The text against an unmapped page: one octet too far crashes.
static const char *guarded(const char *text, size_t len)
{
	long page = sysconf(_SC_PAGESIZE);
	size_t size = (len + (size_t)page) / (size_t)page * (size_t)page;
	char *map = mmap(NULL, size + (size_t)page, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_int_eq(mprotect(map + size, (size_t)page, PROT_NONE), 0);
	memcpy(map + size - len, text, len);
	return map + size - len;
}

static int scan(const char *text, size_t *length)
{
	struct redis_frame frame = {0};
	int ret = redis_frame_scan(&frame, &limits, guarded(text, strlen(text)), strlen(text));

	*length = frame.pos;
	return ret;
}

static const char *const whole[] = {
	"+OK\r\n",
	"-ERR no\r\n",
	":-12\r\n",
	":9223372036854775807\r\n",
	"$0\r\n\r\n",
	"$-1\r\n",
	"$5\r\na\r\nb\r\r\n",
	"*0\r\n",
	"*-1\r\n",
	"*2\r\n$1\r\na\r\n:1\r\n",
	"*2\r\n*0\r\n*1\r\n*2\r\n+a\r\n-b\r\n",
	"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
};

START_TEST(finds_the_end_of_a_reply)
{
	const char *text = whole[_i];
	char more[256];
	size_t length;

	ck_assert_int_eq(scan(text, &length), 1);
	ck_assert_uint_eq(length, strlen(text));

	snprintf(more, sizeof(more), "%s+NEXT\r\n", text);
	ck_assert_int_eq(scan(more, &length), 1);
	ck_assert_uint_eq(length, strlen(text));
}
END_TEST

START_TEST(goes_on_where_it_stopped_at_any_split)
{
	const char *text = whole[_i];
	struct redis_frame frame = {0};

	for (size_t len = 0; len < strlen(text); len++)
		ck_assert_int_eq(redis_frame_scan(&frame, &limits, guarded(text, len), len), 0);
	ck_assert_int_eq(redis_frame_scan(&frame, &limits, text, strlen(text)), 1);
	ck_assert_uint_eq(frame.pos, strlen(text));
}
END_TEST

START_TEST(agrees_with_hiredis)
{
	redisReader *reader = redisReaderCreate();
	void *reply = NULL;

	ck_assert_int_eq(redisReaderFeed(reader, whole[_i], strlen(whole[_i])), REDIS_OK);
	ck_assert_int_eq(redisReaderGetReply(reader, &reply), REDIS_OK);
	ck_assert_ptr_nonnull(reply);
	freeReplyObject(reply);
	redisReaderFree(reader);
}
END_TEST

static const struct {
	const char *text;
	int error;
} hostile[] = {
	{"HTTP/1.1 400 Bad Request\r\n", -EBADMSG}, {"\r\n", -EBADMSG},
	{"%1\r\n", -EBADMSG}, // RESP3
	{"$\r\n", -EBADMSG}, {"$-\r\n", -EBADMSG}, {"$-2\r\n", -EBADMSG}, {"*-2\r\n", -EBADMSG},
	{"$1 \r\na\r\n", -EBADMSG}, {"*-0\r\n", -EBADMSG}, {":007\r\n", -EBADMSG},
	{"$+1\r\na\r\n", -EBADMSG}, {":1\rx\n", -EBADMSG}, {":99999999999999999999\r\n", -EBADMSG},
	{":9999999999999999999\r\n", -EBADMSG}, {"$3\r\nabcde", -EBADMSG}, // the length lies
	{":000000000000000000000000000000", -EMSGSIZE}, {"$4097\r\n", -EMSGSIZE},
	{"$2147483647\r\n", -EMSGSIZE}, {"*101\r\n", -EMSGSIZE}, {"*2147483647\r\n", -EMSGSIZE},
	{"*9223372036854775807\r\n", -EMSGSIZE},
	{"*60\r\n*60\r\n", -EMSGSIZE}, // too many only together
	{"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", -EBADMSG}, // eight deep
};

START_TEST(refuses_hostile)
{
	size_t length;

	ck_assert_int_eq(scan(hostile[_i].text, &length), hostile[_i].error);
}
END_TEST

START_TEST(refuses_a_line_without_an_end)
{
	char *text = malloc(10000);
	struct redis_frame frame = {0};

	memset(text, 'a', 10000);
	text[0] = '+';
	ck_assert_int_eq(redis_frame_scan(&frame, &limits, text, 4095), 0);
	ck_assert_int_eq(redis_frame_scan(&frame, &limits, text, 10000), -EMSGSIZE);
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("redis_frame");
	TCase *tcase = tcase_create("frame");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tcase, finds_the_end_of_a_reply, 0, sizeof(whole) / sizeof(whole[0]));
	tcase_add_loop_test(
		tcase, goes_on_where_it_stopped_at_any_split, 0, sizeof(whole) / sizeof(whole[0]));
	tcase_add_loop_test(tcase, agrees_with_hiredis, 0, sizeof(whole) / sizeof(whole[0]));
	tcase_add_loop_test(tcase, refuses_hostile, 0, sizeof(hostile) / sizeof(hostile[0]));
	tcase_add_test(tcase, refuses_a_line_without_an_end);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
