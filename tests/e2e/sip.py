# SPDX-License-Identifier: BSD-3-Clause
"""The SIP programs around the balancer: SIPp callers and called parties, Kamailio backends."""

import collections
import glob
import os
import re
import time

from lab import HERE, Failure, Process, expect, run, wait_until

SCENARIOS = os.path.join(HERE, "scenarios")


class CallResult:
    """What a caller counted itself."""

    def __init__(self, started, completed, retransmissions):
        self.started, self.completed = started, completed
        self.retransmissions = retransmissions
        self.lost = started - completed


class Caller:
    """One SIPp process that makes calls to the VIP."""

    def __init__(self, lab, name, scenario="call", calls=10, rate=10, port=5060, service="u5070",
                 call_id=None, pause_ms=200, target=None, ns=None, address=None, extra=(),
                 recv_timeout_ms=30000, domain=None):
        self.lab, self.name, self.calls = lab, name, calls
        self.log_file = os.path.join(lab.dir, name + ".calls")
        self.messages = os.path.join(lab.dir, name + ".messages")
        self.errors = os.path.join(lab.dir, name + ".errors")
        address = address or lab.caller_address
        argv = [
            "sipp", "-sf", os.path.join(SCENARIOS, scenario + ".xml"),
            "-i", address, "-p", port, "-mi", address,
            "-m", calls, "-r", rate, "-l", 100000, "-d", pause_ms,
            "-s", service, "-key", "domain", domain or lab.a.text(lab.a.vip, 5060),
            "-cid_str", call_id or name + "-%u",
            "-nostdin", "-trace_logs", "-log_file", self.log_file,
            "-trace_shortmsg", "-shortmessage_file", self.messages,
            "-trace_err", "-error_file", self.errors,
            "-recv_timeout", recv_timeout_ms, "-default_behaviors", "all,-bye",
            "-deadcall_wait", 0, "-max_socket", 1024, "-skip_rlimit",
            *extra,
            target or lab.a.text(lab.a.vip, 5060),
        ]
        self.process = Process(lab, name, argv, ns=ns or lab.caller_ns)
        self.process.may_exit = True

    @property
    def running(self):
        return self.process.running

    def progress(self):
        """Call-IDs started and completed so far; SIPp writes its log in blocks."""
        started, completed = set(), set()
        if os.path.exists(self.log_file):
            with open(self.log_file, errors="replace") as f:
                for line in f:
                    words = line.split()
                    if len(words) == 2 and words[0] == "started":
                        started.add(words[1])
                    elif len(words) == 2 and words[0] == "completed":
                        completed.add(words[1])
        return started, completed

    def wait(self, timeout=200.0):
        """Wait until SIPp has ended; return a CallResult."""
        wait_until("%s has made its %d calls" % (self.name, self.calls),
                   lambda: not self.running, timeout, every=0.1)
        return self.result()

    def result(self):
        started, completed = self.progress()
        if not started:
            raise Failure("%s made no call:\n%s" % (self.name, self.process.log()[-2000:]))
        return CallResult(started, completed, self.retransmissions())

    def sent_and_received(self):
        """(Unix time, "S" or "R", Call-ID, CSeq, start line) of each message, in order."""
        rows = []
        if os.path.exists(self.messages):
            with open(self.messages, errors="replace") as f:
                for line in f:
                    cells = line.rstrip("\n").split("\t")
                    if len(cells) == 7:
                        rows.append(tuple(cells[2:]))
        return rows

    def retransmissions(self):
        """Messages that this caller sent more than once."""
        seen = collections.Counter(
            row[2:] for row in self.sent_and_received() if row[1] == "S")
        return sum(n - 1 for n in seen.values())

    def all_completed(self, timeout=200.0):
        """Wait, and state that every call was completed."""
        result = self.wait(timeout)
        expect(len(result.started) == self.calls,
               "%s: %d of %d calls were started" % (self.name, len(result.started), self.calls))
        expect(not result.lost, lambda: "%s: %d of %d calls lost, e.g. %s\n%s" % (
            self.name, len(result.lost), self.calls, sorted(result.lost)[:3], self.error_text()))
        return result

    def error_text(self):
        if not os.path.exists(self.errors):
            return ""
        with open(self.errors, errors="replace") as f:
            return f.read()[:2000]


class Answerer:
    """One SIPp process that answers on its own port of the called parties' host."""

    def __init__(self, lab, scenario="answer", port=5070, pause_ms=100):
        self.lab = lab
        self.messages = os.path.join(lab.dir, "%s.messages" % scenario)
        argv = [
            "sipp", "-sf", os.path.join(SCENARIOS, scenario + ".xml"),
            "-i", lab.answer_address, "-p", port, "-mi", lab.answer_address, "-d", pause_ms,
            "-nostdin", "-deadcall_wait", 0, "-default_behaviors", "all,-bye", "-skip_rlimit",
            "-trace_err", "-error_file", os.path.join(lab.dir, scenario + ".errors"),
        ]
        self.process = Process(lab, scenario, argv, ns=lab.answer_ns)
        self.process.wait_for_port(port, lab.answer_ns)


def kamailio_modules():
    found = glob.glob("/usr/lib/*/kamailio/modules")
    expect(found, "Kamailio's modules are not installed")
    return found[0] + "/"


class Backend:
    """A Kamailio of its own namespace and address, with a log of every message it saw."""

    SAW = re.compile(r"SAW (\S+) (\S+) (\S+)$")

    def __init__(self, lab, index):
        self.lab, self.index = lab, index
        self.name = "b%d" % (index + 1)
        self.address = lab.backend_addresses[index]
        self.process = None
        self.dir = os.path.join(lab.dir, self.name)
        os.makedirs(self.dir)
        with open(os.path.join(HERE, "kamailio", "proxy.cfg")) as f:
            text = f.read()
        values = {
            "LISTEN": lab.i.text(self.address, 5060),
            "MODULES": kamailio_modules(),
            "ANSWER_HOST": lab.i.text(lab.answer_address),
        }
        for key, value in values.items():
            text = text.replace("@%s@" % key, value)
        self.config = os.path.join(self.dir, "kamailio.cfg")
        with open(self.config, "w") as f:
            f.write(text)
        self.start()

    def start(self):
        self.process = Process(self.lab, self.name, [
            "kamailio", "-f", self.config, "-DD", "-E", "-m", "64", "-M", "8",
            "-w", self.dir, "-Y", self.dir, "-P", os.path.join(self.dir, "pid"),
        ], ns=self.lab.backend_ns(self.index))
        self.process.wait_for_port(5060, self.lab.backend_ns(self.index))
        return self

    def kill(self):
        """kill -9: its host then answers with ICMP port unreachable."""
        self.process.kill()

    def messages(self):
        """(Call-ID, method or status, source) of every message seen, in order."""
        rows = []
        with open(self.process.log_path, errors="replace") as f:
            for line in f:
                found = self.SAW.search(line)
                if found:
                    rows.append(found.groups())
        return rows

    def call_ids(self, method=None):
        return {r[0] for r in self.messages() if method is None or r[1] == method}


class Backends:
    """All backends of a lab, and the one question that matters: who saw which Call-ID."""

    def __init__(self, lab):
        self.all = [Backend(lab, i) for i in range(len(lab.backend_addresses))]

    def __getitem__(self, i):
        return self.all[i]

    def __iter__(self):
        return iter(self.all)

    def seen_by(self, call_ids):
        """Call-ID -> set of names of the backends that saw a message of it."""
        seen = {call_id: set() for call_id in call_ids}
        for backend in self.all:
            for call_id in backend.call_ids():
                if call_id in seen:
                    seen[call_id].add(backend.name)
        return seen

    def shares(self, call_ids):
        """Name -> number of these calls that this backend saw."""
        count = collections.Counter({b.name: 0 for b in self.all})
        for names in self.seen_by(call_ids).values():
            count.update(names)
        return count

    def each_call_at_one(self, call_ids):
        """State that every message of a call was seen by one and the same backend."""
        seen = self.seen_by(call_ids)
        none = sorted(c for c, names in seen.items() if not names)
        many = sorted(c for c, names in seen.items() if len(names) > 1)
        expect(not none, "%d calls were seen by no backend, e.g. %s" % (len(none), none[:3]))
        expect(not many, "%d calls were seen by several backends, e.g. %s" % (
            len(many), [(c, sorted(seen[c])) for c in many[:3]]))
        return seen


class Redis:
    """A private redis-server on a UNIX socket, nothing on disk."""

    def __init__(self, lab):
        self.lab = lab
        self.socket = os.path.join(lab.dir, "redis.sock")
        self.process = None
        self.start()

    def start(self):
        self.process = Process(self.lab, "redis", [
            "redis-server", "--port", "0", "--unixsocket", self.socket, "--save", "",
            "--appendonly", "no", "--dir", self.lab.dir, "--daemonize", "no",
        ])
        wait_until("redis answers", lambda: self.cli("ping", check=False) == "PONG")

    def cli(self, *words, check=True):
        return run("redis-cli", "-s", self.socket, *words, check=check).stdout.strip()

    def kill(self):
        self.process.kill()


def sleep_until(moment):
    time.sleep(max(0.0, moment - time.monotonic()))
