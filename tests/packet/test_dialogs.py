# SPDX-License-Identifier: BSD-3-Clause
"""Responses, dialogs, and what nobody may make us do (RFC 3261 sections 16.4, 16.7, 16.11)."""

import random
import re
import socket

from lab import expect
from peer import Message, packet_test, request, response
from test_requests import equal_apart_from


ETH_P_ALL = 3
PACKET_OUTGOING = 4


def dialog(p, number, contact=b"<sip:alice@198.51.100.10:5060>"):
    """An INVITE and its 200: (backend, its INVITE, the caller's 200)."""
    call_id = b"dialog-%d-%d@x" % (number, random.getrandbits(32))
    invite = p.forward(request(b"INVITE", call_id=call_id, headers=[(b"Contact", contact)]))
    p.send(response(invite.message, contact=b"<sip:bob@10.20.1.101>"), invite.who)
    return invite.who, invite.message, p.receive("caller").message


def our_route(message):
    """The Record-Route value that is ours."""
    values = [v for v in message.all("Record-Route") if b"203.0.113.5" in v]
    expect(values, "no Record-Route of ours in\n%s" % message)
    return values[0]


@packet_test
def rfc3261_16_7_a_response_comes_back_with_our_via_popped(p):
    invite = p.forward(request(b"INVITE"))
    answer = response(invite.message, 180, b"Ringing")
    p.send(answer, invite.who)
    got = p.receive("caller")
    expect(got.source == p.vip, "it came from %s" % (got.source,))
    expect(len(got.message.vias) == 1, "Vias: %r" % got.message.vias)
    equal_apart_from(Message(answer), got.message, "Via")


@packet_test
def rfc3261_16_11_a_response_whose_top_via_is_not_ours_is_dropped_and_counted(p):
    invite = p.forward(request(b"INVITE"))
    before = p.drops()
    foreign = Message(invite.octets.replace(invite.message.vias[0],
                                            b"SIP/2.0/UDP 192.0.2.77;branch=z9hG4bKother"))
    p.send(response(foreign), invite.who)
    expect(not p.receive_all(), "it was forwarded")
    p.dropped(before, 1, "foreign-via")


@packet_test
def a_response_with_a_forged_branch_is_dropped_and_counted(p):
    invite = p.forward(request(b"INVITE"))
    branch = invite.message.branch()
    before = p.drops()
    forged = 0
    for position in range(7, len(branch)):
        changed = bytearray(branch)
        changed[position] = ord("b") if changed[position] == ord("a") else ord("a")
        if bytes(changed) == branch:
            continue
        forged += 1
        p.send(response(Message(invite.octets.replace(branch, bytes(changed)))), invite.who)
    got = p.receive_all()
    expect(not got, lambda: "%s got\n%s" % (got[0].who, got[0].message))
    p.dropped(before, forged)


@packet_test
def a_response_cannot_be_replayed_to_another_target(p):
    """The branch is good, but the next Via names somebody else."""
    invite = p.forward(request(b"INVITE"))
    sender = invite.message.vias[1]
    for other in (b"SIP/2.0/UDP 198.51.100.10:5099;branch=" + invite.message.branch(1),
                  b"SIP/2.0/UDP 198.51.100.77:5060;branch=" + invite.message.branch(1),
                  sender + b";received=198.51.100.10;rport=5099"):
        p.send(response(Message(invite.octets.replace(sender, other))), invite.who)
    got = p.receive_all()
    expect(not got, lambda: "%s got\n%s" % (got[0].who, got[0].message))


@packet_test
def rfc3261_16_4_a_request_in_a_dialog_goes_to_the_backend_of_the_token(p):
    for number in range(6):
        who, _, answer = dialog(p, number)
        bye = p.forward(request(b"BYE", uri=b"sip:bob@10.20.1.101", to_tag=b"uas", cseq=2,
                                call_id=answer.one("Call-ID"), route=[our_route(answer)]))
        expect(bye.who == who, "INVITE at %s, BYE at %s" % (who, bye.who))
        expect(not bye.message.all("Route"), "our Route was not popped:\n%s" % bye.message)


@packet_test
def rfc3261_16_4_only_our_own_route_is_popped(p):
    who, _, answer = dialog(p, 100)
    theirs = b"<sip:10.20.1.101;lr>"
    for route in ([our_route(answer), theirs], [our_route(answer) + b", " + theirs]):
        bye = p.forward(request(b"BYE", uri=b"sip:bob@10.20.1.50", to_tag=b"uas", cseq=2,
                                call_id=answer.one("Call-ID"), route=route))
        expect(bye.who == who, "BYE at %s" % bye.who)
        expect(bye.message.all("Route") == [theirs], "Route: %r" % bye.message.all("Route"))


@packet_test
def a_request_of_the_backend_in_a_dialog_reaches_the_client_at_its_flow(p):
    """The client's Contact is a private address; the token knows where it really is."""
    who, invite, answer = dialog(p, 200, contact=b"<sip:alice@192.168.77.5:5060>")
    bye = request(b"BYE", uri=b"sip:alice@192.168.77.5:5060", to_tag=b"x", cseq=9,
                  call_id=answer.one("Call-ID"), route=[our_route(invite)],
                  via=b"SIP/2.0/UDP 10.20.1.101:5060;branch=z9hG4bKback%d" % random.getrandbits(32))
    p.send(bye, who)
    got = p.receive("caller")
    expect(got.message.start.startswith(b"BYE "), got.message.start)
    expect(not got.message.all("Route"), "Route is left")
    p.send(response(got.message), "caller")
    back = p.receive(who)
    expect(back.message.status == 200, back.message.start)


@packet_test
def a_forged_route_token_is_not_believed(p):
    who, _, answer = dialog(p, 300)
    route = our_route(answer)
    user = re.search(rb"sip:([^@]+)@", route).group(1)
    call_id = answer.one("Call-ID")
    other_call = b"another-%d@x" % random.getrandbits(32)
    p.send(request(b"BYE", to_tag=b"uas", cseq=2, call_id=other_call, route=[route]))
    for got in p.receive_all():
        expect(got.who in ("caller", "b1", "b2", "b3"), got.who)
    for position in (0, len(user) // 2, len(user) - 1):
        changed = bytearray(user)
        changed[position] = ord("b") if changed[position] == ord("a") else ord("a")
        p.send(request(b"BYE", to_tag=b"uas", cseq=2, call_id=call_id,
                       route=[route.replace(user, bytes(changed))]))
        for got in p.receive_all():
            if got.who.startswith("b"):
                expect(got.message.start.startswith(b"BYE "), got.message.start)


@packet_test
def nothing_from_outside_makes_us_send_to_a_third_party(p):
    """Crafted Vias, Routes, targets: only the sender and the backends ever get a packet."""
    allowed = {p.lab.caller_address, *p.lab.backend_addresses}
    sniffer = Sniffer(p.lab)
    evil = b"198.51.100.66:5060"
    via = b"SIP/2.0/UDP 198.51.100.66:5060;branch=z9hG4bKevil"
    crafted = [
        request(b"MESSAGE", uri=b"sip:x@" + evil),
        request(b"MESSAGE", uri=b"sip:x@" + evil, to_tag=b"x"),
        request(b"INVITE", route=[b"<sip:%s;lr>" % evil]),
        request(b"INVITE", route=[b"<sip:%s>" % evil], to_tag=b"x"),
        request(b"MESSAGE", uri=b"sip:x@example.com;maddr=198.51.100.66"),
        request(b"MESSAGE", via=via + b";received=198.51.100.66;rport=5060", max_forwards=b"0"),
        request(b"MESSAGE", via=via + b";maddr=198.51.100.66", max_forwards=b"0"),
        request(b"MESSAGE", via=via, max_forwards=b"0"),
        request(b"MESSAGE", via=via + b";rport", leave_out=(b"Call-ID",)),
    ]
    for octets in crafted:
        p.send(octets)
    for got in p.receive_all():
        if got.who.startswith("b"):
            p.send(response(got.message), got.who)
    p.receive_all()
    seen = sniffer.destinations()
    expect(p.lab.caller_address in seen, "the sniffer sees nothing")
    for destination in seen:
        expect(destination in allowed, "a packet went to %s" % destination)


class Sniffer:
    """The IPv4 or IPv6 packets that the node sends, on both sides."""

    def __init__(self, lab, sides=("call", "fab"), protocol=0x0800):
        self.protocol = protocol
        self.sockets = []
        for ns in sides:
            # All protocols: what is for a bridge's port is shown to nobody who asks for one.
            with lab.inside(ns):
                s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
                s.bind(("lb0", ETH_P_ALL))
                s.setblocking(False)
            lab.closers.append(s.close)
            self.sockets.append(s)

    def packets(self):
        for s in self.sockets:
            while True:
                try:
                    packet, (_, protocol, kind, _, _) = s.recvfrom(65536)
                except BlockingIOError:
                    break
                # PACKET_OUTGOING is what the kernel of this side sends to the node.
                if kind != PACKET_OUTGOING and protocol == self.protocol:
                    yield packet

    def destinations(self):
        return {socket.inet_ntoa(p[16:20]) for p in self.packets() if p[9] == 17}

    def longest(self):
        return max(map(len, self.packets()), default=0)
