# SPDX-License-Identifier: BSD-3-Clause
"""The same proxy over IPv6: addresses in brackets, fragments, ICMPv6, forged backends."""

import itertools
import random
import socket
import struct
import time

from lab import expect
from peer import (internet_checksum, ipv6_fragment, ipv6_packet, ipv6_test, pseudo_header, request,
                  response, udp_datagram)
from test_dialogs import Sniffer

CALLER = b"[2001:db8:1::10]"
VIP = b"[2001:db8:5::5]"


def call(method, **more):
    via = b"SIP/2.0/UDP 192.0.2.9;rport;branch=z9hG4bKsix%d" % random.getrandbits(40)
    return request(method, via=more.pop("via", via), **more)


class Raw:
    """A socket that sends whole IPv6 packets from a namespace."""

    def __init__(self, p, ns="call"):
        self.vip = p.lab.a.vip
        with p.lab.inside(ns):
            self.socket = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
        p.lab.closers.append(self.socket.close)

    def send(self, packet):
        self.socket.sendto(packet, (self.vip, 0))


def fragments(p, octets, cuts, ident):
    caller, vip = p.lab.caller_address, p.lab.a.vip
    datagram = udp_datagram(caller, vip, 5060, 5060, octets)
    edges = [0, *cuts, len(datagram)]
    return [ipv6_fragment(caller, vip, ident, a, b < len(datagram), datagram[a:b])
            for a, b in itertools.pairwise(edges)]


@ipv6_test
def rfc5118_4_5_a_call_and_its_dialog(p):
    invite = p.forward(call(b"INVITE", headers=[(b"Contact", b"<sip:a@%s>" % CALLER)]))
    vias = invite.message.vias
    expect(vias[0].startswith(b"SIP/2.0/UDP %s:5060;" % VIP), "our Via is %r" % vias[0])
    expect(b";received=2001:db8:1::10" in vias[1], "received has no brackets: %r" % vias[1])
    route = invite.message.one("Record-Route")
    expect(b"@%s:5060;lr>" % VIP in route, "Record-Route is %r" % route)
    p.send(response(invite.message, contact=b"<sip:b@[2001:db8:20::65]>"), invite.who)
    answer = p.receive("caller")
    expect(answer.source == p.vip and len(answer.message.vias) == 1, "source %s" % (answer.source,))
    call_id = answer.message.one("Call-ID")
    bye = p.forward(call(b"BYE", uri=b"sip:b@[2001:db8:20::65]", to_tag=b"uas", cseq=2,
                         call_id=call_id, route=[route]))
    expect(bye.who == invite.who and not bye.message.all("Route"), "BYE at %s" % bye.who)
    p.send(call(b"BYE", uri=b"sip:a@[fd00::1]", to_tag=b"x", cseq=9, call_id=call_id, route=[route],
                via=b"SIP/2.0/UDP [2001:db8:20::65];branch=z9hG4bKback"), invite.who)
    expect(p.receive("caller").message.start.startswith(b"BYE "), "the client's flow")


@ipv6_test
def rfc8200_4_5_fragments_in_any_order_and_twice(p):
    raw, rng = Raw(p), random.Random(6)
    for count in range(2, 9):
        octets = call(b"MESSAGE", body=rng.randbytes(min(4000, 1200 * count)))
        step = (len(octets) // count + 8) // 8 * 8
        parts = fragments(p, octets, [step * i for i in range(1, count)], rng.getrandbits(32))
        parts.append(parts[0])
        rng.shuffle(parts)
        for part in parts:
            raw.send(part)
        expect(octets.endswith(p.at_backend().message.body), "the body was changed")
    p.receive_all()


@ipv6_test
def rfc5722_an_overlap_drops_the_datagram(p):
    raw = Raw(p)
    parts = fragments(p, call(b"MESSAGE", body=b"y" * 3000), [1200, 2400], 77)
    overlap = ipv6_fragment(p.lab.caller_address, p.lab.a.vip, 77, 800, True, b"X" * 800)
    for part in (parts[0], overlap, parts[1], parts[2]):
        raw.send(part)
    expect(not p.receive_all(), "it arrived")


@ipv6_test
def rfc8201_a_router_that_finds_a_packet_too_big_is_heeded(p):
    wire = Sniffer(p.lab, ["fab"], 0x86dd)
    who, backend, vip = "b3", p.lab.backend_addresses[2], p.lab.a.vip
    call_id = next(c for c in (b"too-big-%d@x" % n for n in itertools.count())
                   if p.node.where(c.decode()) == who)
    octets = call(b"MESSAGE", call_id=call_id, body=b"z" * 1050)
    quoted = ipv6_packet(vip, backend, 17, udp_datagram(vip, backend, 5060, 5060, b"x" * 8))
    for ns, source, fragmented in (("call", p.lab.caller_address, False),
                                   (p.lab.backend_ns(2), backend, True)):
        message = struct.pack("!BBHI", 2, 0, 0, 1280) + quoted
        checksum = internet_checksum(pseudo_header(source, vip, 58, len(message)) + message)
        message = message[:2] + struct.pack("!H", checksum) + message[4:]
        Raw(p, ns).send(ipv6_packet(source, vip, 58, message))
        time.sleep(0.2)
        wire.longest()
        got = p.forward(octets)
        expect(got.who == who and got.message.body == b"z" * 1050, "it did not arrive whole")
        longest = wire.longest()
        expect((longest <= 1280) == fragmented, "a packet of %d after %s" % (longest, ns))


@ipv6_test
def a_forged_ipv6_backend_is_dropped_and_counted(p):
    raw, before = Raw(p), p.drops()
    backend, vip = p.lab.backend_addresses[0], p.lab.a.vip
    octets = call(b"MESSAGE", uri=b"sip:x@[2001:db8:1::66]")
    raw.send(ipv6_packet(backend, vip, 17, udp_datagram(backend, vip, 5060, 5060, octets)))
    expect(not p.receive_all(), "it had an effect")
    p.dropped(before, 1, "spoofed-backend")


@ipv6_test
def rfc5626_3_5_2_a_stun_binding_request_is_answered(p):
    ident = bytes(range(12))
    p.send(b"\x00\x01\x00\x00\x21\x12\xa4\x42" + ident, "caller2")
    got = p.receive("caller2").octets
    expect(got[:2] == b"\x01\x01" and got[25] == 2, "answer is %r" % got)
