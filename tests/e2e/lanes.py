# SPDX-License-Identifier: BSD-3-Clause
"""Runs tests side by side, each lane in a sandbox of its own: names, processes, interfaces."""

import contextlib
import io
import json
import os
import selectors
import socket

import runner
import sandbox


class Job:
    """Tests that must run in this order in one lane, because they share what the first sets up."""

    def __init__(self, tests, timeout=300, close=None):
        self.tests, self.timeout, self.close = tests, timeout, close

    @property
    def name(self):
        return self.tests[0].__name__

    def run(self, report):
        """Call report(text, count) after every test."""
        for test in self.tests:
            count, text = runner.Count(), io.StringIO()
            with contextlib.redirect_stdout(text):
                runner.run_test(count, test, getattr(test, "timeout", self.timeout))
            report(text.getvalue(), count)
        if self.close:
            self.close()
            runner.clean_up()


class Lane:
    """A process that runs jobs by number, one after the other, in its sandbox."""

    def __init__(self, jobs):
        ours, theirs = socket.socketpair()
        self.job = None  # number of the one under way
        self.unread = b""
        self.pid = os.fork()
        if self.pid == 0:
            ours.close()
            sandbox.call_and_exit(lambda: sandbox.run(lambda: serve(theirs, jobs)))
        theirs.close()
        self.channel = ours

    def start(self, number):
        self.job = number
        self.channel.sendall(b"%d\n" % number)

    def wait(self):
        os.waitpid(self.pid, 0)


def serve(channel, jobs):
    """The lane's side: job numbers come in, one line of JSON goes out for each test."""

    def say(**words):
        channel.sendall(json.dumps(words).encode() + b"\n")

    def report(text, count):
        say(text=text, passed=count.passed, failed=count.failed, skipped=count.skipped,
            failures=count.failures)

    with channel.makefile("r") as orders:
        for line in orders:
            jobs[int(line)].run(report)
            say(end=True)


class Lanes:
    """At most so many jobs at a time. Forks where it is made: no thread may run yet."""

    def __init__(self, jobs, nb_lanes):
        self.jobs = jobs
        self.waiting = list(range(len(jobs)))
        self.lanes = [Lane(jobs) for _ in range(min(nb_lanes, len(jobs)))]
        self.busy = selectors.DefaultSelector()

    def feed(self, lane):
        if self.waiting:
            lane.start(self.waiting.pop(0))
            self.busy.register(lane.channel, selectors.EVENT_READ, lane)

    def take(self, count, lane):
        """What a lane says: a line for each test, and one when it has ended its job."""
        data = lane.channel.recv(65536)
        if not data:
            count.fails(self.jobs[lane.job].name, "the lane that ran it is dead")
            self.busy.unregister(lane.channel)
        *lines, lane.unread = (lane.unread + data).split(b"\n")
        for answer in map(json.loads, lines):
            if "end" in answer:
                self.busy.unregister(lane.channel)
                self.feed(lane)
            else:
                print(answer["text"], end="", flush=True)
                count.add(answer)

    def run(self, count):
        """Run all jobs; results are printed and counted as they come."""
        for lane in self.lanes:
            self.feed(lane)
        while self.busy.get_map():
            for key, _ in self.busy.select():
                self.take(count, key.data)
        for number in self.waiting:
            count.fails(self.jobs[number].name, "no lane is left to run it")
        # All before the first wait: a lane has copies of the channels of those before it.
        for lane in self.lanes:
            lane.channel.close()
        for lane in self.lanes:
            lane.wait()
