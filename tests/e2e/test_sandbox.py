# SPDX-License-Identifier: BSD-3-Clause
"""The tests' own promise: nothing stays behind, also after kill -9."""

import os
import signal
import subprocess
import sys
import time

from lab import HERE, Lab, expect, wait_until
from runner import leftovers

INNER = """
import subprocess, sys, time
sys.path.insert(0, %r)
import sandbox

def main():
    subprocess.run(["ip", "netns", "add", "inner"], check=True)
    subprocess.Popen(["sleep", "1000"])
    subprocess.Popen(["setsid", "sleep", "1000"])
    print("started", flush=True)
    time.sleep(1000)

sys.exit(sandbox.run(main))
""" % HERE


def places(
    directories=("/run", "/run/netns", "/dev/hugepages", "/dev/shm")):
    return sorted(os.path.join(d, f) for d in directories if os.path.isdir(d)
                  for f in os.listdir(d))


def nothing_is_left_when_the_tests_are_killed():
    with Lab("sandbox", backends=0):
        before = places()
        for sig in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
            child = subprocess.Popen([sys.executable, "-B", "-c", INNER], stdout=subprocess.PIPE,
                                     stderr=subprocess.DEVNULL, text=True)
            expect(child.stdout.readline() == "started\n", "the inner sandbox did not start")
            time.sleep(0.2)
            expect(len(leftovers()) >= 5, "it runs %s" % leftovers())
            child.send_signal(sig)
            code = child.wait(60)
            expect(code in (-sig, 128 + sig), "exit %d" % code)
            wait_until("all of it is gone after signal %d" % sig, lambda: not leftovers())
            child.stdout.close()
        expect(places() == before, "left: %s" % (set(places()) ^ set(before)))
