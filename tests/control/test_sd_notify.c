// SPDX-License-Identifier: BSD-3-Clause
#include "control/sd_notify.h"

#include "tests/control/suite.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char dir[] = "/tmp/sipshunt-test-XXXXXX";
static char path[64];
static int fd = -1;

static void setup(void)
{
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/notify", dir);
}

static void teardown(void)
{
	if (fd >= 0)
		close(fd);
	unlink(path);
	rmdir(dir);
}

// What the service manager would listen on; '@' stands for an abstract name.
static void listen_on(const char *name)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));

	memcpy(addr.sun_path, name, strlen(name));
	if (name[0] == '@')
		addr.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, len), 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
}

static const char *heard(void)
{
	static char text[1024];
	ssize_t len = recv(fd, text, sizeof(text) - 1, 0);

	if (len < 0)
		return NULL;
	text[len] = '\0';
	return text;
}

START_TEST(says_one_datagram_to_a_path)
{
	listen_on(path);
	sd_notify_send("READY=1\nSTATUS=%u services", 3);
	ck_assert_str_eq(heard(), "READY=1\nSTATUS=3 services");
	ck_assert_ptr_null(heard());
}
END_TEST

START_TEST(says_it_to_an_abstract_name)
{
	char name[64];

	snprintf(name, sizeof(name), "@sipshunt-test-%d", getpid());
	listen_on(name);
	sd_notify_send("STOPPING=1");
	ck_assert_str_eq(heard(), "STOPPING=1");
}
END_TEST

START_TEST(a_text_that_is_too_long_is_cut)
{
	listen_on(path);
	sd_notify_send("STATUS=%600d", 1);
	ck_assert_uint_eq(strlen(heard()), 511);
}
END_TEST

START_TEST(the_path_may_fill_the_whole_address)
{
	char name[109] = "@";

	// 108 octets do not fit: nobody can listen there, and nothing is overrun.
	memset(name + 1, 'x', sizeof(name) - 2);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
	sd_notify_send("READY=1");
	name[107] = '\0';
	listen_on(name);
	sd_notify_send("READY=1");
	ck_assert_str_eq(heard(), "READY=1");
}
END_TEST

static const char *const nowhere[] = {"", "relative", "vsock:2:1234", "/nonexistent/notify"};

START_TEST(without_a_manager_nothing_happens)
{
	errno = 0;
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", nowhere[_i], 1), 0);
	sd_notify_send("READY=1");
	ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
	sd_notify_send("READY=1");
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("sd_notify");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, says_one_datagram_to_a_path);
	tcase_add_test(tc, says_it_to_an_abstract_name);
	tcase_add_test(tc, a_text_that_is_too_long_is_cut);
	tcase_add_test(tc, the_path_may_fill_the_whole_address);
	tcase_add_loop_test(
		tc, without_a_manager_nothing_happens, 0, sizeof(nowhere) / sizeof(nowhere[0]));
	return suite_run(tc);
}
