# SPDX-License-Identifier: BSD-3-Clause
"""Route, Request-URI and next hops (RFC 3261 sections 16.4 to 16.6)."""

import random
import re

from lab import expect
from peer import Message, packet_test, request, response
from test_dialogs import dialog, our_route

OUTSIDE = b"198.51.100.10:5099"  # where caller2 listens


def bare(route):
    """The URI in <>."""
    return re.search(rb"<([^>]+)>", route).group(1)


def inside_via():
    return b"SIP/2.0/UDP 10.20.1.101:5060;branch=z9hG4bKin%d" % random.getrandbits(32)


def in_dialog(answer, method=b"BYE", **more):
    return request(method, to_tag=b"uas", cseq=2, call_id=answer.one("Call-ID"), **more)


@packet_test
def rfc3261_16_4_a_strict_router_before_us_has_put_our_route_into_the_request_uri(p):
    who, _, answer = dialog(p, 1)
    target = b"sip:bob@10.20.1.101"
    bye = p.forward(in_dialog(answer, uri=bare(our_route(answer)), route=[b"<%s>" % target]))
    expect(bye.who == who, "INVITE at %s, BYE at %s" % (who, bye.who))
    expect(bye.message.start == b"BYE %s SIP/2.0" % target, bye.message.start)
    expect(not bye.message.all("Route"), "Route: %r" % bye.message.all("Route"))


@packet_test
def rfc3261_16_6_6_a_strict_router_behind_us_gets_the_request_uri(p):
    who, _, answer = dialog(p, 2)
    bye = p.forward(in_dialog(answer, uri=b"sip:bob@10.20.1.50",
                              route=[our_route(answer), b"<sip:strict@10.20.1.101>",
                                     b"<sip:10.20.1.102;lr>"]))
    expect(bye.who == who, "INVITE at %s, BYE at %s" % (who, bye.who))
    expect(bye.message.start == b"BYE sip:strict@10.20.1.101 SIP/2.0", bye.message.start)
    expect(bye.message.all("Route") == [b"<sip:10.20.1.102;lr>", b"<sip:bob@10.20.1.50>"],
           "Route: %r" % bye.message.all("Route"))


@packet_test
def rfc3261_21_4_12_a_uri_too_long_for_a_strict_router_is_414(p):
    who, _, answer = dialog(p, 3)
    long = b"sip:" + b"u" * 1000 + b"@10.20.1.101"
    bye = p.forward(in_dialog(answer, uri=bare(our_route(answer)), route=[b"<%s>" % long]))
    expect(bye.who == who and bye.message.start == b"BYE %s SIP/2.0" % long, bye.message.start)
    longer = b"sip:" + b"u" * 3000 + b"@10.20.1.101"
    octets = in_dialog(answer, uri=bare(our_route(answer)), route=[b"<%s>" % longer])
    expect(p.answered(octets).status == 414, "not 414")


@packet_test
def rfc3261_16_4_several_routes_of_ours_are_popped_together(p):
    who, _, answer = dialog(p, 4)
    ours, theirs = our_route(answer), b"<sip:10.20.1.101;lr>"
    for route in ([b"<sip:203.0.113.5;lr>", ours, theirs],
                  [ours, ours, b"<sip:203.0.113.5:5060;lr>", theirs],
                  [b"<sip:203.0.113.5;lr>, %s, %s" % (ours, theirs)]):
        bye = p.forward(in_dialog(answer, uri=b"sip:bob@10.20.1.101", route=route))
        expect(bye.who == who, "BYE at %s" % bye.who)
        expect(bye.message.all("Route") == [theirs], "Route: %r" % bye.message.all("Route"))


@packet_test
def rfc3261_16_4_a_maddr_that_names_us_is_taken_out(p):
    got = p.forward(request(b"MESSAGE", uri=b"sip:bob@example.com:5060;maddr=203.0.113.5;x=y"))
    expect(got.message.start == b"MESSAGE sip:bob@example.com;x=y SIP/2.0", got.message.start)
    for uri in (b"sip:bob@example.com:5070;maddr=203.0.113.5",
                b"sip:bob@example.com;maddr=198.51.100.66;ttl=16"):
        got = p.forward(request(b"MESSAGE", uri=uri))
        expect(got.message.start == b"MESSAGE %s SIP/2.0" % uri, got.message.start)


@packet_test
def rfc3261_18_2_2_maddr_and_ttl_in_a_via_stay_and_are_not_followed(p):
    """A deviation: who asks for answers elsewhere would make a reflector of us."""
    via = b"SIP/2.0/UDP 198.51.100.10:5099;maddr=198.51.100.66;ttl=16;rport;branch=z9hG4bKmaddr"
    got = p.forward(request(b"MESSAGE", via=via), "caller2")
    expect(b";maddr=198.51.100.66;ttl=16;" in got.message.vias[1], got.message.vias[1])
    p.send(response(got.message), got.who)
    expect(p.receive("caller2").message.status == 200, "not 200")


@packet_test
def rfc3261_16_6_7_a_backends_request_goes_to_its_next_route(p):
    octets = request(b"MESSAGE", uri=b"sip:bob@192.0.2.1", via=inside_via(),
                     route=[b"<sip:%s;lr>" % OUTSIDE])
    p.send(octets, "b1")
    got = p.receive("caller2")
    expect(got.source == p.vip, "it left from %s" % (got.source,))
    expect(got.message.start == b"MESSAGE sip:bob@192.0.2.1 SIP/2.0", got.message.start)
    expect(got.message.all("Route") == [b"<sip:%s;lr>" % OUTSIDE], "16.6 leaves it there")
    p.send(response(got.message), "caller2")
    expect(p.receive("b1").message.status == 200, "the answer did not return")


@packet_test
def rfc3261_16_6_6_a_backends_request_to_a_strict_router(p):
    p.send(request(b"MESSAGE", uri=b"sip:bob@192.0.2.1", via=inside_via(),
                   route=[b"<sip:strict@%s>" % OUTSIDE]), "b1")
    got = p.receive("caller2").message
    expect(got.start == b"MESSAGE sip:strict@%s SIP/2.0" % OUTSIDE, got.start)
    expect(got.all("Route") == [b"<sip:bob@192.0.2.1>"], "Route: %r" % got.all("Route"))


@packet_test
def rfc3261_16_6_7_a_backends_request_goes_to_its_maddr(p):
    p.send(request(b"MESSAGE", uri=b"sip:bob@192.0.2.1:5099;maddr=198.51.100.10",
                   via=inside_via()), "b1")
    got = p.receive("caller2").message
    expect(b";maddr=198.51.100.10" in got.start, got.start)


@packet_test
def rfc3261_16_9_a_backends_request_by_another_transport_is_500(p):
    for uri in (b"sip:bob@198.51.100.10;transport=tcp", b"sips:bob@198.51.100.10"):
        p.send(request(b"MESSAGE", uri=uri, via=inside_via()), "b1")
        expect(p.receive("b1").message.status == 500, "not 500 for %r" % uri)


@packet_test
def rfc3261_16_6_7_broadcast_multicast_and_loopback_are_nobodys_next_hop(p):
    before = p.drops()
    targets = (b"255.255.255.255", b"224.0.1.75", b"127.0.0.1", b"0.0.0.0")
    for target in targets:
        p.silent(request(b"MESSAGE", uri=b"sip:x@" + target, via=inside_via()), "b1")
    p.dropped(before, len(targets), "bad-target")


@packet_test
def rfc3261_16_12_a_preloaded_route_of_a_stranger_leads_to_a_backend(p):
    """From outside without a token nothing goes anywhere else."""
    for route in ([b"<sip:198.51.100.66;lr>"], [b"<sip:203.0.113.5;lr>, <sip:198.51.100.66;lr>"]):
        got = p.forward(request(b"INVITE", route=route))
        expect(b"198.51.100.66" in got.message.one("Route"), "the foreign Route is gone")


@packet_test
def rfc3261_16_3_a_request_that_passed_us_before_is_forwarded_and_ends_by_max_forwards(p):
    """16.3 step 4: a loop is no error for a stateless proxy that may be passed twice."""
    first = p.forward(request(b"MESSAGE", max_forwards=b"1")).message
    spiral = first.octets.replace(b"MESSAGE sip", b"MESSAGE sip", 1)
    expect(p.answered(spiral).status == 483, "not 483")


@packet_test
def rfc3261_20_22_an_options_with_max_forwards_zero_for_somebody_else_is_answered_here(p):
    answer = p.answered(request(b"OPTIONS", uri=b"sip:bob@example.com", max_forwards=b"0"))
    expect(answer.status == 200, answer.start)
    expect(answer.one("Supported") == b"path", "Supported: %r" % answer.all("Supported"))
    answer = p.answered(request(b"OPTIONS", uri=b"sip:203.0.113.5"))
    expect(answer.status == 200, answer.start)
    got = p.forward(request(b"OPTIONS", uri=b"sip:alice@203.0.113.5"))
    expect(got.who.startswith("b"), "OPTIONS with a user is not for us")


@packet_test
def rfc3261_8_1_1_8_extensions_and_unknown_header_fields_pass(p):
    headers = [(b"Require", b"100rel, x-new"), (b"X-Long", b"v" * 3000), (b"x", b"compact")]
    sent = Message(request(b"INVITE", headers=headers))
    got = p.forward(sent.octets).message
    for name, value in headers:
        expect(got.one(name.decode()) == value, "%s is %r" % (name, got.all(name.decode())))
