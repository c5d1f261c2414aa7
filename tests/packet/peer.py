# SPDX-License-Identifier: BSD-3-Clause
"""Plain sockets on both sides of a node: octets in, octets out.

One lab and one node serve all packet tests. The backends are sockets, so health checks are off.
"""

import itertools
import re
import select
import socket
import struct
import time

from lab import Failure, Lab, expect, wait_until
from sipshunt import Node

CRLF = b"\r\n"
QUIET = 0.4  # seconds without a packet that mean "nothing comes"
PATIENCE = 15.0  # seconds within which an expected packet comes


class Message:
    """A SIP message taken apart just enough to compare octets."""

    def __init__(self, octets):
        self.octets = octets
        head, _, self.body = octets.partition(CRLF + CRLF)
        self.start, *self.lines = head.split(CRLF)

    def all(self, name):
        """Values of the header field, one for each line, in order."""
        prefix = name.lower().encode() + b":"
        return [l[len(prefix):].strip() for l in self.lines if l.lower().startswith(prefix)]

    def one(self, name):
        values = self.all(name)
        expect(len(values) == 1, "%d header fields %s in\n%s" % (
            len(values), name, self.octets.decode(errors="replace")))
        return values[0]

    @property
    def status(self):
        return int(self.start.split()[1]) if self.start.startswith(b"SIP/2.0 ") else None

    @property
    def vias(self):
        """Via values, top first, also when several stand in one line."""
        return [v.strip() for line in self.all("Via") for v in line.split(b",")]

    def branch(self, index=0):
        found = re.search(rb";branch=([^;,\s]+)", self.vias[index])
        return found.group(1) if found else None

    def __str__(self):
        return self.octets.decode(errors="replace")


counter = itertools.count(1)


def request(method=b"OPTIONS", uri=b"sip:bob@example.com", call_id=None, via=None, headers=(),
            body=b"", max_forwards=b"70", to_tag=b"", cseq=1, leave_out=(), length=None,
            version=b"SIP/2.0", branch=None, route=()):
    """Octets of a request; every call without call_id is a call of its own."""
    number = next(counter)
    call_id = call_id or b"packet-%d-%d" % (number, time.monotonic_ns())
    branch = branch or b"z9hG4bK%d" % number
    via = via or b"SIP/2.0/UDP 198.51.100.10:5060;branch=" + branch
    lines = [b"%s %s %s" % (method, uri, version)]
    fields = [(b"Via", via)]
    fields += [(b"Route", r) for r in route]
    if max_forwards is not None:
        fields.append((b"Max-Forwards", max_forwards))
    fields += [
        (b"From", b"<sip:alice@example.com>;tag=from%d" % number),
        (b"To", b"<sip:bob@example.com>" + (b";tag=" + to_tag if to_tag else b"")),
        (b"Call-ID", call_id),
        (b"CSeq", b"%d %s" % (cseq, method)),
    ]
    fields += list(headers)
    if length is None:
        length = len(body)
    fields.append((b"Content-Length", b"%d" % length))
    lines += [n + b": " + v for n, v in fields if n not in leave_out]
    return CRLF.join(lines) + CRLF + CRLF + body


def response(to, status=200, reason=b"OK", tag=b"uas", headers=(), contact=None):
    """The answer that a backend gives to a request it received."""
    lines = [b"SIP/2.0 %d %s" % (status, reason)]
    for line in to.lines:
        name = line.split(b":")[0].strip().lower()
        if name in (b"via", b"from", b"call-id", b"cseq", b"record-route"):
            lines.append(line)
        elif name == b"to":
            lines.append(line if b"tag=" in line else line + b";tag=" + tag)
    if contact:
        lines.append(b"Contact: " + contact)
    lines += [n + b": " + v for n, v in headers]
    return CRLF.join(lines + [b"Content-Length: 0"]) + CRLF + CRLF


class Received:
    def __init__(self, who, octets, source):
        self.who, self.octets, self.source = who, octets, source
        self.message = Message(octets)


class Peer:
    """Sockets of the callers' host and of every backend, and a node between them."""

    def __init__(self, lab, node):
        self.lab, self.node = lab, node
        self.vip = (lab.a.vip, 5060)
        self.caller = lab.udp_socket("call", lab.caller_address, 5060)
        self.caller2 = lab.udp_socket("call", lab.caller_address, 5099)
        self.backends = [lab.udp_socket(lab.backend_ns(i), address, 5060)
                         for i, address in enumerate(lab.backend_addresses)]
        self.sockets = {"caller": self.caller, "caller2": self.caller2}
        self.sockets.update(("b%d" % (i + 1), s) for i, s in enumerate(self.backends))

    def receive_all(self, quiet=QUIET):
        """Everything that arrives anywhere until it has been quiet for a while."""
        got = []
        while True:
            ready, _, _ = select.select(list(self.sockets.values()), [], [], quiet)
            if not ready:
                return got
            for name, s in self.sockets.items():
                if s in ready:
                    octets, source = s.recvfrom(65536)
                    got.append(Received(name, octets, source[:2]))

    def receive(self, *names):
        """The next datagram at one of these sockets (default: any)."""
        wanted = {s: n for n, s in self.sockets.items() if not names or n in names}
        ready, _, _ = select.select(list(wanted), [], [], PATIENCE)
        if not ready:
            raise Failure("nothing arrived at %s" % ", ".join(sorted(wanted.values())))
        octets, source = ready[0].recvfrom(65536)
        return Received(wanted[ready[0]], octets, source[:2])

    def at_backend(self):
        return self.receive(*[n for n in self.sockets if n.startswith("b")])

    def send(self, octets, sender="caller"):
        self.sockets[sender].sendto(octets, self.vip)

    def forward(self, octets, sender="caller"):
        """Send a request from outside and return it as a backend receives it."""
        self.send(octets, sender)
        return self.at_backend()

    def answered(self, octets, sender="caller"):
        """Send a request from outside and return the local answer; no backend may see it."""
        self.send(octets, sender)
        got = [self.receive()] + self.receive_all()
        expect([g.who for g in got] == [sender], "it arrived at %s\n%s" % (
            [g.who for g in got], "\n".join(str(g.message) for g in got)))
        return got[0].message

    def silent(self, octets, sender="caller"):
        """Send octets that nobody may see."""
        self.send(octets, sender)
        got = self.receive_all()
        expect(not got, lambda: "%s got\n%s" % (got[0].who, got[0].message))

    def dropped(self, before, number, reason=None):
        """State that this many more were dropped than the counters said before."""

        def grown():
            now = self.drops()
            if reason:
                return now[reason] - before[reason] >= number
            return sum(now.values()) - sum(before.values()) >= number

        wait_until("%d drops are counted" % number, grown)

    def drops(self):
        """Counters whose names end in a reason, summed over workers and services."""
        total = {}
        for name, value in self.node.counters().items():
            parts = name.split(".")
            if "drops" in parts or "parse_errors" in parts:
                total[parts[-1]] = total.get(parts[-1], 0) + value
        return total


class Setup:
    """The one lab of all packet tests of an address family, made when the first of them runs."""

    peer = None
    lab = None
    family = 4
    attempts = 0  # to start it that have failed in a row

    @classmethod
    def get(cls, family):
        if cls.peer is not None and not cls.peer.node.process.running:
            cls.close()  # it died in an earlier test, which has failed for it
        if cls.family != family:
            cls.close()
            cls.family = family
        if cls.peer is None:
            expect(cls.attempts < 3, "the node does not start, see the failures above")
            cls.attempts += 1
            try:
                cls.set_up()
            except BaseException:
                cls.close()
                raise
            cls.attempts = 0
        cls.peer.receive_all(quiet=0.02)
        return cls.peer

    @classmethod
    def set_up(cls):
        cls.lab = Lab("packets%d" % cls.family, cls.family)
        cls.lab.__enter__()
        node = Node(cls.lab)
        node.config["defaults"]["health_check"] = {"method": "none"}
        node.service["limits"] = {"reply_rate": "0/s"}
        node.write()
        node.start(wait_for_backends=False)
        cls.peer = Peer(cls.lab, node)
        # The first packets resolve neighbours.
        for _ in range(12):
            cls.peer.send(request())
        time.sleep(0.5)

    @classmethod
    def close(cls):
        if cls.lab is not None:
            cls.lab.close()
        cls.peer = cls.lab = None


def packet_test(function, family=4):
    """A test that gets the shared peer."""

    def test():
        function(Setup.get(family))

    test.__name__ = function.__name__
    test.__doc__ = function.__doc__
    test.module = function.__module__
    test.shares_lab = True
    return test


def ipv6_test(function):
    """The same with IPv6 addresses everywhere."""
    return packet_test(function, 6)


def internet_checksum(data):
    """RFC 1071."""
    data += b"\0" if len(data) % 2 else b""
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def pseudo_header(source, destination, protocol, length):
    """What the checksum of a transport covers besides it (RFC 768, RFC 8200 section 8.1)."""
    if ":" in source:
        return address6(source) + address6(destination) + struct.pack("!IHBB", length, 0, 0,
                                                                      protocol)
    return socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack(
        "!BBH", 0, protocol, length)


def udp_checksum(source, destination, datagram):
    """Of a UDP header and payload whose checksum field is zero."""
    return internet_checksum(
        pseudo_header(source, destination, 17, len(datagram)) + datagram) or 0xffff


def address6(text):
    return socket.inet_pton(socket.AF_INET6, text)


def udp_datagram(source, destination, sport, dport, payload):
    header = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0)
    checksum = udp_checksum(source, destination, header + payload)
    return struct.pack("!HHHH", sport, dport, 8 + len(payload), checksum) + payload


def ipv4_packet(source, destination, ident, offset, more, payload, protocol=17):
    """An IPv4 packet or fragment; the kernel fills in the header checksum."""
    flags = (0x2000 if more else 0) | (offset // 8)
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), ident, flags, 64, protocol, 0,
                       socket.inet_aton(source), socket.inet_aton(destination)) + payload


def ipv6_packet(source, destination, protocol, payload):
    return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + address6(
        source) + address6(destination) + payload


def ipv6_fragment(source, destination, ident, offset, more, payload):
    """A UDP fragment (RFC 8200 section 4.5)."""
    header = struct.pack("!BBHI", 17, 0, offset | (1 if more else 0), ident)
    return ipv6_packet(source, destination, 44, header + payload)
