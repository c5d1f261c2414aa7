# SPDX-License-Identifier: BSD-3-Clause
"""The edge of a carrier: fragments, NAT, both address families, keys that change."""

import os
import struct
import time
from types import SimpleNamespace

from lab import Lab, expect, run, wait_until
from peer import internet_checksum, ipv4_packet, udp_datagram
from sip import SCENARIOS, Answerer, Backends, Caller
from sipshunt import Node
from test_calls import balanced, calls_complete
from test_dialogs import Sniffer
from test_trust import Forger, callout


def four_kilobyte_invites_complete_through_two_workers():
    """An INVITE in three fragments is ordinary carrier traffic."""
    with Lab("fragments") as lab:
        with open(os.path.join(SCENARIOS, "call.xml")) as f:
            text = f.read()
        line = "      a=candidate:%d 1 UDP 2130706431 198.51.100.10 20000 typ host\n"
        big = text.replace("      a=rtpmap:0 PCMU/8000\n",
                           "      a=rtpmap:0 PCMU/8000\n"
                           + "".join(line % i for i in range(60)), 1)
        expect(len(big) > len(text) + 3800, "the INVITE did not grow")
        with open(os.path.join(lab.dir, "big.xml"), "w") as f:
            f.write(big)
        calls_complete(lab, scenario=os.path.join(lab.dir, "big"), workers="0,1",
                       driver="net_tap")


def ipv4_callers_reach_ipv6_backends():
    with Lab("4to6", family=4, inside_family=6) as lab:
        calls_complete(lab)


def ipv6_callers_reach_ipv4_backends():
    with Lab("6to4", family=6, inside_family=4) as lab:
        calls_complete(lab, scenario="callback", answer="answer-callback")


def nat_router(lab):
    """A home behind the callers' network: nft masquerades it, as a customer's router does."""
    lab.namespace("nat")
    lab.namespace("home")
    lab.cable("call", "nat0", "nat", "wan")
    run("ip", "link", "add", "lan", "netns", "nat", "type", "veth", "peer", "name", "eth0",
        "netns", "home")
    for ns, port in (("nat", "lan"), ("home", "eth0")):
        run("ethtool", "-K", port, "tx", "off", ns=ns)
        run("ip", "-n", ns, "link", "set", port, "up")
    run("ip", "-n", "nat", "addr", "add", lab.a.outside % 20 + "/24", "dev", "wan")
    run("ip", "-n", "nat", "addr", "add", "192.168.77.1/24", "dev", "lan")
    run("ip", "-n", "nat", "route", "add", "default", "via", lab.lb_outside())
    run("ip", "-n", "home", "addr", "add", "192.168.77.5/24", "dev", "eth0")
    run("ip", "-n", "home", "route", "add", "default", "via", "192.168.77.1")
    run("sysctl", "-qw", "net.ipv4.ip_forward=1", ns="nat")
    run("nft", "-f", "-", ns="nat", stdin="""
        table ip nat {
            chain out {
                type nat hook postrouting priority srcnat;
                oifname "wan" masquerade random
            }
        }""")


def a_registered_client_behind_nat_is_called():
    """Kamailio is the registrar with path; the way to the client is in the Path token."""
    with Lab("nat") as lab:
        backends = Backends(lab)
        nat_router(lab)
        node = Node(lab)
        node.service["affinity"] = "registration"
        node.service["hash"] = {"key": "to-aor", "register_key": "to-aor"}
        node.write()
        node.start()
        client = Caller(lab, "client", "registered", calls=1, service="bob", domain="example.com",
                        ns="home", address="192.168.77.5",
                        extra=["-oocsf", os.path.join(SCENARIOS, "answer.xml")])
        wait_until("the client is registered",
                   lambda: node.json("registration", "list")["registrations"])
        row, = node.json("registration", "list")["registrations"]
        expect(row["flow"].startswith(lab.a.outside % 20), "the flow is %s" % row["flow"])
        expect(not row["flow"].endswith(":5060"), "the router kept the port: no proof")
        caller = Caller(lab, "caller", calls=20, rate=10, service="bob", domain="example.com")
        result = caller.all_completed()
        seen = backends.each_call_at_one(result.started)
        expect(set.union(*seen.values()) == {row["backend"]},
               "calls went to %s, the registration is at %s" % (
                   set.union(*seen.values()), row["backend"]))
        expect(client.running, "the client has ended")


def calls_go_on_while_the_cluster_key_is_replaced():
    with Lab("rotation") as lab:
        backends = Backends(lab)
        node = Node(lab).start()
        Answerer(lab)
        caller = Caller(lab, "caller", calls=600, rate=100, pause_ms=1000)
        keys = node.config["cluster_keys"]
        time.sleep(1)
        # First every node knows the new key, then it signs, then the old one goes.
        keys["keys"].append({"id": "b", "file": node.new_key("b")})
        node.write()
        node.reload()
        time.sleep(1)
        keys["primary"] = "b"
        node.write()
        node.reload()
        result = caller.all_completed()
        keys["keys"].pop(0)
        node.write()
        node.reload()
        more = Caller(lab, "more", calls=100, rate=100).all_completed()
        backends.each_call_at_one(result.started)
        backends.each_call_at_one(more.started)


def forged_backends_on_the_callers_side_change_nothing():
    """Calls complete and backends stay up while somebody writes their addresses into his packets."""
    victim = "198.51.100.66"
    with Lab("forged") as lab:
        backends = Backends(lab)
        node = Node(lab).start()
        Answerer(lab)
        forger, sniffer = Forger(SimpleNamespace(lab=lab)), Sniffer(lab, ["call"])
        caller = Caller(lab, "caller", calls=300, rate=60, pause_ms=500)
        while caller.running:
            for address in lab.backend_addresses:
                forger.send(callout(victim.encode()), address)
                forger.send(port_unreachable(lab.a.vip, address), victim, protocol=1)
            time.sleep(0.02)
        result = caller.all_completed()
        backends.each_call_at_one(result.started)
        expect(set(node.health().values()) == {"up"}, "health: %s" % node.health())
        expect(victim not in sniffer.destinations(), "a forged request was relayed")
        dropped = sum(n for name, n in node.counters().items()
                      if name.endswith(".drops.spoofed-backend"))
        expect(dropped > 50, "only %d were counted" % dropped)


def port_unreachable(vip, backend):
    """What a host says to a probe or a call that we sent to a closed port (RFC 792)."""
    quoted = ipv4_packet(vip, backend, 1, 0, False, udp_datagram(vip, backend, 5060, 5060, b""))
    message = struct.pack("!BBHI", 3, 3, 0, 0) + quoted
    return message[:2] + struct.pack("!H", internet_checksum(message)) + message[4:]


def icmp_port_unreachable_is_evidence_before_the_next_probe():
    with Lab("icmp") as lab:
        backends = Backends(lab)
        node = Node(lab)
        node.config["defaults"]["health_check"].update(interval="10s", timeout="1s", rise=1, fall=3)
        node.write()
        node.start()
        Answerer(lab)
        caller = Caller(lab, "caller", calls=400, rate=80, recv_timeout_ms=8000)
        time.sleep(1)
        backends[1].kill()
        start = time.monotonic()
        node.wait_for_health({"b2": "down"})
        took = time.monotonic() - start
        expect(took < 15, "it took %.1f s; probes alone take 20 s or more" % took)
        caller.wait()


def a_backend_of_half_the_weight_gets_half_the_calls():
    with Lab("weights", backends=2) as lab:
        backends = Backends(lab)
        node = Node(lab)
        for b, weight in zip(node.service["backends"], (200, 100)):
            b["weight"] = weight
        node.write()
        node.start()
        Answerer(lab, "answer-single")
        result = Caller(lab, "caller", "options", calls=900, rate=300).all_completed()
        shares = backends.shares(result.started)
        balanced({"b1/2": shares["b1"] / 2 * 1.5, "b2": shares["b2"] * 1.5}, 900)
