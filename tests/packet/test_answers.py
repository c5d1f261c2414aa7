# SPDX-License-Identifier: BSD-3-Clause
"""Answers of our own (RFC 3261 sections 8.2.6, 8.2.7, 16.3 and 21)."""

import contextlib
import re
import time

from lab import expect
from peer import packet_test, request, response


@contextlib.contextmanager
def service_keys(p, **keys):
    """The node with these keys of its service changed, by a reload."""
    before = p.node.copy_of_config()
    try:
        for name, value in keys.items():
            p.node.service[name] = value
        p.node.write()
        p.node.reload()
        yield
    finally:
        p.node.config = before
        p.node.write()
        p.node.reload()




@packet_test
def rfc3261_8_2_6_2_what_an_answer_carries(p):
    via = b"SIP/2.0/UDP 192.0.2.9:5060;rport;branch=z9hG4bKanswer1"
    octets = request(b"MESSAGE", via=via, max_forwards=b"0",
                     headers=[(b"Via", b"SIP/2.0/TCP 192.0.2.8;branch=z9hG4bKanswer0"),
                              (b"Record-Route", b"<sip:192.0.2.8;lr>")])
    answer = p.answered(octets, "caller2")
    expect(answer.start == b"SIP/2.0 483 Too Many Hops", answer.start)
    expect(b";rport=5099" in answer.vias[0] and b";received=198.51.100.10" in answer.vias[0],
           "Via is %r" % answer.vias[0])
    expect(answer.vias[1] == b"SIP/2.0/TCP 192.0.2.8;branch=z9hG4bKanswer0", "Vias changed")
    for name in ("From", "Call-ID", "CSeq"):
        expect(answer.one(name) in octets, "%s: %s" % (name, answer.one(name)))
    expect(answer.one("Content-Length") == b"0" and not answer.body, "a body")


@packet_test
def rfc3261_8_2_6_2_a_to_tag_that_is_there_stays(p):
    answer = p.answered(request(b"BYE", to_tag=b"mine", max_forwards=b"0"))
    expect(answer.one("To").endswith(b";tag=mine"), "To: %s" % answer.one("To"))


@packet_test
def rfc3261_8_2_7_no_100_and_nothing_kept(p):
    """The same request again gets the same answer, octet for octet."""
    octets = request(b"INVITE", max_forwards=b"0")
    expect(p.answered(octets).octets == p.answered(octets).octets, "two answers differ")


@packet_test
def rfc3261_17_1_1_3_the_ack_of_our_own_answer_ends_here(p):
    """Its branch is the INVITE's, its Max-Forwards may be 0 or not: nobody answers it."""
    common = {"call_id": b"own-answer@x", "branch": b"z9hG4bKownanswer"}
    answer = p.answered(request(b"INVITE", max_forwards=b"0", **common))
    tag = re.search(rb";tag=(\S+)", answer.one("To")).group(1)
    p.silent(request(b"ACK", max_forwards=b"0", to_tag=tag, **common))


@packet_test
def rfc3261_16_10_a_cancel_is_never_answered_here(p):
    p.silent(request(b"CANCEL", max_forwards=b"0"))
    p.silent(request(b"CANCEL", headers=[(b"Proxy-Require", b"foo")]))


@packet_test
def rfc3261_16_3_each_check_has_its_answer(p):
    for octets, status in (
            (request(b"MESSAGE", body=b"x", length=9), 400),
            (request(b"MESSAGE", uri=b"nobodyknows:x"), 416),
            (request(b"MESSAGE", headers=[(b"Proxy-Require", b"foo")]), 420),
            (request(b"MESSAGE", max_forwards=b"0"), 483),
            (request(b"MESSAGE", version=b"SIP/7.0"), 505)):
        answer = p.answered(octets)
        expect(answer.status == status, "%s instead of %d" % (answer.start, status))
        expect(len(answer.octets) <= len(octets) + 256, "longer than the bound")


@packet_test
def rfc3261_21_5_4_503_with_retry_after_when_nobody_is_there(p):
    names = [b["name"] for b in p.node.service["backends"]]
    with service_keys(p, when_all_down="reply-503"):
        for name in names:
            p.node.command("backend", "set", "access/" + name, "maint")
        try:
            answer = p.answered(request(b"INVITE"))
            expect(answer.status == 503, answer.start)
            expect(int(answer.one("Retry-After")) > 0, "Retry-After")
            expect(p.answered(request(b"OPTIONS", max_forwards=b"0")).status == 503,
                   "OPTIONS gets what an INVITE would (11.2)")
            p.silent(request(b"ACK"))
        finally:
            for name in names:
                p.node.command("backend", "set", "access/" + name, "ready")


@packet_test
def answers_to_one_address_are_limited_and_counted(p):
    with service_keys(p, limits={"reply_rate": "5/s"}):
        before, start = p.drops(), time.monotonic()
        for _ in range(60):
            p.send(request(b"MESSAGE", max_forwards=b"0"))
        answers = [g for g in p.receive_all() if g.who == "caller"]
        most = 5 + 5 * (time.monotonic() - start) + 1
        expect(0 < len(answers) <= most, "%d of 60 answers, not %d" % (len(answers), most))
        p.dropped(before, 60 - len(answers), "rate-reply")


@packet_test
def requests_of_one_address_are_limited_and_those_of_backends_are_not(p):
    with service_keys(p, limits={"reply_rate": "0/s", "source_rate": "10/s"}):
        before, start = p.drops(), time.monotonic()
        for _ in range(60):
            p.send(request(b"MESSAGE"))
        got = p.receive_all()
        most = 10 + 10 * (time.monotonic() - start) + 1
        expect(0 < len(got) <= most, "%d of 60 passed, not %d" % (len(got), most))
        p.dropped(before, 60 - len(got), "rate-source")
        for number in range(30):
            p.send(request(b"MESSAGE", uri=b"sip:x@198.51.100.10:5099",
                           via=b"SIP/2.0/UDP 10.20.1.101;branch=z9hG4bKfree%d" % number), "b1")
        got = p.receive_all()
        expect(len(got) == 30, "%d of a backend's 30 passed" % len(got))


@packet_test
def unparsable_drop_answers_nothing(p):
    with service_keys(p, limits={"reply_rate": "0/s", "unparsable": "drop"}):
        before = p.drops()
        p.silent(request(b"MESSAGE", leave_out=(b"CSeq",)))
        p.dropped(before, 1, "unparsable")
        expect(p.answered(request(b"MESSAGE", max_forwards=b"0")).status == 483, "not 483")


@packet_test
def limits_of_size_and_number_are_kept_and_counted(p):
    limits = {"reply_rate": "0/s", "max_message": "1KiB", "max_headers": 16,
              "max_header_bytes": "600B"}
    with service_keys(p, limits=limits):
        before = p.drops()
        p.silent(request(b"MESSAGE", body=b"x" * 1000))
        p.silent(request(b"MESSAGE", headers=[(b"X", b"y")] * 12))
        p.silent(request(b"MESSAGE", headers=[(b"X", b"y" * 500)]))
        p.dropped(before, 3, "too-large")
        p.forward(request(b"MESSAGE", body=b"x" * 100))


@packet_test
def the_longest_prefix_of_the_access_list_decides(p):
    listen = [dict(p.node.service["listen"][0])]
    listen[0]["acl"] = {"deny": ["198.51.100.0/24"], "allow": ["198.51.100.10/32", "10.0.0.0/8"]}
    with service_keys(p, listen=listen):
        p.forward(request(b"MESSAGE"))
    listen[0]["acl"] = {"deny": ["198.51.100.10/32"], "allow": ["198.51.100.0/24"]}
    with service_keys(p, listen=listen):
        before = p.drops()
        p.silent(request(b"MESSAGE"))
        p.silent(b"\r\n\r\n")
        p.dropped(before, 2, "acl")
        # Backends are not asked.
        p.send(request(b"MESSAGE", uri=b"sip:x@198.51.100.10:5099",
                       via=b"SIP/2.0/UDP 10.20.1.101;branch=z9hG4bKacl"), "b1")
        p.receive("caller2")


@packet_test
def a_transaction_goes_on_through_a_change_of_the_table(p):
    """RFC 3261 16.11: retransmission, CANCEL and ACK follow their INVITE."""
    calls = [{"call_id": b"change-%d-%d@x" % (n, time.monotonic_ns()),
              "branch": b"z9hG4bKchange%d" % n} for n in range(24)]
    where = [p.forward(request(b"INVITE", **c)).who for c in calls]
    backends = [dict(b) for b in p.node.service["backends"]]
    backends[0]["weight"] = 1
    with service_keys(p, backends=backends):
        moved = 0
        for call, was in zip(calls, where):
            for method, more in ((b"INVITE", {}), (b"CANCEL", {}), (b"ACK", {"to_tag": b"x"})):
                got = p.forward(request(method, **call, **more))
                expect(got.who == was, "INVITE at %s, %s at %s" % (was, method, got.who))
            moved += p.node.where(call["call_id"].decode()) != was
        expect(moved > 0, "no call would have moved: the test shows nothing")
        backends[1]["weight"] = 256
        p.node.service["backends"] = backends
        p.node.write()
        p.node.reload()
        for call, was in zip(calls, where):
            got = p.forward(request(b"CANCEL", **call))
            expect(got.who == was, "after a second change %s" % got.who)
            p.send(response(got.message), got.who)
            p.receive("caller")
