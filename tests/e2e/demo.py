# SPDX-License-Identifier: BSD-3-Clause
"""run-demo: a minute of real calls, one backend killed half-way, and a summary that adds up."""

import argparse
import os
import shutil
import socket
import stat
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import builds  # noqa: E402
import sandbox  # noqa: E402
from lab import Failure, Lab  # noqa: E402
from sip import Answerer, Backends, Caller, Redis  # noqa: E402
from sipshunt import BUILD, Node, program  # noqa: E402

AF_XDP = 44
VICTIM = 1  # index of the backend that is killed


def arguments():
    parser = argparse.ArgumentParser(prog="run-demo", description=(
        "Shows real SIP calls being balanced; exits 0 only if no call was lost or misrouted."))
    parser.add_argument("--keep", action="store_true", help="leave it running, say how to use it")
    parser.add_argument("--seconds", type=int, default=60, metavar="N", help="length (default 60)")
    parser.add_argument("--rate", type=int, default=50, metavar="N", help="calls/s (default 50)")
    parser.add_argument("--no-af-xdp", action="store_true", help="as on a kernel without AF_XDP")
    args = parser.parse_args()
    if args.seconds < 20 or not 1 <= args.rate <= 500:
        parser.error("--seconds is at least 20, --rate is 1 to 500")
    return args


def af_xdp_works():
    try:
        socket.socket(AF_XDP, socket.SOCK_RAW, 0).close()
        return True
    except OSError:
        return False


def free_hugepages():
    try:
        with open("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages") as f:
            return int(f.read())
    except OSError:
        return 0


class LogTail:
    """Counts what one backend saw, reading its log as it grows."""

    def __init__(self, backend):
        self.backend = backend
        self.offset = 0
        self.calls = set()
        self.messages = 0

    def read(self):
        with open(self.backend.process.log_path, "rb") as f:
            f.seek(self.offset)
            data = f.read()
        end = data.rfind(b"\n") + 1
        self.offset += end
        for line in data[:end].decode(errors="replace").split("\n"):
            found = self.backend.SAW.search(line)
            if found and found.group(1).startswith("demo"):
                self.messages += 1
                self.calls.add(found.group(1))


class Screen:
    """A table that redraws itself on a terminal; anywhere else a line now and then."""

    def __init__(self):
        self.live = sys.stdout.isatty()
        self.drawn = 0
        self.last_line = 0.0

    def draw(self, lines, short):
        if self.live:
            if self.drawn:
                sys.stdout.write("\033[%dA" % self.drawn)
            for line in lines:
                sys.stdout.write("\033[2K" + line + "\n")
            self.drawn = len(lines)
        elif time.monotonic() - self.last_line >= 4:
            self.last_line = time.monotonic()
            print(short)
        sys.stdout.flush()

    def say(self, text):
        """A line that stays."""
        if self.live and self.drawn:
            sys.stdout.write("\033[%dA\033[J" % self.drawn)
            self.drawn = 0
        print(text, flush=True)


class Demo:
    def __init__(self, lab, args):
        self.lab, self.args = lab, args
        self.screen = Screen()
        self.backends = Backends(lab)
        self.redis = Redis(lab)
        self.node = Node(lab, redis=self.redis, driver=args.driver,
                         workers=str(max(os.sched_getaffinity(0))))
        if free_hugepages() >= 160:
            self.node.config["dataplane"]["hugepages"] = "auto"
            self.node.write()
        self.tails = [LogTail(b) for b in self.backends]
        self.phase = ""
        self.phase_counts = []
        self.killed_at = self.back_at = 0.0

    def start(self):
        self.node.start()
        Answerer(self.lab)
        calls = self.args.rate * self.args.seconds
        self.caller = Caller(self.lab, "demo", calls=calls, rate=self.args.rate, pause_ms=700,
                             recv_timeout_ms=6000)

    def balancer_messages(self):
        service = self.node.json("status")["services"][0]
        return service["requests"] + service["responses"]

    def table(self, elapsed, rates, balancer_rate):
        health = self.node.backends()
        lines = ["", "%-8s %-18s %-6s %-8s %8s %8s %8s" % (
            "BACKEND", "ADDRESS", "ADMIN", "HEALTH", "CALLS", "CALLS/S", "MSG/S")]
        short = []
        for tail, (calls_s, messages_s) in zip(self.tails, rates):
            b = health[tail.backend.name]
            lines.append("%-8s %-18s %-6s %-8s %8d %8.0f %8.0f" % (
                b["name"], b["address"], b["admin"], b["health"], len(tail.calls), calls_s,
                messages_s))
            short.append("%s %s, %d calls, %.0f/s" % (b["name"], b["health"], len(tail.calls),
                                                      calls_s))
        started, completed = self.caller.progress()
        lines += ["", "callers  %d calls made, %d completed" % (len(started), len(completed)),
                  "balancer %.0f messages/s through its DPDK ports" % balancer_rate,
                  "now      " + self.phase]
        clock = "%2d:%02d" % divmod(int(elapsed), 60)
        return [clock + " of %d:%02d" % divmod(self.args.seconds, 60)] + lines, (
            "%s  %s" % (clock, "; ".join(short)))

    def watch(self, start, until):
        """Draw until that second of the demo."""
        last = [(time.monotonic(), len(t.calls), t.messages) for t in self.tails]
        passed = (time.monotonic(), self.balancer_messages())
        while time.monotonic() - start < until:
            time.sleep(0.5)
            rates = []
            for i, tail in enumerate(self.tails):
                tail.read()
                now = (time.monotonic(), len(tail.calls), tail.messages)
                took = now[0] - last[i][0]
                rates.append(((now[1] - last[i][1]) / took, (now[2] - last[i][2]) / took))
                last[i] = now
            now = (time.monotonic(), self.balancer_messages())
            rate = (now[1] - passed[1]) / (now[0] - passed[0])
            passed = now
            self.screen.draw(*self.table(time.monotonic() - start, rates, rate))

    def end_phase(self, name):
        for tail in self.tails:
            tail.read()
        self.phase_counts.append((name, [len(t.calls) for t in self.tails]))

    def run(self):
        seconds = self.args.seconds
        self.start()
        start = time.monotonic()
        self.phase = "three backends share the calls"
        self.watch(start, seconds * 0.4)
        self.end_phase("all three up")

        self.killed_at = time.time()
        self.backends[VICTIM].kill()
        self.screen.say("%s is killed (kill -9)" % self.backends[VICTIM].name)
        self.phase = "b2 is dead: its share goes to b1 and b3"
        self.watch(start, seconds * 0.7)
        self.end_phase("b2 dead")

        self.back_at = time.time()
        self.backends[VICTIM].start()
        self.screen.say("%s is started again" % self.backends[VICTIM].name)
        self.phase = "b2 is back and gets its share back"
        self.watch(start, seconds)
        self.screen.say("the last calls end")
        result = self.caller.wait(60)
        self.end_phase("b2 back")
        return self.summary(result)

    def lost_and_misrouted(self, result):
        """Sort the calls that did not go straight: (with b2, moved, lost, misrouted)."""
        victim = self.backends[VICTIM].name
        begun = {}
        for when, direction, call_id, _, line in self.caller.sent_and_received():
            if direction == "S" and line.startswith("INVITE"):
                begun.setdefault(call_id, float(when))
        seen = self.backends.seen_by(result.started)
        # A call lasts under 3 s; b2 is taken out of the table at the latest after DETECTION.
        first, last = self.killed_at - 3.0, self.killed_at + Node.DETECTION + 0.5
        with_victim, moved, lost, misrouted = [], [], [], []
        for call_id in result.started:
            names = seen[call_id]
            affected = (victim in names or not names) and first < begun[call_id] < last
            if call_id in result.lost:
                (with_victim if affected else lost).append(call_id)
            elif len(names) > 1:
                (moved if affected else misrouted).append(call_id)
        return with_victim, moved, lost, misrouted

    def summary(self, result):
        with_victim, moved, lost, misrouted = self.lost_and_misrouted(result)
        names = [b.name for b in self.backends]
        print("\nCalls that each backend saw for the first time, from the backends' own logs")
        print("  %-14s" % "" + "".join("%8s" % n for n in names))
        before = [0] * len(names)
        for name, counts in self.phase_counts:
            print("  %-14s" % name + "".join("%8d" % (c - p) for c, p in zip(counts, before)))
            before = counts
        print("\nSummary, counted at the callers and in the backends' logs")
        rows = [
            ("calls made", len(result.started), ""),
            ("completed", len(result.completed), "INVITE, re-INVITE and BYE all answered"),
            ("lost with b2", len(with_victim), "they were in b2's memory when it was killed"),
            ("moved from b2", len(moved), "sent again by the caller, answered by b1 or b3"),
            ("lost otherwise", len(lost), "must be 0"),
            ("misrouted", len(misrouted), "seen by two backends without need: must be 0"),
        ]
        for what, number, note in rows:
            print("  %-16s %6d   %s" % (what, number, note))
        shares = [c for _, c in self.phase_counts]
        dead = shares[1][VICTIM] - shares[0][VICTIM]
        back = shares[2][VICTIM] - shares[1][VICTIM]
        whole = len(result.completed) + len(with_victim) + len(lost) == len(result.started)
        good = not lost and not misrouted and back > 0 and whole and len(
            result.started) == self.caller.calls
        if dead > self.args.rate * (Node.DETECTION + 1):
            print("  b2 got %d calls while it was dead" % dead)
            good = False
        verdict = "no call was lost or misrouted"
        if with_victim:
            verdict += "; the %d that b2 took with it no balancer could save" % len(with_victim)
        print("\n" + (verdict if good else "THE DEMO FAILED"), flush=True)
        return 0 if good else 1


def leave_running(demo, code):
    """Calls go on slowly; a small script takes people in."""
    Caller(demo.lab, "background", calls=1000000, rate=5, port=5065, pause_ms=2000)
    shell = os.path.join(BUILD, "demo-enter")
    with open(shell, "w") as f:
        f.write("#!/bin/sh\n# Made by run-demo --keep: runs a command inside the demo.\n"
                "exec nsenter -t %d -m -p -n ip netns exec \"${NETNS:-lb}\" env "
                "SIPSHUNT_SOCK=%s PATH=%s:\"$PATH\" \"$@\"\n" % (
                    sandbox.outside_pid, demo.node.admin,
                    os.path.dirname(program("sipshunt"))))
    os.chmod(shell, stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
    enter = "sudo " + os.path.relpath(shell, os.environ.get("DEMO_CWD", os.getcwd()))
    print("""
It keeps running, with 5 calls/s. What to type next:
  {e} sipshunt status
  {e} sipshunt backend list
  {e} sipshunt backend set access/b2 drain --reason "first try"
  {e} sipshunt where access call-id hello@example.com
  {e} sipshunt trace --source {caller} --limit 10
  {e} cat {config}
  sudo NETNS=call {e2} ping -c 3 {vip}
Stop it:
  sudo kill -9 {pid}""".format(e=enter, e2=enter[5:], config=demo.node.config_path,
                               caller=demo.lab.caller_address, vip=demo.lab.a.vip,
                               pid=sandbox.outside_pid))
    sys.stdout.flush()
    sandbox.detach(code)
    # The terminal is no longer ours.
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    while True:
        time.sleep(3600)


def main(args):
    print("building", flush=True)
    code, text = builds.make(builds.GCC, builds.PROGRAMS)
    if code != 0:
        print(text[-4000:])
        return 1
    if args.driver != "net_af_xdp":
        print("AF_XDP is not used: the ports are AF_PACKET sockets on the same veth pairs")
    if free_hugepages() < 160:
        print("no hugepages are reserved: packet buffers are in ordinary memory")
    try:
        with Lab("demo") as lab:
            print("starting three Kamailio, Redis, sipshunt and SIPp in network namespaces",
                  flush=True)
            demo = Demo(lab, args)
            code = demo.run()
            if args.keep:
                leave_running(demo, code)
            demo.node.stop()
            return code
    except Failure as e:
        print("the demo failed: %s" % e)
        kept = os.path.join(BUILD, "demo-logs")
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree("/run/lab", kept, ignore=lambda _d, names: [
            n for n in names if n.endswith(".sock")])
        print("logs: %s" % kept)
        return 1


if __name__ == "__main__":
    options = arguments()
    af_xdp = not options.no_af_xdp and af_xdp_works()
    options.driver = "net_af_xdp" if af_xdp else "net_af_packet"
    sys.exit(sandbox.run(lambda: main(options), keep=options.keep))
