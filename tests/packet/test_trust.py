# SPDX-License-Identifier: BSD-3-Clause
"""Who is a backend: nobody on the callers' side, whatever address he writes into his packets."""

import socket

from lab import expect
from peer import CRLF, Message, ipv4_packet, packet_test, request, response, udp_datagram
from test_dialogs import Sniffer


class Forger:
    """A raw socket on the callers' side that writes any source address."""

    def __init__(self, p):
        self.p, self.ident = p, 0
        with p.lab.inside("call"):
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        p.lab.closers.append(self.socket.close)

    def send(self, octets, source, port=5060, protocol=17):
        vip = self.p.lab.a.vip
        self.ident += 1
        if protocol == 17:
            octets = udp_datagram(source, vip, port, 5060, octets)
        self.socket.sendto(ipv4_packet(source, vip, self.ident, 0, False, octets, protocol),
                           (vip, 0))


def callout(target=b"198.51.100.66"):
    return request(b"MESSAGE", uri=b"sip:victim@" + target,
                   via=b"SIP/2.0/UDP 10.20.1.101:5060;branch=z9hG4bKcallout%d" % id(target))


@packet_test
def a_forged_backend_on_the_outside_port_is_no_relay_and_is_counted(p):
    forger, sniffer, before = Forger(p), Sniffer(p.lab), p.drops()
    backend = p.lab.backend_addresses[0]
    for octets in (callout(), request(b"INVITE"), request(b"MESSAGE", max_forwards=b"0"),
                   request(b"MESSAGE", leave_out=(b"Call-ID",)), CRLF + CRLF,
                   callout(b"client.example.test")):
        forger.send(octets, backend)
    forger.send(callout(), backend, port=40000)
    expect(not p.receive_all(), "a forged message had an effect")
    p.dropped(before, 7, "spoofed-backend")
    expect("198.51.100.66" not in sniffer.destinations(), "it was relayed")


@packet_test
def the_real_backend_calls_out(p):
    sniffer = Sniffer(p.lab)
    p.send(callout(p.lab.caller_address.encode() + b":5099"), "b1")
    got = p.receive("caller2")
    expect(got.message.start.startswith(b"MESSAGE "), got.message.start)
    p.send(response(got.message), "caller2")
    expect(p.receive("b1").message.status == 200, "the answer did not return")
    expect(sniffer.destinations() <= {p.lab.caller_address, p.lab.a.vip,
                                      *p.lab.backend_addresses}, "somebody else got something")


@packet_test
def a_response_from_the_outside_with_a_backends_address_is_dropped(p):
    """Whoever has seen the branch can write the response, but not send it from the inside."""
    forger, before = Forger(p), p.drops()
    invite = p.forward(request(b"INVITE"))
    address = p.lab.backend_addresses[int(invite.who[1:]) - 1]
    forger.send(response(invite.message), address)
    expect(not p.receive_all(), "the caller got it")
    p.dropped(before, 1, "spoofed-backend")
    p.send(response(invite.message), invite.who)
    expect(p.receive("caller").message.status == 200, "the real one was lost")


@packet_test
def a_forged_fragment_is_not_put_between_those_of_the_backend(p):
    """Dropped before reassembly: the backend's own last fragment would vouch for it."""
    backend, vip = p.lab.backend_addresses[0], p.lab.a.vip
    evil = udp_datagram(backend, vip, 5060, 5060, callout() + b"x" * 1600)
    forger, before = Forger(p), p.drops()
    forger.socket.sendto(ipv4_packet(backend, vip, 4711, 0, True, evil[:1400]), (vip, 0))
    p.dropped(before, 1, "spoofed-backend")
    with p.lab.inside("b1"):
        inside = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    inside.sendto(ipv4_packet(backend, vip, 4711, 1400, False, evil[1400:]), (vip, 0))
    inside.close()
    expect(not p.receive_all(), "the pieces became a message")


@packet_test
def a_source_that_looks_like_ours_is_dropped(p):
    """Ours is no source of a request: an answer would go round in a circle."""
    forger = Forger(p)
    forger.send(request(b"MESSAGE", max_forwards=b"0"), p.lab.a.vip)
    expect(not p.receive_all(), "it had an effect")


@packet_test
def where_explains_a_forged_backend(p):
    text = callout().decode()
    for port, wanted in (("wan0", "spoofed-backend"), ("core0", None)):
        answer = p.node.command("--json", "where", "--port", port, "--source",
                                p.lab.backend_addresses[0] + ":5060", "-", stdin=text).stdout
        expect((wanted or '"rule": "outbound"') in answer, "%s: %s" % (port, answer))


@packet_test
def never_and_allowed_take_effect_at_a_reload(p):
    """On the callers' port backends may be, on the inside they may not: as the file says."""
    ports = p.node.config["dataplane"]["ports"]
    forger = Forger(p)
    try:
        ports[0]["backends"], ports[1]["backends"] = "allowed", "never"
        p.node.write()
        p.node.reload()
        forger.send(callout(p.lab.caller_address.encode() + b":5099"), p.lab.backend_addresses[0])
        got = p.receive("caller2").message
        expect(Message(got.octets).start.startswith(b"MESSAGE "), got.start)
        before = p.drops()
        p.silent(callout(p.lab.caller_address.encode() + b":5099"), "b1")
        p.dropped(before, 1, "spoofed-backend")
    finally:
        del ports[0]["backends"], ports[1]["backends"]
        p.node.write()
        p.node.reload()
