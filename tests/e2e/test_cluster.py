# SPDX-License-Identifier: BSD-3-Clause
"""Two nodes that share what they know through one Redis, which may be gone."""

import json
import os

from lab import Lab, expect, run, wait_until
from sip import Backends, Caller, Redis
from sipshunt import Node


def _two_nodes(lab, redis, change=None):
    nodes = []
    for index in (0, 1):
        node = Node(lab, index, redis=redis)
        if change:
            change(node.config)
            node.write()
        nodes.append(node.start())
    return nodes


def _registrations(node):
    done = node.command("--json", "registration", "list", check=False)
    if done.returncode != 0:
        return {}
    return {row["aor"]: row for row in json.loads(done.stdout)["registrations"]}


def _admin(node, backend):
    done = node.command("--json", "backend", "list", check=False)
    if done.returncode != 0:  # it is only starting
        return None
    return {b["name"]: b["admin"] for b in json.loads(done.stdout)["backends"]}[backend]


def an_operators_wish_reaches_all_nodes_and_one_that_comes_later():
    with Lab("override", nodes=2) as lab:
        Backends(lab)
        a, b = _two_nodes(lab, Redis(lab))
        a.command("backend", "set", "access/b2", "drain", "--reason", "disk swap")
        wait_until("B drains b2", lambda: _admin(b, "b2") == "drain", 3)
        expect(b.backends()["b2"]["reason"] == "disk swap", "B does not know why")
        b.stop()
        state = os.path.join(b.dir, "state.json")
        if os.path.exists(state):
            os.unlink(state)
        b.start(wait_for_backends=False)
        wait_until("B learns it from Redis", lambda: _admin(b, "b2") == "drain", 15)
        b.command("backend", "set", "access/b2", "ready")
        wait_until("A gives b2 calls again", lambda: _admin(a, "b2") == "ready", 3)
        wait_until("the nodes agree on everything", lambda: all(
            n["agrees"] and n["state"] == "alive" for n in a.json("node", "list")["nodes"]), 10)


def a_registration_of_one_node_places_requests_on_the_other():
    """Also without Redis, and after Redis came back empty, and after kill -9 of control."""
    def by_registration(config):
        config["services"][0]["affinity"] = "registration"

    with Lab("affinity", nodes=2) as lab:
        backends, redis = Backends(lab), Redis(lab)
        a, b = _two_nodes(lab, redis, by_registration)
        Caller(lab, "register", "register", calls=40, rate=40, service="user",
               domain="example.com", extra=["-key", "expires", "120"]).all_completed()
        wait_until("B lists 40 bindings", lambda: len(_registrations(b)) == 40, 3)
        holder = {aor: row["backend"] for aor, row in _registrations(b).items()}
        wait_until("B's dataplane has them", lambda: b.json(
            "status")["dataplane"]["bindings"] == 40, 5)
        lab.route_vip(1)
        # Where they arrive counts; the backends need not know what to do with them.
        Caller(lab, "message", "message-each", calls=40, rate=40, service="user",
               domain="example.com")
        calls = {"message-%d" % i: holder["sip:user%d@example.com" % i] for i in range(1, 41)}
        wait_until("all messages arrived", lambda: all(backends.seen_by(calls).values()), 5)
        for call_id, names in backends.seen_by(calls).items():
            expect(names == {calls[call_id]}, "%s is held by %s, but went to %s" % (
                call_id, calls[call_id], sorted(names)))

        redis.kill()
        wait_until("B says stale", lambda: b.json("status")["redis"]["state"] == "stale", 10)
        expect(len(_registrations(b)) == 40, "B forgot bindings with Redis")
        expect(all(row["stale"] for row in _registrations(b).values()), "not marked stale")
        Caller(lab, "late", "register", calls=10, rate=40, service="late",
               domain="example.com", extra=["-key", "expires", "120"]).all_completed()
        redis.start()
        for node in (a, b):
            wait_until("%s lists 50 bindings" % node.name,
                       lambda: len(_registrations(node)) == 50, 15)
        wait_until("Redis has them all again", lambda: len(
            redis.cli("--scan", "--pattern", "*:reg:*").split()) == 50, 10)

        run("kill", "-9", b.pids("sipshunt-control")[0])
        wait_until("the next control lists 50 bindings",
                   lambda: len(_registrations(b)) == 50, 20)
        wait_until("and its dataplane has them", lambda: b.json(
            "status")["dataplane"]["bindings"] == 50, 5)


def health_checks_are_shared_out_and_survive_redis():
    def owner_one(config):
        config["defaults"]["health_check"]["owner"] = "one"

    with Lab("quorum", nodes=2) as lab:
        backends, redis = Backends(lab), Redis(lab)
        nodes = _two_nodes(lab, redis, owner_one)
        for node in nodes:
            wait_until("the cluster's verdict on %s" % node.name, lambda: all(
                row["verdict"] == "up" for row in node.backends().values()), 10)
        backends[1].kill()
        for node in nodes:
            node.wait_for_health({"b1": "up", "b2": "down", "b3": "up"})
        redis.kill()
        for node in nodes:
            wait_until("the other node is unknown", lambda: [
                n["state"] for n in node.json("node", "list")["nodes"]] == ["alive", "unknown"], 15)
            node.wait_for_health({"b1": "up", "b2": "down", "b3": "up"})
