// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dispatch/snapshot.h"

#include <errno.h>
#include <stdio.h>

#include "dataplane/dispatch/acl.h"
#include "dataplane/dispatch/snapshot_internal.h"
#include "dataplane/dispatch/table.h"
#include "tests/dispatch/lab.h"
#include "tests/dispatch/suite.h"

static struct lab lab;

static void setup(void)
{
	lab_init(&lab, NULL);
}

static void teardown(void)
{
	lab_fini(&lab);
}

START_TEST(everything_is_found)
{
	const struct snapshot *s = lab.snap;
	struct endpoint ep = lab_endpoint(VIP);

	ck_assert_uint_eq(snapshot_find_listener(s, &ep), VIP4);
	ck_assert_str_eq(snapshot_listener(s, VIP4)->sent_by, VIP);
	ck_assert_str_eq(snapshot_listener(s, VIP4)->via, "Via: SIP/2.0/UDP " VIP ";branch=");
	ck_assert_str_eq(snapshot_listener(s, VIP6)->uri, "@[2001:db8:5::5]:5060;lr>\r\n");
	ep.port++;
	ck_assert_uint_eq(snapshot_find_listener(s, &ep), SNAPSHOT_NONE);
	ck_assert_uint_eq(snapshot_find_backend_id(s, backend_id("access", "kam2")), 1);
	ck_assert_uint_eq(snapshot_find_backend_id(s, 12345), SNAPSHOT_NONE);
	ep = lab_endpoint("[2001:db8:20::12]:9999");
	ck_assert_uint_eq(snapshot_find_backend_addr(s, &ep), 4);
	ep = lab_endpoint("10.20.1.99:5060");
	ck_assert_uint_eq(snapshot_find_backend_addr(s, &ep), SNAPSHOT_NONE);
}
END_TEST

START_TEST(rows_name_backends_of_their_service)
{
	const struct snapshot_service *core = snapshot_service(lab.snap, 1);

	for (uint64_t hash = 0; hash < 1000; hash++) {
		const uint16_t *row = snapshot_row(lab.snap, &core->table, hash);

		ck_assert(row[0] == 3 || row[0] == 4);
		ck_assert_uint_eq(row[0] + row[1], 7);
		ck_assert_uint_eq(row[2], SNAPSHOT_NONE);
	}
}
END_TEST

START_TEST(equal_input_gives_equal_octets)
{
	struct lab again;

	lab_init(&again, NULL);
	ck_assert_uint_eq(again.snap->size, lab.snap->size);
	ck_assert_mem_eq(again.snap, lab.snap, lab.snap->size);
	lab_fini(&again);
}
END_TEST

// Backends that share an address are told apart by port, and by service.
START_TEST(backends_on_one_address_are_told_apart)
{
	struct snapshot_service services[2] = {
		{.name = "a", .nb_backends = 2, .listener_v4 = 0, .listener_v6 = SNAPSHOT_NONE},
		{.name = "b",
			.backend_first = 2,
			.nb_backends = 1,
			.listener_v4 = 0,
			.listener_v6 = SNAPSHOT_NONE}};
	struct snapshot_backend backends[3] = {{.name = "x", .weight = 1},
		{.name = "y", .weight = 1}, {.name = "x", .weight = 1, .service = 1}};
	struct snapshot_listener listener = {.local = lab_endpoint(VIP), .port = SNAPSHOT_NONE};
	struct snapshot_key key = {.id = 'a'};
	struct snapshot_input in = {.keys = &key,
		.nb_keys = 1,
		.listeners = &listener,
		.services = services,
		.backends = backends,
		.nb_listeners = 1,
		.nb_services = 2,
		.nb_backends = 3};
	struct endpoint ep = lab_endpoint("10.0.0.1:5071");
	struct snapshot *s;
	const char *why;
	size_t size;

	backends[0].addr = backends[2].addr = lab_endpoint("10.0.0.1:5070");
	backends[1].addr = ep;
	size = snapshot_build_size(&in);
	s = aligned_alloc(64, size);
	memset(s, 0, size);
	ck_assert_int_eq(snapshot_build(&in, s, size), 0);
	ck_assert_int_eq(snapshot_validate(s, size, &why), 0);
	ck_assert_uint_eq(snapshot_find_backend_addr(s, &ep), 1);
	ck_assert_uint_eq(snapshot_find_backend_source(s, &ep, 1), 2);
	ep.port = 5070;
	ck_assert_uint_eq(snapshot_find_backend_source(s, &ep, 0), 0);
	ck_assert_uint_eq(snapshot_find_backend_source(s, &ep, 1), 2);
	ep.port = 1;
	ck_assert_uint_eq(snapshot_find_backend_addr(s, &ep), 0);
	free(s);
}
END_TEST

START_TEST(a_table_that_stays_has_no_previous_one)
{
	struct lab next;

	lab_init(&next, &(struct lab_options){.prev = lab.snap, .prev_until_ms = 5000});
	ck_assert_uint_eq(snapshot_service(next.snap, 0)->prev[0].table.nb, 0);
	ck_assert_uint_eq(snapshot_service(next.snap, 0)->table_hash,
		snapshot_service(lab.snap, 0)->table_hash);
	lab_fini(&next);
}
END_TEST

START_TEST(a_table_that_changes_brings_its_predecessor)
{
	struct lab next, last;
	const struct snapshot_service *v;
	unsigned int moved = 0;

	lab_init(&next,
		&(struct lab_options){
			.prev = lab.snap, .prev_until_ms = 5000, .without_kam2 = true});
	v = snapshot_service(next.snap, 0);
	ck_assert_uint_eq(v->prev[0].table.nb, table_rows(3));
	ck_assert_uint_eq(v->prev[0].until_ms, 5000);
	// The other service did not change, though its backends have other indices now.
	ck_assert_uint_eq(snapshot_service(next.snap, 1)->prev[0].table.nb, 0);
	ck_assert_uint_eq(snapshot_service(next.snap, 1)->table_hash,
		snapshot_service(lab.snap, 1)->table_hash);
	for (uint64_t hash = 0; hash < 1000; hash++) {
		uint16_t was =
			snapshot_row(lab.snap, &snapshot_service(lab.snap, 0)->table, hash)[0];
		uint16_t old = snapshot_row(next.snap, &v->prev[0].table, hash)[0];
		uint16_t now = snapshot_row(next.snap, &v->table, hash)[0];

		// kam1, kam2, kam3 become 0, none, 1.
		ck_assert_uint_eq(old, was == 1 ? SNAPSHOT_NONE : was / 2);
		moved += old != now;
	}
	ck_assert_uint_gt(moved, 200);

	// The window goes on through a reload that changes nothing.
	lab_init(&last,
		&(struct lab_options){
			.prev = next.snap, .prev_until_ms = 9000, .without_kam2 = true});
	ck_assert_uint_eq(snapshot_service(last.snap, 0)->prev[0].until_ms, 5000);
	lab_fini(&last);
	lab_fini(&next);
}
END_TEST

START_TEST(two_backends_of_one_name_are_refused)
{
	struct snapshot_service service = {.name = "a", .nb_backends = 2};
	struct snapshot_backend backends[2] = {{.name = "x"}, {.name = "x"}};
	struct snapshot_key key = {.id = 'a'};
	struct snapshot_input in = {.keys = &key,
		.nb_keys = 1,
		.services = &service,
		.backends = backends,
		.nb_services = 1,
		.nb_backends = 2};
	size_t size = snapshot_build_size(&in);
	void *blob = aligned_alloc(64, size);

	backends[0].addr = backends[1].addr = lab_endpoint("10.0.0.1:5060");
	memset(blob, 0, size);
	ck_assert_int_eq(snapshot_build(&in, blob, size), -EEXIST);
	free(blob);
}
END_TEST

START_TEST(input_over_a_limit_is_refused)
{
	struct snapshot_key key = {.id = 'a'};
	struct snapshot_input in = {.keys = &key, .nb_keys = 1};

	ck_assert_uint_gt(snapshot_build_size(&in), 0);
	in.nb_keys = SNAPSHOT_KEYS_MAX + 1;
	ck_assert_uint_eq(snapshot_build_size(&in), 0);
	in.nb_keys = 1;
	in.nb_backends = 1; // of no service
	in.backends = (struct snapshot_backend[]){{.name = "x"}};
	ck_assert_uint_eq(snapshot_build_size(&in), 0);
}
END_TEST

static void reseal(struct snapshot *s)
{
	s->checksum = snapshot_checksum(s);
}

START_TEST(a_blob_that_was_touched_is_refused)
{
	size_t size = lab.snap->size;
	const char *why = NULL;

	for (size_t at = 0; at < size; at += at < 4096 ? 1 : 9973) {
		((uint8_t *)lab.snap)[at] ^= 0x10;
		ck_assert_int_eq(snapshot_validate(lab.snap, size, &why), -EBADMSG);
		ck_assert_ptr_nonnull(why);
		((uint8_t *)lab.snap)[at] ^= 0x10;
	}
	ck_assert_int_eq(snapshot_validate(lab.snap, size - 64, &why), -EBADMSG);
	ck_assert_int_eq(snapshot_validate(lab.snap, 8, &why), -EBADMSG);
	ck_assert_int_eq(snapshot_validate((char *)lab.snap + 8, size - 8, &why), -EBADMSG);
	ck_assert_int_eq(snapshot_validate(lab.snap, size, &why), 0);
}
END_TEST

// With a checksum that fits, every octet before the tables set to several values: the blob is
// refused, or all accessors are safe on it (ASan watches).
START_TEST(a_mutated_blob_is_refused_or_harmless)
{
	static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
	size_t size = lab.snap->size, head = snapshot_service(lab.snap, 0)->table.off;
	unsigned int accepted = 0;
	const char *why;

	for (size_t at = 16 + _i; at < head; at += 64) {
		uint8_t *octet = (uint8_t *)lab.snap + at, was = *octet;

		for (unsigned int v = 0; v < sizeof(values); v++) {
			*octet = values[v];
			// The whole checksum costs too much for every octet: of the rest it is
			// checked above.
			reseal(lab.snap);
			if (snapshot_validate(lab.snap, size, &why) != 0)
				continue;
			accepted++;
			for (uint16_t l = 0; l < lab.snap->listeners.nb; l++)
				acl_permits(lab.snap, l, &snapshot_listener(lab.snap, l)->local.ip);
			for (uint16_t i = 0; i < lab.snap->services.nb; i++)
				(void)*(volatile const uint16_t *)snapshot_row(lab.snap,
					&snapshot_service(lab.snap, i)->table, UINT64_MAX);
		}
		*octet = was;
	}
	ck_assert_uint_gt(accepted, 0);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("snapshot");

	tcase_set_timeout(tc, 120);
	// Once: every test runs in a process of its own with a copy.
	tcase_add_unchecked_fixture(tc, setup, teardown);
	tcase_add_test(tc, everything_is_found);
	tcase_add_test(tc, rows_name_backends_of_their_service);
	tcase_add_test(tc, equal_input_gives_equal_octets);
	tcase_add_test(tc, backends_on_one_address_are_told_apart);
	tcase_add_test(tc, a_table_that_stays_has_no_previous_one);
	tcase_add_test(tc, a_table_that_changes_brings_its_predecessor);
	tcase_add_test(tc, two_backends_of_one_name_are_refused);
	tcase_add_test(tc, input_over_a_limit_is_refused);
	tcase_add_test(tc, a_blob_that_was_touched_is_refused);
	tcase_add_loop_test(tc, a_mutated_blob_is_refused_or_harmless, 0, 16);
	return run_suite("snapshot", tc);
}
