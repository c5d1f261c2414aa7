# SPDX-License-Identifier: BSD-3-Clause
"""A sipshunt node under test: its configuration file, its processes, its command."""

import copy
import json
import os
import re
import signal

from lab import ROOT, Failure, Process, expect, run, wait_until

BUILD = os.path.join(ROOT, os.environ.get("SIPSHUNT_BUILD", "build"))


def program(name):
    """Where the build left a program."""
    for folder, directories, files in os.walk(BUILD):
        directories[:] = [d for d in directories if not d.endswith(".p")]
        path = os.path.join(folder, name)
        if name in files and os.access(path, os.X_OK):
            return path
    raise Failure("%s has no program %s: build it first" % (BUILD, name))


def yaml_scalar(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return '"%s"' % value


def yaml(value, indent=0):
    """Block style, so that a person can read what a test or the demo ran with."""
    pad = "  " * indent
    lines = []
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, (dict, list)) and inner:
                lines.append("%s%s:\n%s" % (pad, key, yaml(inner, indent + 1)))
            elif isinstance(inner, (dict, list)):
                lines.append("%s%s: []" % (pad, key))
            else:
                lines.append("%s%s: %s" % (pad, key, yaml_scalar(inner)))
    else:
        for inner in value:
            if isinstance(inner, dict):
                text = yaml(inner, indent + 1)
                lines.append(pad + "- " + text[len(pad) + 2:])
            else:
                lines.append("%s- %s" % (pad, yaml_scalar(inner)))
    return "\n".join(lines)


class Node:
    """One sipshunt: `sipshunt run` in a balancer namespace."""

    # Quick enough for a test, slow enough for a shared machine.
    HEALTH = {"interval": "500ms", "timeout": "300ms", "rise": 2, "fall": 2, "jitter": "0%"}
    DETECTION = 0.5 * 2 + 0.3  # seconds: fall x interval and the timeout of the last probe

    def __init__(self, lab, index=0, workers="1", redis=None, key_file=None, name=None,
                 driver="net_af_xdp"):
        self.lab, self.index = lab, index
        self.name = name or "node-%s" % "abcdef"[index]
        self.ns = lab.lb_ns(index)
        self.dir = os.path.join(lab.dir, self.name)
        os.makedirs(self.dir)
        self.admin = os.path.join(self.dir, "admin.sock")
        self.config_path = os.path.join(self.dir, "sipshunt.yaml")
        self.driver = driver
        self.interfaces = ["out0"] if lab.one_port else ["out0", "in0"]
        self.process = None
        self.config = self.base_config(workers, redis, key_file or self.new_key("a"))
        if driver == "net_af_packet":
            self.hide_ports_from_kernel()
        self.write()

    def hide_ports_from_kernel(self):
        """AF_PACKET gives us a copy only: without this the kernel would answer as well."""
        rules = "table netdev e2e {\n"
        for port in self.interfaces:
            rules += ("chain %s { type filter hook ingress device %s priority 0; policy drop; }\n"
                      % (port, port))
        run("nft", "-f", "-", ns=self.ns, stdin=rules + "}\n")

    def new_key(self, key_id):
        path = os.path.join(self.lab.dir, "cluster-%s.key" % key_id)
        if not os.path.exists(path):
            fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
            os.write(fd, os.urandom(16).hex().encode() + b"\n")
            os.close(fd)
        return path

    def device(self, number):
        if self.driver == "net_tap":
            return "net_tap%d,iface=tap%d" % (number, number)
        return "%s%d,iface=%s" % (self.driver, number, self.interfaces[number])

    def bridge_taps(self):
        """net_tap ports, which unlike AF_XDP on veth have several queues, behind bridges.

        The kernel's side of the port gets another address than DPDK gave it at start: a bridge
        keeps for itself what is for the address of one of its ports. And the bridge is no host:
        it must not answer ARP for what the twin has.
        """
        for number, interface in enumerate(self.interfaces):
            tap, bridge = "tap%d" % number, "br%d" % number
            run("ip", "-n", self.ns, "-batch", "-", stdin="""
                link add {b} type bridge mcast_snooping 0 forward_delay 0
                link set {b} arp off addrgenmode none
                link set {t} address 02:00:00:00:aa:0{n}
                link set {t} master {b}
                link set {i} master {b}
                link set {t} up
                link set {b} up""".format(b=bridge, t=tap, n=number, i=interface))

    def base_config(self, workers, redis, key_file):
        lab, a = self.lab, self.lab.a
        ports = [{"name": "wan0", "device": self.device(0), "mtu": 1500,
                  "addresses": ["%s/%d" % (lab.lb_outside(self.index), a.subnet_bits)]}]
        if not lab.one_port:
            ports.append({"name": "core0", "device": self.device(1), "mtu": 1500,
                          "addresses": ["%s/%d" % (lab.lb_inside(self.index),
                                                   lab.i.subnet_bits)]})
        config = {
            "schema": 1,
            "node": {"name": self.name, "cluster": "e2e"},
            "dataplane": {
                "workers": workers,
                "memory": "256MiB",
                "file_prefix": "sx%d" % self.index,
                "hugepages": "off",
                "idle": "pause",
                "socket": os.path.join(self.dir, "dataplane.sock"),
                "ports": ports,
            },
            "defaults": {"health_check": dict(self.HEALTH)},
            "services": [{
                "name": "access",
                "listen": [{"address": vip, "port": 5060, "transport": "udp"}
                           for vip in dict.fromkeys([a.vip, lab.i.vip])],
                "backends": [
                    {"name": "b%d" % (i + 1), "address": address, "port": 5060, "weight": 100}
                    for i, address in enumerate(lab.backend_addresses)
                ],
            }],
            "cluster_keys": {"primary": "a", "keys": [{"id": "a", "file": key_file}]},
            "admin": {"socket": self.admin, "state_file": os.path.join(self.dir, "state.json")},
            "log": {"level": "info", "target": "stderr"},
        }
        if redis:
            config["redis"] = {"address": "unix:" + redis.socket, "lease": "3s",
                               "publish_interval": "500ms"}
        return config

    @property
    def service(self):
        return self.config["services"][0]

    def write(self, text=None):
        """Write the configuration file as an editor would: whole or not at all."""
        new = self.config_path + ".new"
        with open(new, "w") as f:
            f.write(text if text is not None else yaml(self.config) + "\n")
        os.rename(new, self.config_path)

    def copy_of_config(self):
        return copy.deepcopy(self.config)

    def start(self, wait_for_backends=True, timeout=90.0):
        self.process = Process(self.lab, self.name, [
            program("sipshunt"), "run", "-c", self.config_path,
        ], ns=self.ns)
        self.process.wait_for_line(r"\bready\b", timeout)
        if self.driver == "net_tap":
            self.bridge_taps()
        if wait_for_backends:
            self.wait_for_health({b["name"]: "up" for b in self.service["backends"]})
        return self

    def stop(self):
        """Ctrl-C; states that both processes are gone and the exit code is 0."""
        os.kill(self.process.pid, signal.SIGINT)
        self.process.may_exit = True
        code = self.process.popen.wait(60)
        expect(code == 0, "%s ended with %d:\n%s" % (self.name, code, self.process.log()[-2000:]))

    def pids(self, program_name):
        """Process ids below `sipshunt run` that run this program."""
        parents = {}
        names = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    with open("/proc/%s/stat" % entry) as f:
                        text = f.read()
                    with open("/proc/%s/cmdline" % entry) as f:
                        command = f.read().split("\0")[0]
                except OSError:
                    continue
                parents[int(entry)] = int(text[text.rindex(")") + 2:].split()[1])
                names[int(entry)] = os.path.basename(command)

        def is_below(pid):
            while pid in parents and pid != self.process.pid:
                pid = parents[pid]
            return pid == self.process.pid

        return [p for p, n in names.items() if n == program_name and is_below(p)]

    def memory_kib(self, program_name):
        total = 0
        for pid in self.pids(program_name):
            with open("/proc/%d/status" % pid) as f:
                total += int(re.search(r"^VmRSS:\s+(\d+)", f.read(), re.M).group(1))
        return total

    def command(self, *words, check=True, stdin=None):
        return run(program("sipshunt"), "--socket", self.admin, *words, ns=self.ns, check=check,
                   stdin=stdin)

    def json(self, *words):
        return json.loads(self.command("--json", *words).stdout)

    def backends(self):
        """Name -> what `backend list --json` says of it."""
        return {b["name"]: b for b in self.json("backend", "list")["backends"]}

    def health(self):
        return {name: b["health"] for name, b in self.backends().items()}

    def wait_for_health(self, wanted, timeout=60.0):
        """Wait until these backends have this health, e.g. {"b2": "down"}."""
        last = {}

        def probe():
            last.clear()
            last.update(self.health())
            return all(last.get(n) == h for n, h in wanted.items())

        try:
            wait_until("health of %s is %s" % (self.name, wanted), probe, timeout, every=0.1)
        except Failure as e:
            raise Failure("%s; it is %s" % (e, last)) from None

    def where(self, call_id):
        """Name of the backend that a new call with this Call-ID goes to now."""
        return self.json("where", "access", "call-id", call_id)["chosen"]

    def counters(self):
        """Name -> value of every counter, those at 0 included."""
        return flatten(self.json("counters", "--all"))

    def mbufs_in_use(self):
        return self.json("status")["dataplane"]["mbufs_in_use"]

    def reload(self, check=True):
        return self.command("reload", check=check)


def flatten(value, prefix=""):
    """Nested objects to one level with dotted names; only numbers are kept."""
    flat = {}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        name = "%s.%s" % (prefix, key) if prefix else str(key)
        if isinstance(inner, (dict, list)):
            flat.update(flatten(inner, name))
        elif isinstance(inner, (int, float)) and not isinstance(inner, bool):
            flat[name] = inner
    return flat
