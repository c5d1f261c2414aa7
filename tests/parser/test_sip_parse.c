// SPDX-License-Identifier: BSD-3-Clause
// What sip_parse() fills in. Verdicts, reasons and offsets: test_messages.c.
#include "tests/parser/text.h"

#include "parser/internal.h"
#include "parser/sip_kernel.h"

static const char invite[] =
	"\r\nINVITE sip:bob@example.com;x=y SIP/2.0\r\n"
	"v: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1;rport;received=192.0.2.99\r\n"
	"v: SIP/2.0/TCP h\r\n"
	"Max-Forwards: 70\r\n"
	"f: \"Alice\" <sip:alice@example.com>;tag=a1\r\n"
	"To: <sip:bob@example.com>\r\n"
	"i: 5f1c@192.0.2.10\r\n"
	"CSeq: 17 INVITE\r\n"
	"Route: <sip:p.example.com;lr>\r\n"
	"X-Unknown: x\r\n"
	"l: 4\r\n"
	"\r\n"
	"bodyREST";

static struct text parse(const char *s, enum sip_reason reason)
{
	struct text t = text_new(s);

	// What is not set must not be read.
	memset(&t.msg, 0xa5, sizeof(t.msg));
	ck_assert_int_eq(sip_parse(&t.msg, t.guarded.buf, t.guarded.len), reason);
	return t;
}

static void select_kernel(int i)
{
	ck_assert_int_eq(sip_kernel_select(sip_kernel_at((unsigned int)i)), 0);
}

static int nb_kernels(void)
{
	int nb = 0;

	while (sip_kernel_at((unsigned int)nb) != NULL)
		nb++;
	return nb;
}

START_TEST(fills_in_a_request)
{
	struct text t;
	const struct sip_msg *m = &t.msg;

	select_kernel(_i);
	t = parse(invite, SIP_OK);
	ck_assert_uint_eq(m->skipped, 2);
	ck_assert_ptr_eq(m->buf, t.guarded.buf + 2);
	ck_assert_int_eq(m->kind, SIP_REQUEST);
	ck_assert_int_eq(m->method, SIP_INVITE);
	ck_assert_uint_eq(m->status, 0);
	ck_assert_uint_eq(m->method_name.len, 6);
	ck_assert_str_eq(str(m, m->request_uri), "sip:bob@example.com;x=y");
	ck_assert_str_eq(str(m, m->call_id), "5f1c@192.0.2.10");
	ck_assert_str_eq(str(m, m->from_tag), "a1");
	ck_assert_ptr_null(str(m, m->to_tag));
	ck_assert_uint_eq(m->cseq, 17);
	ck_assert_str_eq(str(m, m->cseq_method), "INVITE");
	ck_assert_int_eq(m->max_forwards, 70);
	ck_assert_str_eq(str(m, m->max_forwards_value), "70");
	ck_assert(m->has_content_length);
	ck_assert_uint_eq(m->content_length, 4);
	ck_assert_uint_eq(m->body_len, 4);
	ck_assert_uint_eq(m->len, strlen(invite) - 2 - 4);
	ck_assert_uint_eq(m->len, m->header_len + m->body_len);
	ck_assert_str_eq(str(m, m->via.value),
		"SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1;rport;received=192.0.2.99");
	ck_assert_str_eq(str(m, m->via.sent_by), "192.0.2.10:5060");
	ck_assert_str_eq(str(m, m->via.host), "192.0.2.10");
	ck_assert_uint_eq(m->via.port, 5060);
	ck_assert_str_eq(str(m, m->via.branch), "z9hG4bK1");
	ck_assert_str_eq(str(m, m->via.received), "192.0.2.99");
	ck_assert_str_eq(str(m, m->via.received_param), "received=192.0.2.99");
	ck_assert_str_eq(str(m, m->via.rport_param), "rport");
	ck_assert_uint_eq(m->via.rport, 0);
	ck_assert_int_eq(m->via.transport, SIP_UDP);
	text_free(&t);
}
END_TEST

START_TEST(indexes_the_header_section)
{
	static const uint8_t ids[] = {SIP_HDR_VIA, SIP_HDR_VIA, SIP_HDR_MAX_FORWARDS, SIP_HDR_FROM,
		SIP_HDR_TO, SIP_HDR_CALL_ID, SIP_HDR_CSEQ, SIP_HDR_ROUTE, SIP_HDR_OTHER,
		SIP_HDR_CONTENT_LENGTH};
	struct text t;
	const struct sip_msg *m = &t.msg;

	select_kernel(_i);
	t = parse(invite, SIP_OK);
	ck_assert_uint_eq(m->nb_hdrs, sizeof(ids));
	ck_assert_mem_eq(m->hdr_id, ids, sizeof(ids));
	ck_assert_uint_eq(m->hdr_line[0], m->start_end);
	ck_assert_uint_eq(m->hdr_line[m->nb_hdrs] + 2, m->header_len);
	ck_assert_mem_eq(m->buf + m->hdr_line[m->nb_hdrs], "\r\nbody", 6);
	ck_assert_uint_eq(m->present,
		1u << SIP_HDR_VIA | 1u << SIP_HDR_MAX_FORWARDS | 1u << SIP_HDR_FROM |
			1u << SIP_HDR_TO | 1u << SIP_HDR_CALL_ID | 1u << SIP_HDR_CSEQ |
			1u << SIP_HDR_ROUTE | 1u << SIP_HDR_CONTENT_LENGTH);
	ck_assert_mem_eq(m->buf + m->hdr_value[9], "4\r\n", 3);
	text_free(&t);
}
END_TEST

START_TEST(fills_in_a_response)
{
	struct text t;
	const struct sip_msg *m = &t.msg;

	select_kernel(_i);
	t = parse("SIP/2.0 486 Busy Here\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK2\r\n"
		  "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\n"
		  "CSeq: 2147483647 SUBSCRIBE\r\n\r\nbody without a length",
		SIP_OK);
	ck_assert_int_eq(m->kind, SIP_RESPONSE);
	ck_assert_uint_eq(m->status, 486);
	ck_assert_int_eq(m->method, SIP_SUBSCRIBE);
	ck_assert_str_eq(str(m, m->method_name), "SUBSCRIBE");
	ck_assert_ptr_null(str(m, m->request_uri));
	ck_assert_uint_eq(m->cseq, 2147483647);
	ck_assert_str_eq(str(m, m->to_tag), "2");
	ck_assert_int_eq(m->max_forwards, -1);
	ck_assert(!m->has_content_length);
	ck_assert_uint_eq(m->body_len, strlen("body without a length"));
	ck_assert_int_eq(m->via.transport, SIP_TLS);
	text_free(&t);
}
END_TEST

START_TEST(knows_every_method)
{
	select_kernel(_i);
	for (int method = SIP_METHOD_OTHER; method < SIP_METHODS; method++) {
		const char *name = sip_method_text((enum sip_method)method);
		char s[512];
		struct text t;

		sprintf(s,
			"%s sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@b>\r\n"
			"To: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1 %s\r\n\r\n",
			name, name);
		t = parse(s, SIP_OK);
		ck_assert_int_eq(t.msg.method, method);
		text_free(&t);
		sprintf(s,
			"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@b>\r\n"
			"To: <sip:c@d>\r\nCall-ID: x\r\nCSeq: 1 %s\r\n\r\n",
			name);
		t = parse(s, SIP_OK);
		ck_assert_int_eq(t.msg.method, method);
		text_free(&t);
	}
}
END_TEST

// A name or method in a slot that is not its own would never be found.
START_TEST(every_slot_is_where_it_is_looked_for)
{
	uint64_t first_eight;
	uint32_t first_three;

	for (size_t i = 0; i < SIP_NAME_SLOTS; i++) {
		const struct sip_name_slot *slot = &sip_names[i];
		size_t len = strlen(slot->octets);

		if (len == 0)
			continue;
		memcpy(&first_eight, slot->octets, sizeof(first_eight));
		ck_assert_msg(sip_name_slot(first_eight, len) == i, "%s", slot->octets);
		ck_assert_uint_eq(slot->present, BIT(slot->id));
		ck_assert_uint_eq(slot->single, SIP_SINGLE_LANE(slot->id));
	}
	for (size_t i = 0; i < SIP_METHOD_SLOTS; i++) {
		const struct sip_method_slot *slot = &sip_methods[i];

		memcpy(&first_three, slot->name, sizeof(first_three));
		ck_assert(slot->len == 0 || sip_method_slot(first_three) == i);
		ck_assert(slot->len == 0 || slot->len == strlen(slot->name));
	}
}
END_TEST

START_TEST(a_refused_request_can_be_answered)
{
	struct text t;

	select_kernel(_i);
	t = parse("OPTIONS sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
		  "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\n"
		  "CSeq: 4294967296 OPTIONS\r\nMax-Forwards: 300\r\n\r\n",
		SIP_BAD_CSEQ);
	ck_assert(t.msg.can_reply);
	ck_assert_int_eq(t.msg.method, SIP_OPTIONS);
	ck_assert_str_eq(str(&t.msg, t.msg.via.branch), "z9hG4bK1");
	ck_assert_str_eq(str(&t.msg, t.msg.from_tag), "1");
	ck_assert_str_eq(str(&t.msg, t.msg.to_tag), "2");
	ck_assert_str_eq(str(&t.msg, t.msg.call_id), "x");
	ck_assert_str_eq(str(&t.msg, t.msg.cseq_method), "OPTIONS");
	ck_assert_int_eq(sip_find_hdr(&t.msg, SIP_HDR_CSEQ), 4);
	text_free(&t);
}
END_TEST

START_TEST(every_reason_has_words)
{
	for (int r = 0; r < SIP_REASONS; r++) {
		ck_assert_ptr_nonnull(sip_reason_name((enum sip_reason)r));
		ck_assert_ptr_nonnull(sip_reason_text((enum sip_reason)r));
		for (int other = 0; other < r; other++)
			ck_assert_str_ne(sip_reason_name((enum sip_reason)r),
				sip_reason_name((enum sip_reason)other));
	}
}
END_TEST

static void add(TCase *tc)
{
	tcase_add_loop_test(tc, fills_in_a_request, 0, nb_kernels());
	tcase_add_loop_test(tc, indexes_the_header_section, 0, nb_kernels());
	tcase_add_loop_test(tc, fills_in_a_response, 0, nb_kernels());
	tcase_add_loop_test(tc, knows_every_method, 0, nb_kernels());
	tcase_add_loop_test(tc, a_refused_request_can_be_answered, 0, nb_kernels());
	tcase_add_test(tc, every_slot_is_where_it_is_looked_for);
	tcase_add_test(tc, every_reason_has_words);
}

int main(void)
{
	return run_suite("sip_parse", add);
}
