# SPDX-License-Identifier: BSD-3-Clause
"""Requests from outside (RFC 3261 sections 16.3 to 16.6 and 16.11)."""

import random

from lab import expect
from peer import CRLF, Message, packet_test, request, response


def equal_apart_from(sent, got, *names):
    """State that two messages are the same octets but for these header fields."""
    names = [n.lower().encode() + b":" for n in names]

    def rest(message):
        return [message.start] + [l for l in message.lines
                                  if not l.lower().startswith(tuple(names))]

    expect(rest(sent) == rest(got), "changed:\n%s\nto:\n%s" % (sent, got))
    expect(sent.body == got.body, "the body was changed")


@packet_test
def rfc3261_16_6_8_our_via_is_on_top_and_the_rest_is_untouched(p):
    sent = Message(request(b"MESSAGE", body=bytes(range(256)),
                           headers=[(b"X-Odd", b"  a , b;c=\"d,e\" ")]))
    got = p.forward(sent.octets).message
    expect(len(got.vias) == 2, "%d Vias" % len(got.vias))
    expect(got.branch(0).startswith(b"z9hG4bK"), "branch %r" % got.branch(0))
    expect(got.branch(1) == sent.branch(0), "the sender's branch changed")
    expect(got.vias[0].startswith(b"SIP/2.0/UDP 203.0.113.5"), "our Via is %r" % got.vias[0])
    equal_apart_from(sent, got, "Via", "Max-Forwards")


@packet_test
def rfc3261_16_6_3_max_forwards_is_one_less(p):
    for value, after in ((b"70", b"69"), (b"10", b"9"), (b"1", b"0"), (b"255", b"254"),
                         (b"100", b"99")):
        got = p.forward(request(max_forwards=value)).message
        expect(got.one("Max-Forwards") == after, "%s became %s" % (value, got.one("Max-Forwards")))


@packet_test
def rfc3261_16_6_3_max_forwards_is_added_when_absent(p):
    got = p.forward(request(max_forwards=None)).message
    expect(got.one("Max-Forwards") == b"70", "Max-Forwards: %s" % got.one("Max-Forwards"))


@packet_test
def rfc3261_16_3_max_forwards_zero_is_483(p):
    answer = p.answered(request(b"MESSAGE", max_forwards=b"0"))
    expect(answer.status == 483, answer.start)
    expect(b";tag=" in answer.one("To"), "no To tag")


@packet_test
def rfc3261_11_options_with_max_forwards_zero_is_200(p):
    expect(p.answered(request(b"OPTIONS", max_forwards=b"0")).status == 200, "not 200")


@packet_test
def rfc3261_17_1_1_3_ack_is_never_answered(p):
    for octets in (request(b"ACK", max_forwards=b"0"),
                   request(b"ACK", leave_out=(b"Call-ID",)),
                   request(b"ACK", headers=[(b"Proxy-Require", b"foo")])):
        p.silent(octets)


@packet_test
def rfc3261_18_2_1_received_is_added_when_sent_by_differs(p):
    got = p.forward(request(via=b"SIP/2.0/UDP pc33.example.com;branch=z9hG4bKname1")).message
    expect(b";received=198.51.100.10" in got.vias[1], "Via is %r" % got.vias[1])
    got = p.forward(request(via=b"SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKaddr1")).message
    expect(b";received=198.51.100.10" in got.vias[1], "Via is %r" % got.vias[1])


@packet_test
def rfc3581_4_rport_gets_the_port_and_received_always(p):
    got = p.forward(request(via=b"SIP/2.0/UDP 198.51.100.10;rport;branch=z9hG4bKrport1"),
                    "caller2").message
    expect(b";rport=5099" in got.vias[1], "Via is %r" % got.vias[1])
    expect(b";received=198.51.100.10" in got.vias[1], "Via is %r" % got.vias[1])


@packet_test
def rfc3581_4_the_answer_goes_to_the_source_port_from_the_address_it_came_to(p):
    at = p.forward(request(via=b"SIP/2.0/UDP 192.0.2.9:7777;rport;branch=z9hG4bKback1"), "caller2")
    p.send(response(at.message), at.who)
    answer = p.receive("caller2")
    expect(answer.source == p.vip, "it came from %s" % (answer.source,))
    expect(len(answer.message.vias) == 1, "Vias: %r" % answer.message.vias)


@packet_test
def rfc3261_18_2_2_without_rport_the_answer_goes_to_the_port_of_sent_by(p):
    at = p.forward(request(via=b"SIP/2.0/UDP 198.51.100.10:5060;branch=z9hG4bKsentby1"), "caller2")
    p.send(response(at.message), at.who)
    p.receive("caller")


@packet_test
def rfc3261_16_11_a_retransmission_is_forwarded_identically(p):
    octets = request(b"INVITE", headers=[(b"Contact", b"<sip:a@198.51.100.10>")])
    first = p.forward(octets)
    again = p.forward(octets)
    expect((first.who, first.octets) == (again.who, again.octets), "%s\nand\n%s" % (
        first.message, again.message))


@packet_test
def rfc3261_16_11_cancel_and_ack_carry_the_branch_of_their_invite(p):
    for number in range(8):
        common = {"call_id": b"follow-%d@x" % number, "branch": b"z9hG4bKfollow%d" % number}
        invite = p.forward(request(b"INVITE", **common))
        cancel = p.forward(request(b"CANCEL", **common))
        ack = p.forward(request(b"ACK", to_tag=b"x", **common))
        for other in (cancel, ack):
            expect(other.who == invite.who, "INVITE at %s, then %s" % (invite.who, other.who))
            expect(other.message.branch() == invite.message.branch(), "another branch:\n%s" %
                   other.message)


@packet_test
def rfc3261_16_11_a_sender_without_the_magic_cookie_gets_a_branch_of_its_transaction(p):
    via = b"SIP/2.0/UDP 198.51.100.10:5060"
    first = request(b"INVITE", via=via, call_id=b"old-1@x")
    other = request(b"INVITE", via=via, call_id=b"old-1@x", cseq=2)
    a, b, c = p.forward(first).message, p.forward(first).message, p.forward(other).message
    expect(a.branch() == b.branch(), "a retransmission has another branch")
    expect(a.branch() != c.branch(), "two transactions have one branch")


@packet_test
def rfc3261_16_4_a_call_id_goes_to_one_backend_and_calls_spread(p):
    seen = set()
    for number in range(30):
        call_id = b"spread-%d@x" % number
        first = p.forward(request(b"MESSAGE", call_id=call_id)).who
        second = p.forward(request(b"OPTIONS", call_id=call_id, cseq=7)).who
        expect(first == second, "one Call-ID at %s and %s" % (first, second))
        seen.add(first)
    expect(seen == {"b1", "b2", "b3"}, "only %s got calls" % sorted(seen))


@packet_test
def rfc3261_7_3_3_compact_and_folded_header_fields_are_the_same_message(p):
    long = request(b"MESSAGE", call_id=b"compact@x")
    short = (long.replace(b"Via:", b"v:").replace(b"Call-ID: ", b"i:\r\n \t")
             .replace(b"From:", b"f :").replace(b"To:", b"t\t:").replace(b"Content-Length:", b"l:"))
    a, b = p.forward(long), p.forward(short)
    expect(a.who == b.who, "%s and %s" % (a.who, b.who))
    expect(a.message.branch() == b.message.branch(), "another branch")


@packet_test
def rfc3261_18_3_octets_after_content_length_are_cut(p):
    got = p.forward(request(b"MESSAGE", body=b"hello and more", length=5)).message
    expect(got.body == b"hello", "body is %r" % got.body)


@packet_test
def rfc3261_18_3_a_body_shorter_than_content_length_is_400(p):
    expect(p.answered(request(b"MESSAGE", body=b"hello", length=6)).status == 400, "not 400")


@packet_test
def rfc3261_8_2_2_3_proxy_require_is_420(p):
    answer = p.answered(request(b"MESSAGE", headers=[(b"Proxy-Require", b"foo, bar")]))
    expect(answer.status == 420, answer.start)
    expect(b"foo" in answer.one("Unsupported"), "Unsupported: %s" % answer.one("Unsupported"))


@packet_test
def rfc3261_21_5_6_another_sip_version_is_505(p):
    expect(p.answered(request(b"MESSAGE", version=b"SIP/3.0")).status == 505, "not 505")


@packet_test
def rfc3261_21_4_14_an_unknown_uri_scheme_is_416(p):
    answer = p.answered(request(b"MESSAGE", uri=b"nobodyknows:scheme"))
    expect(answer.status == 416, answer.start)


@packet_test
def rfc3261_8_2_6_2_an_answer_of_ours_has_the_same_to_tag_for_a_retransmission(p):
    octets = request(b"MESSAGE", max_forwards=b"0")
    expect(p.answered(octets).one("To") == p.answered(octets).one("To"), "two To tags")


@packet_test
def rfc3261_8_2_6_an_answer_of_ours_is_not_much_longer_than_its_request(p):
    octets = request(b"MESSAGE", max_forwards=b"0", headers=[(b"Subject", b"x" * 600)])
    answer = p.answered(octets)
    expect(len(answer.octets) <= len(octets) + 256, "%d for %d" % (
        len(answer.octets), len(octets)))


@packet_test
def a_message_without_a_mandatory_field_is_400_and_counted(p):
    before = p.drops()
    for name in (b"Call-ID", b"CSeq", b"From", b"To"):
        octets = request(b"MESSAGE", leave_out=(name,))
        p.send(octets)
        for got in p.receive_all():
            expect(got.who == "caller" and got.message.status == 400, "%s got\n%s" % (
                got.who, got.message))
    p.dropped(before, 4)


@packet_test
def two_call_ids_never_reach_a_backend(p):
    octets = request(b"MESSAGE", headers=[(b"Call-ID", b"second@x")])
    p.send(octets)
    for got in p.receive_all():
        expect(got.who == "caller" and got.message.status == 400, "%s got it" % got.who)


@packet_test
def an_unknown_method_passes(p):
    got = p.forward(request(b"WIBBLE")).message
    expect(got.start.startswith(b"WIBBLE "), got.start)


@packet_test
def rfc5626_3_5_1_double_crlf_is_answered_with_crlf(p):
    p.send(CRLF + CRLF)
    got = p.receive("caller")
    expect(got.octets == CRLF, "answer is %r" % got.octets)


@packet_test
def rfc5626_3_5_2_a_stun_binding_request_is_answered(p):
    ident = bytes(random.Random(1).randbytes(12))
    p.send(b"\x00\x01\x00\x00\x21\x12\xa4\x42" + ident, "caller2")
    got = p.receive("caller2").octets
    expect(got[:2] == b"\x01\x01" and got[8:20] == ident, "answer is %r" % got)
    # XOR-MAPPED-ADDRESS of port 5099.
    expect(b"\x00\x20\x00\x08\x00\x01" + (5099 ^ 0x2112).to_bytes(2, "big") in got, "%r" % got)


@packet_test
def rfc3327_a_register_gets_our_path_when_it_supports_path(p):
    got = p.forward(request(b"REGISTER", uri=b"sip:example.com", headers=[
        (b"Supported", b"path"), (b"Contact", b"<sip:a@198.51.100.10>")])).message
    path = got.one("Path")
    expect(b";lr" in path and b"203.0.113.5" in path, "Path: %s" % path)


@packet_test
def an_invite_gets_our_record_route_and_a_message_does_not_need_one(p):
    got = p.forward(request(b"INVITE", headers=[(b"Contact", b"<sip:a@198.51.100.10>")])).message
    value = got.one("Record-Route")
    expect(b";lr" in value and b"203.0.113.5" in value, "Record-Route: %s" % value)
