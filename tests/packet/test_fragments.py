# SPDX-License-Identifier: BSD-3-Clause
"""IPv4 fragments in, whole messages out (RFC 791, RFC 3128, RFC 5722 by analogy)."""

import itertools
import random
import socket
import struct
import time

from lab import expect
from peer import (Message, internet_checksum, ipv4_packet, packet_test, request,
                  udp_datagram)
from test_dialogs import Sniffer


class Fragments:
    """A raw socket of the callers' host that sends what a kernel would not."""

    def __init__(self, p):
        self.p = p
        with p.lab.inside("call"):
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.ident = random.getrandbits(15)

    def split(self, octets, cuts):
        """Fragments of one datagram, cut at these offsets (multiples of 8)."""
        self.ident = (self.ident + 1) & 0xffff or 1
        lab = self.p.lab
        datagram = udp_datagram(lab.caller_address, lab.a.vip, 5060, 5060, octets)
        edges = [0, *cuts, len(datagram)]
        return [ipv4_packet(lab.caller_address, lab.a.vip, self.ident, a, b < len(datagram),
                            datagram[a:b]) for a, b in itertools.pairwise(edges)]

    def send(self, fragments):
        for f in fragments:
            self.socket.sendto(f, (self.p.lab.a.vip, 0))

    def close(self):
        self.socket.close()


def big_request(size=4000):
    return request(b"MESSAGE", body=bytes(random.Random(size).randbytes(size)))


def arrives(p, octets):
    got = p.at_backend().message
    expect(got.body == Message(octets).body, "the body was changed")


@packet_test
def two_to_eight_fragments_in_any_order_become_one_message(p):
    f = Fragments(p)
    rng = random.Random(8)
    for count in range(2, 9):
        for _ in range(4):
            octets = big_request(min(4000, 1300 * count))
            step = (len(octets) // count + 8) // 8 * 8
            parts = f.split(octets, [step * i for i in range(1, count)])
            rng.shuffle(parts)
            f.send(parts)
            arrives(p, octets)
    f.close()


@packet_test
def a_fragment_that_comes_twice_does_no_harm(p):
    f = Fragments(p)
    octets = big_request()
    parts = f.split(octets, [1400, 2800])
    f.send([parts[0], parts[0], parts[1], parts[1], parts[2]])
    arrives(p, octets)
    expect(not p.receive_all(), "the message came twice")
    f.close()


@packet_test
def overlapping_fragments_are_refused(p):
    f = Fragments(p)
    octets = big_request()
    parts = f.split(octets, [1400, 2800])
    lab = p.lab
    overlap = ipv4_packet(lab.caller_address, lab.a.vip, f.ident, 1000, True, b"X" * 800)
    f.send([parts[0], overlap, parts[1], parts[2]])
    for got in p.receive_all():
        expect(got.message.body == Message(octets).body, "an overlap reached %s" % got.who)
    f.close()


@packet_test
def an_incomplete_datagram_is_given_up_and_the_next_one_passes(p):
    f = Fragments(p)
    parts = f.split(big_request(), [1400, 2800])
    f.send(parts[:2])
    expect(not p.receive_all(), "half a message was forwarded")
    octets = big_request(3000)
    f.send(f.split(octets, [1400, 2800]))
    arrives(p, octets)
    f.close()


@packet_test
def a_message_over_the_mtu_leaves_in_fragments_that_the_backend_puts_together(p):
    octets = big_request(6000)
    p.send(octets)
    arrives(p, octets)


@packet_test
def a_flood_of_first_fragments_stops_no_other_message_and_passes(p):
    f = Fragments(p)
    for _ in range(2000):
        f.send(f.split(big_request(1500), [1400])[:1])
    got = p.forward(request(b"MESSAGE", body=b"small"))
    expect(got.message.body == b"small", "body is %r" % got.message.body)
    time.sleep(2.5)  # reassembly.timeout
    octets = big_request(3000)
    f.send(f.split(octets, [1400, 2800]))
    arrives(p, octets)
    f.close()


def too_big4(p, backend, mtu):
    """What a router says about a packet of ours to this backend (RFC 1191)."""
    vip = p.lab.a.vip
    quoted = ipv4_packet(vip, backend, 1, 0, False, udp_datagram(vip, backend, 5060, 5060, b"x" * 8))
    message = struct.pack("!BBHHH", 3, 4, 0, 0, mtu) + quoted
    return message[:2] + struct.pack("!H", internet_checksum(message)) + message[4:]


@packet_test
def rfc1191_a_router_that_finds_a_packet_too_big_is_heeded(p):
    """From the inside; what the callers' side says about the inside is forged."""
    wire = Sniffer(p.lab, ["fab"])
    who, backend = "b3", p.lab.backend_addresses[2]
    call_id = next(c for c in (b"too-big-%d@x" % n for n in itertools.count())
                   if p.node.where(c.decode()) == who)
    octets = request(b"MESSAGE", call_id=call_id, body=b"z" * 1000)
    for ns, fragmented in (("call", False), (p.lab.backend_ns(2), True)):
        with p.lab.inside(ns):
            s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        s.sendto(too_big4(p, backend, 700), (p.lab.a.vip, 0))
        s.close()
        time.sleep(0.2)
        wire.longest()
        got = p.forward(octets)
        expect(got.who == who and got.message.body == b"z" * 1000, "it did not arrive whole")
        longest = wire.longest()
        expect((longest <= 700) == fragmented, "a packet of %d after %s" % (longest, ns))
