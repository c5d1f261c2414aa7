# SPDX-License-Identifier: BSD-3-Clause
"""A lab: network namespaces, the processes in them, and where they write.

        call                 lb (lb2, ...)               fab
    +-----------+   +-------------------------+   +---------------+   b1, b2, b3
    | br0       |---| out0 (AF_XDP)  (AF_XDP) |---| br0           |---  eth0
    | callers   |   |         in0             |   | called parties|   Kamailio
    +-----------+   +-------------------------+   +---------------+

With one_port there is no fab: backends and called parties sit on the callers' bridge.
Runs inside the sandbox: names are private, and nothing here has to survive a crash.
"""

import contextlib
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import time

from sandbox import CLONE_NEWNET, libc

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SCRATCH = "/run/lab"


class Failure(Exception):
    """A fact that a test states does not hold."""


class Skip(Exception):
    """The test cannot run here; the message says why."""


def expect(fact, message):
    if not fact:
        raise Failure(message() if callable(message) else message)


class Stopwatch:
    """Seconds since it was made."""

    SLACK = 3

    def __init__(self):
        self.start = time.monotonic()

    @property
    def seconds(self):
        return time.monotonic() - self.start

    def limit(self, seconds):
        """Three times what a calm machine needs: machines that run tests are shared, and a run that
        shares one must not fail. What it took is printed."""
        return seconds * self.SLACK


def wait_until(what, probe, timeout=30.0, every=0.05):
    """Poll until probe() is true, return its value; fail naming what did not happen."""
    end = time.monotonic() + timeout
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure("after %.1f s still not: %s" % (timeout, what))
        time.sleep(every)


def run(*argv, ns=None, check=True, stdin=None, timeout=120):
    """Run a short command, return its CompletedProcess with text output."""
    argv = list(map(str, argv))
    if ns:
        argv = ["ip", "netns", "exec", ns] + argv
    done = subprocess.run(
        argv,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        timeout=timeout,
    )
    if check and done.returncode != 0:
        raise Failure("%s: exit %d\n%s" % (" ".join(argv), done.returncode, done.stderr.strip()))
    return done


class Process:
    """A long-running program in a namespace; its output is one log file."""

    def __init__(self, lab, name, argv, ns=None, env=None, cwd=None):
        self.lab, self.name = lab, name
        self.argv = list(map(str, argv))
        self.log_path = os.path.join(lab.dir, name + ".log")
        self.may_exit = False
        prefix = ["ip", "netns", "exec", ns] if ns else []
        full_env = dict(os.environ, TERM="xterm", LC_ALL="C.UTF-8", **(env or {}))
        with open(self.log_path, "ab") as log:
            self.popen = subprocess.Popen(
                prefix + self.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=cwd or lab.dir,
                env=full_env,
                start_new_session=True,
            )
        self.pid = self.popen.pid
        lab.processes.append(self)

    @property
    def running(self):
        return self.popen.poll() is None

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def wait_for_line(self, pattern, timeout=60.0):
        regex = re.compile(pattern, re.M)

        def probe():
            found = regex.search(self.log())
            if not found and not self.running:
                raise Failure(
                    "%s ended with %s before it said /%s/:\n%s"
                    % (self.name, self.popen.returncode, pattern, self.log()[-1500:])
                )
            return found

        return wait_until("%s says /%s/" % (self.name, pattern), probe, timeout)

    def wait_for_port(self, port, ns, timeout=30.0):
        """Wait until somebody listens on this UDP port of the namespace."""

        def probe():
            if not self.running:
                raise Failure("%s ended: %s" % (self.name, self.log()[-3000:]))
            return ":%d " % port in run("ss", "-Hlun", ns=ns).stdout

        wait_until("%s listens on port %d" % (self.name, port), probe, timeout)

    def signal_group(self, sig):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, sig)

    def kill(self):
        """kill -9 of the program and all it started."""
        self.may_exit = True
        self.signal_group(signal.SIGKILL)
        self.popen.wait()

    def stop(self, timeout=30.0):
        """Ask the program to end; return its exit code."""
        self.may_exit = True
        if self.running:
            os.kill(self.pid, signal.SIGTERM)
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure("%s still runs %.0f s after SIGTERM" % (self.name, timeout)) from None


class Addresses:
    """Who has which address, for one address family."""

    def __init__(self, family):
        v6 = family == 6
        self.family = family
        self.vip = "2001:db8:5::5" if v6 else "203.0.113.5"
        self.host_bits = 128 if v6 else 32
        self.subnet_bits = 64 if v6 else 24
        self.outside = ("2001:db8:1::" if v6 else "198.51.100.") + "%d"
        self.inside = ("2001:db8:20::" if v6 else "10.20.1.") + "%d"

    def text(self, address, port=None):
        host = "[%s]" % address if ":" in address else address
        return host if port is None else "%s:%d" % (host, port)


class Lab:
    """The namespaces of one test. A context manager: leaving it ends all that runs in it."""

    def __init__(self, name, family=4, inside_family=None, backends=3, nodes=1, one_port=False):
        self.name, self.nodes, self.one_port = name, nodes, one_port
        self.a = Addresses(family)  # of the callers
        self.i = Addresses(inside_family or family)  # of the backends and called parties
        self.dir = os.path.join(SCRATCH, name)
        self.processes = []
        self.namespaces = []
        self.closers = []
        self.caller_address = self.a.outside % 10
        subnet = self.i.outside if one_port else self.i.inside
        self.answer_address = subnet % 50
        self.backend_addresses = [subnet % (101 + i) for i in range(backends)]
        self.caller_ns = "call"
        self.answer_ns = "call" if one_port else "fab"

    def __enter__(self):
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir)
        try:
            self.build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind, value, trace):
        dead = [p for p in self.processes if not p.may_exit and not p.running]
        self.close()
        if kind is None and dead:
            raise Failure(
                "ended by itself: "
                + ", ".join("%s (exit %s)" % (p.name, p.popen.returncode) for p in dead)
            )

    def close(self):
        for close in reversed(self.closers):
            close()
        for p in self.processes:
            if p.running:
                p.kill()
        for ns in self.namespaces:
            run("ip", "netns", "del", ns, check=False)
        # Interfaces of a namespace go in the background; the next lab uses the same names.
        self.namespaces, self.processes = [], []

    def namespace(self, ns):
        run("ip", "netns", "add", ns)
        self.namespaces.append(ns)
        settings = ["net.ipv6.conf.%s.%s=0" % (s, k)
                    for s in ("all", "default") for k in ("accept_dad", "accept_ra")]
        run("sysctl", "-qw", *settings, "net.ipv4.ping_group_range=0 0", ns=ns)
        run("ip", "-n", ns, "link", "set", "lo", "up")

    def bridge(self, ns, addresses, bits):
        lines = ["link add br0 type bridge mcast_snooping 0 forward_delay 0", "link set br0 up"]
        lines += ["addr add %s/%d dev br0" % (a, bits) for a in addresses]
        run("ip", "-n", ns, "-batch", "-", stdin="\n".join(lines))

    def cable(self, ns, port, far_ns, far, bridged=True):
        """A veth from the bridge in ns to an interface of far_ns."""
        run("ip", "link", "add", port, "netns", ns, "type", "veth", "peer", "name", far,
            "netns", far_ns)
        for n, i in ((ns, port), (far_ns, far)):
            # A kernel socket behind veth leaves its UDP checksum to a device that never does it.
            run("ethtool", "-K", i, "tx", "off", ns=n)
            run("ip", "-n", n, "link", "set", i, "up")
        if bridged:
            run("ip", "-n", ns, "link", "set", port, "master", "br0")

    def lb_ns(self, node=0):
        return "lb" if node == 0 else "lb%d" % (node + 1)

    def lb_outside(self, node=0):
        return self.a.outside % (2 + node)

    def lb_inside(self, node=0):
        return self.i.inside % (2 + node)

    def backend_ns(self, i):
        return "b%d" % (i + 1)

    def build(self):
        self.namespace("call")
        addresses = [self.caller_address]
        if self.one_port:
            addresses.append(self.answer_address)
        self.bridge("call", addresses, self.a.subnet_bits)
        if not self.one_port:
            self.namespace("fab")
            self.bridge("fab", [self.answer_address], self.i.subnet_bits)
        for node in range(self.nodes):
            self.namespace(self.lb_ns(node))
            self.cable("call", "lb%d" % node, self.lb_ns(node), "out0")
            if not self.one_port:
                self.cable("fab", "lb%d" % node, self.lb_ns(node), "in0")
        for i, address in enumerate(self.backend_addresses):
            ns = self.backend_ns(i)
            self.namespace(ns)
            self.cable(self.answer_ns, "b%d" % i, ns, "eth0")
            run("ip", "-n", ns, "addr", "add", "%s/%d" % (address, self.i.subnet_bits), "dev",
                "eth0")
            # All that a backend sends beyond its subnet goes through the first balancer node.
            gateway = self.lb_outside() if self.one_port else self.lb_inside()
            run("ip", "-n", ns, "route", "add", "default", "via", gateway)
        self.route_vip(0)
        if not self.one_port:
            run("ip", "-n", "fab", "route", "add", "default", "via", self.lb_inside())

    def route_vip(self, node):
        """Send the callers' traffic for the VIP to this node, as a router would."""
        run("ip", "-n", "call", "route", "replace", "%s/%d" % (self.a.vip, self.a.host_bits),
            "via", self.lb_outside(node))

    def ping(self, address, count=3):
        return run("ping", "-c", count, "-i", "0.2", "-W", "1", address, ns="call", check=False)

    @contextlib.contextmanager
    def inside(self, ns):
        """The driver itself steps into a namespace, to make sockets there."""
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        there = os.open("/run/netns/" + ns, os.O_RDONLY)
        try:
            set_netns(there)
            yield
        finally:
            set_netns(home)
            os.close(there)
            os.close(home)

    def udp_socket(self, ns, address, port=0):
        with self.inside(ns):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            s = socket.socket(family, socket.SOCK_DGRAM)
            s.bind((address, port))
        self.closers.append(s.close)
        return s


def set_netns(fd):
    if libc.setns(fd, CLONE_NEWNET) != 0:
        err = ctypes.get_errno()
        raise OSError(err, "setns: " + os.strerror(err))
