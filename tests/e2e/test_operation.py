# SPDX-License-Identifier: BSD-3-Clause
"""What an operator does: start, reload, drain, several nodes, mistakes."""

import shutil
import signal
import subprocess
import time

from lab import Lab, Skip, Stopwatch, expect, run, wait_until
from runner import alone
from sip import Answerer, Backends, Caller, Redis
from sipshunt import Node, program, yaml
from test_calls import balanced


@alone
def a_hundred_reloads_in_a_row_lose_and_misroute_nothing():
    """Weights change, a fourth backend comes and goes, all under load."""
    with Lab("reloads", backends=4) as lab:
        backends = Backends(lab)
        node = Node(lab)
        fourth = node.service["backends"].pop()
        fourth["health_check"] = {"method": "none"}  # gets calls the moment it is in the file
        node.start()
        Answerer(lab)
        caller = Caller(lab, "caller", calls=1300, rate=100)
        time.sleep(1)
        watch = Stopwatch()
        for i in range(100):
            members = node.service["backends"]
            for j, b in enumerate(members[:3]):
                b["weight"] = 60 + (i * 37 + j * 53) % 80
            if i % 10 == 3:
                members.append(dict(fourth))
            elif i % 10 == 8:
                members.pop()
            node.write()
            if i % 2:
                node.reload()
            else:
                generation = node.json("status")["dataplane"]["generation"]
                run("kill", "-HUP", node.pids("sipshunt-control")[0])
                wait_until("SIGHUP made a new generation", lambda: node.json(
                    "status")["dataplane"]["generation"] > generation)
            time.sleep(max(0.0, 0.095 * (i + 1) - watch.seconds))
        took, limit = watch.seconds, watch.limit(10)
        print("      100 reloads took %.1f s" % took)
        result = caller.all_completed()
        backends.each_call_at_one(result.started)
        expect(took < limit, "100 reloads took %.1f s" % took)


def an_invalid_file_is_refused_at_start_with_every_error():
    with Lab("badstart") as lab:
        node = Node(lab)
        broken = node.copy_of_config()
        broken["defaults"]["health_check"]["interval"] = "5"
        broken["services"][0]["backends"][2]["name"] = "b2"
        broken["services"][0]["backends"][0]["wieght"] = 3
        node.write(yaml(broken) + "\n")
        for words in (["check", node.config_path], ["run", "-c", node.config_path]):
            done = run(program("sipshunt"), *words, ns="lb", check=False)
            expect(done.returncode == 1, "%s exits with %d" % (words[0], done.returncode))
            for fact in ("sipshunt.yaml:", "interval", "b2", "wieght"):
                expect(fact in done.stderr, "%s does not say %s:\n%s" % (
                    words[0], fact, done.stderr))


def an_invalid_file_is_refused_at_reload_and_the_running_state_stays():
    with Lab("badreload") as lab:
        backends = Backends(lab)
        node = Node(lab).start()
        Answerer(lab)
        caller = Caller(lab, "caller", calls=400, rate=100)
        table = node.json("status")["services"][0]["table_hash"]
        for text in ("", "schema: 1\n", "{{{", yaml(node.config).replace('"10.20.1.102"', '"x"')):
            node.write(text)
            done = node.reload(check=False)
            expect(done.returncode == 1, "reload of %r exits with %d" % (
                text[:20], done.returncode))
            expect("sipshunt.yaml" in done.stderr, "no file name in: " + done.stderr)
        status = node.json("status")
        expect(status["services"][0]["table_hash"] == table, "the table changed")
        expect(status["config"]["last_reload"]["success"] is False, "status says all is well")
        expect(set(node.backends()) == {"b1", "b2", "b3"}, "backends changed")
        node.write()
        node.reload()
        backends.each_call_at_one(caller.all_completed().started)


def a_drained_backend_keeps_its_calls_and_gets_no_new_ones():
    with Lab("drain") as lab:
        backends = Backends(lab)
        node = Node(lab).start()
        Answerer(lab)
        caller = Caller(lab, "caller", calls=500, rate=100, pause_ms=1000)
        time.sleep(1.5)
        node.command("backend", "set", "access/b2", "drain", "--reason", "e2e")
        time.sleep(2)
        old = backends[1].call_ids("INVITE")
        result = caller.all_completed()
        backends.each_call_at_one(result.started)
        new = backends[1].call_ids("INVITE") - old
        expect(not new, "%d new calls at the drained b2" % len(new))
        listed = node.backends()["b2"]
        expect((listed["admin"], listed["reason"]) == ("drain", "e2e"), "list says %s" % listed)
        node.reload()
        expect(node.backends()["b2"]["admin"] == "drain", "a reload undid the operator")
        node.command("backend", "set", "access/b2", "ready")
        more = Caller(lab, "more", calls=150, rate=100).all_completed()
        balanced(backends.shares(more.started), 150)


def where_says_the_backend_that_the_call_then_goes_to():
    with Lab("where") as lab:
        backends = Backends(lab)
        node = Node(lab).start()
        Answerer(lab, "answer-single")
        said = {"where-%d" % i: node.where("where-%d" % i) for i in range(1, 31)}
        result = Caller(lab, "caller", "options", calls=30, rate=100,
                        call_id="where-%u").all_completed()
        for call_id, names in backends.each_call_at_one(result.started).items():
            expect(names == {said[call_id]}, "%s went to %s, where said %s" % (
                call_id, names, said[call_id]))


@alone
def a_registration_of_one_node_is_listed_on_the_other_and_expires():
    """Two nodes, one Redis: listed in under a second, gone when its time is over."""
    with Lab("cluster", nodes=2) as lab:
        Backends(lab)
        redis = Redis(lab)
        a = Node(lab, 0, redis=redis).start()
        b = Node(lab, 1, redis=redis).start()

        def listed(node):
            rows = node.json("registration", "list")["registrations"]
            return {r["aor"]: r for r in rows}

        Caller(lab, "register", "register", calls=1, service="user", domain="example.com",
               extra=["-key", "expires", "4"]).all_completed()
        watch = Stopwatch()
        rows = wait_until("node B lists the registration", lambda: listed(b))
        print("      listed after %.2f s" % watch.seconds)
        expect(watch.seconds < watch.limit(1), "node B lists it after %.1f s" % watch.seconds)
        (aor, row), = rows.items()
        expect("user1@example.com" in aor, "AoR is %s" % aor)
        expect(row["node"] == a.name, "learned at %s" % row["node"])
        expect(listed(a)[aor]["backend"] == row["backend"], "the nodes disagree on the backend")
        wait_until("the registration has expired on both", lambda: not listed(a) and not listed(b))
        expect(3 < watch.seconds < watch.limit(6), "after %.1f s, not 4" % watch.seconds)
        expect(not redis.cli("--scan", "--pattern", "*user1*"), "Redis still has it")


def a_call_goes_on_through_another_node():
    """Two nodes, same key: the second takes over every dialog of the first, knowing nothing."""
    with Lab("takeover", nodes=2) as lab:
        backends = Backends(lab)
        redis = Redis(lab)
        Node(lab, 0, redis=redis).start()
        Node(lab, 1, redis=redis).start()
        Answerer(lab)
        caller = Caller(lab, "caller", calls=400, rate=100, pause_ms=1000)
        for node in (1, 0, 1, 0, 1):
            time.sleep(0.8)
            lab.route_vip(node)
        result = caller.all_completed()
        backends.each_call_at_one(result.started)


def ctrl_c_stops_everything():
    with Lab("stop") as lab:
        Backends(lab)
        node = Node(lab).start()
        node.stop()
        for name in ("sipshunt-control", "sipshunt-dataplane"):
            left = subprocess.run(["pgrep", "-f", name], stdout=subprocess.PIPE, text=True)
            expect(not left.stdout, "%s still runs" % name)
        links = run("ip", "-n", "lb", "-br", "link").stdout
        expect("sx-" not in links, "twins are left: " + links)


def the_command_says_when_no_daemon_runs():
    with Lab("nodaemon") as lab:
        done = Node(lab).command("status", check=False)
        expect(done.returncode == 3, "exit %d: %s" % (done.returncode, done.stderr))


def a_killed_run_takes_both_processes_with_it():
    """kill -9 of the supervisor must not leave half a balancer behind."""
    with Lab("supervisor") as lab:
        Backends(lab)
        node = Node(lab).start()
        pids = node.pids("sipshunt-control") + node.pids("sipshunt-dataplane")
        expect(len(pids) == 2, "processes: %s" % pids)
        node.process.may_exit = True
        node.process.popen.send_signal(signal.SIGKILL)

        def gone():
            return subprocess.run(["ps", "-p", ",".join(map(str, pids))],
                                  stdout=subprocess.DEVNULL).returncode != 0

        wait_until("both processes are gone", gone)


def promtool_has_nothing_to_say_of_the_metrics():
    if not shutil.which("promtool"):
        raise Skip("promtool (package prometheus) is not here and could not be fetched")
    with Lab("promtool") as lab:
        Backends(lab)
        node = Node(lab, redis=Redis(lab))
        node.config["metrics"] = {"listen": ["127.0.0.1:9619"]}
        node.write()
        node.start()
        page = run("python3", "-c", "import urllib.request as r, sys; sys.stdout.write("
                   "r.urlopen('http://127.0.0.1:9619/metrics').read().decode())", ns="lb").stdout
        for name in ("sipshunt_build_info", "sipshunt_backend_state", "sipshunt_redis"):
            expect(name in page, "%s is not in the page" % name)
        done = run("promtool", "check", "metrics", stdin=page, check=False)
        expect(done.returncode == 0, "promtool says:\n" + done.stdout + done.stderr)
