# SPDX-License-Identifier: BSD-3-Clause
"""What needs more than one worker: parts of one datagram that the device gives to several."""

import itertools
import json
import random
import socket
import struct
import time

from lab import Lab, expect, run, wait_until
from peer import PATIENCE, Message, request, udp_datagram
from sipshunt import Node

DATAGRAMS = 200


class Wire:
    """Ethernet frames into one of the veths that lead to a queue of the port."""

    def __init__(self, lab, interface, destination):
        self.lab = lab
        with lab.inside("call"):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            self.socket.bind((interface, 0))
        lab.closers.append(self.socket.close)
        self.ether = destination + self.socket.getsockname()[4] + b"\x08\x00"

    def send(self, ident, offset, more, payload):
        """A part of a UDP datagram to the VIP. No kernel fills in the checksum here."""
        addresses = socket.inet_aton(self.lab.caller_address) + socket.inet_aton(self.lab.a.vip)
        fields = [0x45, 0, 20 + len(payload), ident, (0x2000 if more else 0) | offset // 8, 64, 17]
        header = struct.pack("!BBHHHBBH", *fields, 0) + addresses
        total = sum(struct.unpack("!10H", header))
        total = (total & 0xffff) + (total >> 16)
        header = struct.pack("!BBHHHBBH", *fields, ~(total + (total >> 16)) & 0xffff) + addresses
        self.socket.send(self.ether + header + payload)


def two_queues_on_two_wires(lab):
    """One port with two queues, each of them a veth of its own: what comes in on the first is
    worker 0's, on the second worker 1's. Both send through the first."""
    lab.cable("call", "second", lab.lb_ns(), "out1", bridged=False)
    node = Node(lab, workers="0,1", driver="net_pcap")
    port, = node.config["dataplane"]["ports"]
    port["device"] = "net_pcap0,rx_iface_in=out0,tx_iface=out0,rx_iface_in=out1,tx_iface=out0"
    node.config["defaults"]["health_check"] = {"method": "none"}
    node.interfaces = ["out0", "out1"]
    node.hide_ports_from_kernel()
    node.write()
    return node.start(wait_for_backends=False)


def ethernet_address(lab, address):
    """Of a neighbour of the callers' host, after something was sent to it."""
    row, = json.loads(run("ip", "-n", "call", "-j", "neigh", "show", address).stdout)
    return bytes.fromhex(row["lladdr"].replace(":", ""))


class Backends:
    def __init__(self, lab):
        self.sockets = [lab.udp_socket(lab.backend_ns(i), address, 5060)
                        for i, address in enumerate(lab.backend_addresses)]
        for s in self.sockets:
            s.setblocking(False)

    def take(self):
        """The messages that are there, each with the number of its backend."""
        got = []
        for i, s in enumerate(self.sockets):
            try:
                while True:
                    got.append((i, s.recv(65536)))
            except BlockingIOError:
                pass
        return got

    def next(self, what):
        got = []
        wait_until(what, lambda: got.extend(self.take()) or got, PATIENCE)
        (_, message), = got
        return message


def total(node, field):
    return sum(node.counters()["workers.%d.%s" % (w, field)] for w in (0, 1))


def fragments_that_come_to_different_workers_meet():
    """4 kB INVITEs, the first part at one worker, the second at the other: all arrive."""
    with Lab("workers", one_port=True) as lab:
        node = two_queues_on_two_wires(lab)
        backends = Backends(lab)
        caller = lab.udp_socket("call", lab.caller_address, 5060)
        # Neighbours first: of the caller, and of each backend.
        reached = set()

        def all_reached():
            caller.sendto(request(), (lab.a.vip, 5060))
            reached.update(i for i, _ in backends.take())
            return len(reached) == len(backends.sockets)

        wait_until("every backend is reached", all_reached, 60)
        time.sleep(0.5)
        backends.take()
        port = ethernet_address(lab, lab.lb_outside())
        wires = [Wire(lab, "br0", port), Wire(lab, "second", port)]
        before = {f: total(node, f) for f in ("fragments", "fragments_passed", "reassembled")}

        for i in range(DATAGRAMS):
            body = b"%d:" % i + random.Random(i).randbytes(3600)
            datagram = udp_datagram(lab.caller_address, lab.a.vip, 5060, 5060,
                                    request(b"INVITE", body=body))
            parts = list(itertools.pairwise([0, 1400, 2800, len(datagram)]))
            first = i % 2
            for k, (a, b) in enumerate(parts):
                wires[(first + k) % 2].send(1 + i, a, b < len(datagram), datagram[a:b])
            got = backends.next("datagram %d arrives" % i)
            expect(Message(got).body == body, "datagram %d has another body" % i)

        grown = {f: total(node, f) - n for f, n in before.items()}
        expect(grown["reassembled"] == DATAGRAMS and grown["fragments"] == 3 * DATAGRAMS,
               "counted: %s" % grown)
        # Of three parts, one or two came to the worker that the datagram is not for.
        expect(DATAGRAMS <= grown["fragments_passed"] <= 2 * DATAGRAMS, "counted: %s" % grown)
        for w in (0, 1):
            expect(node.counters()["workers.%d.reassembled" % w] > 0, "worker %d had none" % w)
