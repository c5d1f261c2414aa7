# SPDX-License-Identifier: BSD-3-Clause
"""Policies and change, with plain sockets for callers and backends, so that every message counts."""

import os
import socket
import struct
import threading
import time

from lab import Lab, expect, run
from peer import Peer, request
from sandbox import MS_BIND, mount
from sipshunt import Node
from test_calls import calls_complete


def a_challenged_call_stays_at_one_backend():
    """407, then the same Call-ID with credentials."""
    with Lab("challenge") as lab:
        calls_complete(lab, scenario="challenged", answer="answer-challenge")


def quiet_node(lab, index=0, **service):
    """A node without health checks: nothing moves on its own."""
    node = Node(lab, index)
    node.config["defaults"]["health_check"] = {"method": "none"}
    node.service.update(service)
    node.write()
    return node.start(wait_for_backends=False)


def ready_peer(lab, node):
    peer = Peer(lab, node)
    for _ in range(12):
        peer.send(request())
    time.sleep(1)
    peer.receive_all(quiet=0.1)
    return peer


def cancel_and_ack_follow_their_invite_through_a_change_at_another_node():
    """The INVITE through node A; the table changes; CANCEL and ACK through node B."""
    with Lab("change", nodes=2) as lab:
        nodes = [quiet_node(lab, 0), quiet_node(lab, 1)]
        peer = ready_peer(lab, nodes[0])
        calls = [{"call_id": b"change-%d@x" % i, "branch": b"z9hG4bKchange%d" % i}
                 for i in range(40)]
        went = [peer.forward(request(b"INVITE", **c)) for c in calls]
        for node in nodes:
            node.service["backends"][0]["weight"] = 10
            node.write()
            node.reload()
        lab.route_vip(1)
        moved = 0
        for call, invite in zip(calls, went):
            moved += nodes[1].where(call["call_id"].decode()) != invite.who
            for other in (peer.forward(request(b"CANCEL", **call)),
                          peer.forward(request(b"ACK", to_tag=b"x", **call))):
                expect(other.who == invite.who, "INVITE at %s, then %s at %s" % (
                    invite.who, other.message.start, other.who))
                expect(other.message.branch() == invite.message.branch(), "another branch")
        expect(moved >= 3, "the change moved %d of 40 calls: no proof" % moved)


def a_denied_network_and_a_fast_source_are_dropped_and_counted():
    with Lab("limits") as lab:
        node = quiet_node(lab)
        peer = ready_peer(lab, node)
        before = peer.drops()
        node.service["listen"][0]["acl"] = {"deny": ["198.51.100.10/32"]}
        node.write()
        node.reload()
        peer.silent(request())
        peer.dropped(before, 1, "acl")

        del node.service["listen"][0]["acl"]
        node.service["limits"] = {"source_rate": "20/s"}
        node.write()
        node.reload()
        before = peer.drops()
        for _ in range(200):
            peer.send(request())
        peer.dropped(before, 100, "rate-source")
        got = peer.receive_all()
        expect(got, "nothing passed")


def trace_shows_the_messages_of_one_call_and_where_they_go():
    with Lab("trace") as lab:
        node = quiet_node(lab)
        peer = ready_peer(lab, node)
        pcap = os.path.join(node.dir, "trace.pcapng")
        outcome = {}

        def trace():
            outcome["done"] = node.command("trace", "--call-id", "traced*", "--limit", "2",
                                           "--timeout", "60s", "--pcap", pcap, check=False)

        thread = threading.Thread(target=trace)
        thread.start()
        number = 0
        while thread.is_alive():
            number += 1
            expect(number < 600, "the trace saw nothing")
            peer.send(request(b"MESSAGE", call_id=b"traced-%d@x" % number))
            peer.send(request(b"MESSAGE", call_id=b"other-%d@x" % number))
            time.sleep(0.1)
        thread.join()
        done = outcome["done"]
        expect(done.returncode in (0, 4), "trace exits with %d: %s" % (
            done.returncode, done.stderr))
        with open(pcap, "rb") as f:
            octets = f.read()
        expect(b"traced-" in octets and b"other-" not in octets, "not the traced call alone")
        expect(b"table" in octets, "the rule is not in the comments")


def name_server(lab, answers):
    """A DNS server on the node's loopback: A records of these names, nothing else."""
    with lab.inside("lb"):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(("127.0.0.1", 53))
    lab.closers.append(s.close)

    def serve():
        while True:
            try:
                query, source = s.recvfrom(512)
            except OSError:
                return
            end = query.index(b"\0", 12) + 5
            name, kind = query[12:end - 4], struct.unpack("!H", query[end - 4:end - 2])[0]
            labels = []
            while name[0]:
                labels.append(name[1:1 + name[0]])
                name = name[1 + name[0]:]
            address = answers.get(b".".join(labels).lower().decode())
            found = address is not None and kind == 1
            flags = 0x8180 if address else 0x8183
            reply = query[:2] + struct.pack("!HHHHH", flags, 1, int(found), 0, 0) + query[12:end]
            if found:
                reply += b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 30, 4) + socket.inet_aton(address)
            s.sendto(reply, source)

    threading.Thread(target=serve, daemon=True).start()


def a_backend_reaches_a_host_by_its_name():
    """The Request-URI of a backend's request is a name; control asks, no worker waits."""
    with Lab("names") as lab:
        resolv = os.path.join(lab.dir, "resolv.conf")
        with open(resolv, "w") as f:
            f.write("nameserver 127.0.0.1\n")
        mount(resolv, os.path.realpath("/etc/resolv.conf"), None, MS_BIND)
        lab.closers.append(lambda: run("umount", os.path.realpath("/etc/resolv.conf")))
        name_server(lab, {"client.example.test": lab.caller_address})
        peer = ready_peer(lab, quiet_node(lab))
        via = b"SIP/2.0/UDP 10.20.1.101:5060;branch=z9hG4bKname1"
        peer.send(request(b"MESSAGE", uri=b"sip:bob@client.example.test", via=via), "b1")
        got = peer.receive("caller")
        expect(got.source == peer.vip, "it came from %s" % (got.source,))
