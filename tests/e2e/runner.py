# SPDX-License-Identifier: BSD-3-Clause
"""Runs tests that are plain functions, counts them, and says the result in one line."""

import contextlib
import os
import resource
import re
import shutil
import signal
import sys
import time
import traceback

from lab import ROOT, SCRATCH, Failure, Skip

KEPT_LOGS = os.path.join(ROOT, "build", "e2e-logs")


def cpu_seconds():
    """Of this process and of all that it has waited for."""
    return sum(sum(resource.getrusage(who)[:2])
               for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


class Count:
    def __init__(self):
        self.passed = self.failed = 0
        self.skipped = []
        self.failures = []
        self.parts = []  # (name, seconds, seconds of CPU)

    @contextlib.contextmanager
    def part(self, name):
        """A part of the run, whose time is shown at the end."""
        print("# %s" % name, flush=True)
        start, cpu = time.monotonic(), cpu_seconds()
        try:
            yield
        finally:
            self.parts.append((name, time.monotonic() - start, cpu_seconds() - cpu))

    def add(self, other):
        """Take over what another count, made into a dictionary, has."""
        self.passed += other["passed"]
        self.failed += other["failed"]
        self.skipped += other["skipped"]
        self.failures += other["failures"]

    def summary(self):
        text = "%d passed, %d failed" % (self.passed, self.failed)
        return text + (", %d skipped" % len(self.skipped) if self.skipped else "")

    def passes(self, name, note=""):
        self.passed += 1
        print("ok    %s%s" % (name, note), flush=True)

    def fails(self, name, why):
        self.failed += 1
        self.failures.append(name)
        print("FAIL  %s%s" % (name, "\n" + indent(why) if why else ""), flush=True)

    def skips(self, name, why):
        self.skipped.append((name, why))
        print("skip  %s: %s" % (name, why), flush=True)

    def finish(self):
        """Print where the time went, what went wrong once more, and the summary on the last line."""
        for name, seconds, cpu in self.parts:
            print("%5.0f s, CPU %5.0f s: %s" % (seconds, cpu, name))
        for name, why in self.skipped:
            print("skipped: %s: %s" % (name, why))
        for name in self.failures:
            print("failed: %s" % name)
        print(self.summary(), flush=True)
        return 1 if self.failed or not self.passed else 0


class Timeout(Exception):
    pass


def alone(test):
    """Mark a test that states how long something takes: nothing else runs beside it."""
    test.runs_alone = True
    return test


def is_alone(test):
    return getattr(test, "runs_alone", False)


def indent(text):
    return "\n".join("      " + line for line in text.rstrip().split("\n"))


def leftovers():
    """Names of processes that a test left running in the sandbox."""
    names = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) in (1, os.getpid()):
            continue
        try:
            with open("/proc/%s/stat" % entry) as f:
                text = f.read()
        except OSError:
            continue
        name, state = re.match(r"\d+ \((.*)\) (\S)", text, re.S).groups()
        # A kernel thread shows no parent here, a zombie is about to be reaped.
        if state not in "ZX":
            names.append("%s (%s)" % (name, entry))
    return names


def run_test(count, test, timeout):
    name = test.__name__

    def alarm(_sig, _frame):
        raise Timeout("not finished after %d s" % timeout)

    signal.signal(signal.SIGALRM, alarm)
    signal.alarm(timeout)
    start = time.monotonic()
    why = None
    try:
        test()
    except Skip as e:
        signal.alarm(0)
        count.skips(name, str(e))
        return
    except (Failure, Timeout) as e:
        frames = traceback.extract_tb(sys.exc_info()[2])
        where = [f for f in frames if os.path.basename(f.filename).startswith("test_")] or frames
        why = "%s:%d: %s" % (os.path.basename(where[-1].filename), where[-1].lineno, e)
    except Exception:
        why = traceback.format_exc()
    finally:
        signal.alarm(0)
    shares_lab = getattr(test, "shares_lab", False)
    if why is None and not shares_lab:
        end = time.monotonic() + 3
        while leftovers() and time.monotonic() < end:
            time.sleep(0.05)
        left = leftovers()
        if left:
            why = "left processes behind: " + ", ".join(left)
    took = time.monotonic() - start
    if why is None:
        count.passes(name, "  (%.1f s)" % took)
    else:
        kept = keep_logs(name)
        count.fails(name, "%s\nlogs: %s (%.1f s)" % (why, kept, took))
    if not shares_lab:
        clean_up()


def clean_up():
    """End whatever a test left, so that the next one starts from nothing."""
    for entry in list(os.listdir("/proc")):
        if entry.isdigit() and int(entry) not in (1, os.getpid()):
            try:
                os.kill(int(entry), signal.SIGKILL)
            except OSError:
                pass
    shutil.rmtree(SCRATCH, ignore_errors=True)


def keep_logs(name):
    """The scratch directory dies with the sandbox: save a failed test's logs in the build."""
    target = os.path.join(KEPT_LOGS, name)
    shutil.rmtree(target, ignore_errors=True)

    def ignore(_directory, names):
        return [n for n in names if n.endswith(".sock")]

    if os.path.isdir(SCRATCH):
        try:
            shutil.copytree(SCRATCH, target, ignore=ignore)
        except shutil.Error:
            pass
    return target
