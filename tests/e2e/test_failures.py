# SPDX-License-Identifier: BSD-3-Clause
"""What breaks, and what must go on: backends, the control process, Redis, the callers' sanity."""

import os
import random
import signal
import time

from lab import Lab, Stopwatch, expect, run, wait_until
from runner import alone
from sip import Answerer, Backends, Caller, Redis
from sipshunt import Node


def one_call_ids(seen):
    """Call-ID -> the one backend that saw it."""
    return {call_id: next(iter(names)) for call_id, names in seen.items()}


def outage(lab, take_away, bring_back):
    """b2 goes away under load and returns; who is hurt, who moves, and who moves back.

    Three rounds with the same Call-IDs, CSeq numbers apart, show where each call goes before,
    during and after; a steady load beside them shows which calls are lost.
    """
    backends = Backends(lab)
    node = Node(lab).start()
    Answerer(lab)

    def round_of(name, base_cseq):
        # The CSeq number of a round is its own: no retransmission of an earlier round.
        mark = {b.name: len(b.messages()) for b in backends}
        caller = Caller(lab, name, calls=240, rate=80, port=5062, call_id="same-%u",
                        extra=["-base_cseq", base_cseq])
        started = caller.all_completed().started
        went = {}
        for b in backends:
            for call_id, _, _ in b.messages()[mark[b.name]:]:
                if call_id in started:
                    expect(went.setdefault(call_id, b.name) == b.name,
                           "%s was at %s and %s in round %s" % (
                               call_id, went[call_id], b.name, name))
        expect(len(went) == 240, "%d of 240 calls of round %s were seen" % (len(went), name))
        return went

    before = round_of("before", 1)
    load = Caller(lab, "load", calls=1500, rate=75, port=5061, pause_ms=400,
                  recv_timeout_ms=8000)
    time.sleep(3)
    gone_at = time.time()
    watch = Stopwatch()
    take_away(backends[1])
    node.wait_for_health({"b2": "down"})
    noticed = watch.seconds
    print("      taken as down after %.2f s" % noticed)
    expect(noticed < watch.limit(Node.DETECTION + 0.3),  # 0.3: until this process sees it
           "b2 was taken as down after %.1f s" % noticed)
    hurt_before = watch.limit(1.5)  # how long a call takes that loses nothing
    during = round_of("during", 101)
    bring_back(backends[1])
    node.wait_for_health({"b2": "up"})
    after = round_of("after", 201)
    result = load.wait()

    for call_id, name in before.items():
        if name == "b2":
            expect(during[call_id] != "b2", "%s went to the dead b2" % call_id)
        else:
            expect(during[call_id] == name, "%s moved from %s to %s for no reason" % (
                call_id, name, during[call_id]))
        expect(after[call_id] == name, "%s went to %s before and to %s after" % (
            call_id, name, after[call_id]))
    heirs = {during[c] for c, name in before.items() if name == "b2"}
    expect(heirs == {"b1", "b3"}, "the calls of b2 all went to %s" % sorted(heirs))

    begun = {}
    for when, direction, call_id, _, line in load.sent_and_received():
        if direction == "S" and line.startswith("INVITE"):
            begun.setdefault(call_id, float(when))
    seen = backends.seen_by(result.started)
    for call_id in result.lost:
        at = begun[call_id] - gone_at
        expect(not seen[call_id] or "b2" in seen[call_id],
               "%s was at %s and is lost" % (call_id, sorted(seen[call_id])))
        expect(-hurt_before < at < noticed + 1.0, "%s, begun %+.1f s, is lost" % (call_id, at))
    return len(result.lost)


@alone
def a_killed_backend_loses_only_its_own_calls_and_gets_its_share_back():
    """kill -9: its host answers with ICMP port unreachable from then on."""
    with Lab("killed") as lab:
        outage(lab, lambda b: b.kill(), lambda b: b.start())


@alone
def a_silent_backend_loses_only_its_own_calls_and_gets_its_share_back():
    """Its cable is pulled: no answer of any kind."""

    def cable(state):
        return lambda b: run("ip", "-n", lab.answer_ns, "link", "set", "b%d" % b.index, state)

    with Lab("silent") as lab:
        outage(lab, cable("down"), cable("up"))


def calls_go_on_when_control_is_killed_and_it_takes_over_again():
    with Lab("control") as lab:
        backends = Backends(lab)
        node = Node(lab).start()
        Answerer(lab)
        caller = Caller(lab, "caller", calls=900, rate=90)
        time.sleep(2)
        old = node.pids("sipshunt-control")
        expect(len(old) == 1, "there are %d control processes" % len(old))
        dataplane = node.pids("sipshunt-dataplane")
        os.kill(old[0], signal.SIGKILL)

        def new_control():
            now = node.pids("sipshunt-control")
            return now and now != old and node.command("status", check=False).returncode == 0

        wait_until("a new control process answers", new_control)
        node.wait_for_health({"b1": "up", "b2": "up", "b3": "up"})
        expect(node.pids("sipshunt-dataplane") == dataplane, "the dataplane was restarted")
        # The newcomer must not only read: it takes a reload and an operator's word.
        node.reload()
        node.command("backend", "set", "access/b2", "drain", "--reason", "test")
        result = caller.all_completed()
        backends.each_call_at_one(result.started)


def calls_go_on_when_redis_is_killed_and_status_says_stale():
    with Lab("redis") as lab:
        backends = Backends(lab)
        redis = Redis(lab)
        node = Node(lab, redis=redis).start()
        Answerer(lab)
        wait_until("Redis is up for status", lambda: redis_state(node) == "connected")
        caller = Caller(lab, "caller", calls=800, rate=80)
        time.sleep(1)
        redis.kill()
        wait_until("status says stale", lambda: redis_state(node) == "stale")
        expect("stale" in node.command("status").stdout.lower(), "status for people does not say stale")
        redis.start()
        wait_until("Redis is up for status again", lambda: redis_state(node) == "connected")
        result = caller.all_completed()
        backends.each_call_at_one(result.started)


def redis_state(node):
    return node.json("status")["redis"]["state"]


def truncated(message, rng):
    return message[: rng.randrange(1, len(message))]


def garbage(rng):
    """Datagrams that no SIP program sends, 64 KB of Via lines among them."""
    request = (b"INVITE sip:x@203.0.113.5 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.10:5999;"
               b"branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n"
               b"Call-ID: garbage\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n\r\n")
    via = b"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
    for _ in range(1500):
        yield rng.randbytes(rng.randrange(0, 1400))
    for _ in range(1500):
        yield truncated(request[:-2], rng)
    for _ in range(300):
        cut = bytearray(request)
        for _ in range(rng.randrange(1, 20)):
            cut[rng.randrange(len(cut))] = rng.randrange(256)
        # Never a well-formed new call by chance: the Call-ID is gone.
        yield bytes(cut).replace(b"Call-ID", b"C@ll-ID")
    for _ in range(20):
        yield (b"INVITE sip:x@203.0.113.5 SIP/2.0\r\n" + via * 1600)[:65000]
        yield (b"INVITE sip:x@203.0.113.5 SIP/2.0\r\n" + via * 260)[:11000]
        yield b"\0" * 9000


def garbage_is_dropped_and_counted_while_calls_go_on():
    """Random octets, truncated messages, 64 KB of Via lines: no growth of memory or mbufs."""
    with Lab("garbage") as lab:
        backends = Backends(lab)
        node = Node(lab).start()
        Answerer(lab)
        rng = random.Random(5060)
        s = lab.udp_socket("call", lab.caller_address, 5999)

        def storm():
            for i, datagram in enumerate(garbage(rng)):
                s.sendto(datagram, (lab.a.vip, 5060))
                if i % 20 == 0:
                    time.sleep(0.005)

        storm()
        time.sleep(3)
        first, mbufs = node.counters(), node.mbufs_in_use()
        memory = {p: node.memory_kib(p) for p in ("sipshunt-dataplane", "sipshunt-control")}
        caller = Caller(lab, "caller", calls=500, rate=100)
        for _ in range(3):
            storm()
        backends.each_call_at_one(caller.all_completed().started)
        time.sleep(3)
        last = node.counters()

        grown = {k: last[k] - first.get(k, 0) for k in last
                 if ("drops." in k or "parse_errors." in k) and last[k] > first.get(k, 0)}
        expect(sum(grown.values()) >= 3 * 3000, "too few drops were counted: %s" % grown)
        expect(len(grown) >= 3, "the reasons of the drops are not told apart: %s" % grown)
        now = node.mbufs_in_use()
        expect(now <= mbufs + 512, "mbufs in use grew from %d to %d" % (mbufs, now))
        for name, kib in memory.items():
            now = node.memory_kib(name)
            expect(now <= kib + 4096, "%s grew from %d to %d KiB" % (name, kib, now))
        garbage_seen = [c for b in backends for c in b.call_ids() if c == "garbage"]
        expect(not garbage_seen, "a backend saw a broken message")
