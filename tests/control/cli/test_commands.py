#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Run the commands that stand in golden/*.txt after "$ " and compare what they print.

A golden file is a transcript: the command, its standard output, its standard error with "! " before
each line, and "[N]" with the exit status. Commands run in data/, DIR is a directory with the sockets
of fake_admin.py, and "< FILE" is standard input. --update writes what was seen into the files.
"""

import concurrent.futures
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time

import fake_admin

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "golden")
DATA = os.path.join(HERE, "data")
LIMIT_S = 20

failures = []
nb_passed = 0


def check(good, name, text=""):
    global nb_passed
    if good:
        nb_passed += 1
        return
    failures.append(name)
    print("FAILED %s\n%s" % (name, text))


class Commands:
    def __init__(self, program, directory):
        self.program = program
        self.directory = directory

    def run(self, line):
        words = shlex.split(line.replace("DIR/", self.directory + "/"))
        env = {"PATH": os.environ["PATH"], "SIPSHUNT_SOCK": self.directory + "/good.sock",
               "ASAN_OPTIONS": "abort_on_error=0:detect_leaks=1"}
        stdin = subprocess.DEVNULL
        while "=" in words[0]:
            name, value = words.pop(0).split("=", 1)
            env[name] = value
        if "<" in words:
            at = words.index("<")
            stdin = open(os.path.join(DATA, words[at + 1]), "rb")
            del words[at:at + 2]
        return subprocess.run([self.program] + words[1:], stdin=stdin, cwd=DATA, env=env,
                              capture_output=True, timeout=LIMIT_S, check=False)

    def timed(self, line):
        started = time.monotonic()
        try:
            result = self.run(line)
        except subprocess.TimeoutExpired:
            result = None
        return time.monotonic() - started, result

    def transcript(self, line):
        result = self.run(line)
        text = result.stdout.decode("utf-8", "backslashreplace")
        if text and not text.endswith("\n"):
            text += "\\\n"
        for error in result.stderr.decode("utf-8", "backslashreplace").splitlines():
            text += "! " + error + "\n"
        return text.replace(self.directory + "/", "DIR/") + "[%d]\n" % result.returncode


def unsafe(text):
    """What a terminal may act on."""
    return re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


def run_golden(commands, path, update):
    with open(path, encoding="utf-8") as file:
        old = file.read()
    new = ""
    for block in re.split(r"(?m)^(?=\$ )", old):
        if not block.startswith("$ "):
            new += block
            continue
        line = block.splitlines()[0][2:]
        seen = commands.transcript(line)
        expected = block.split("\n", 1)[1].rstrip("\n") + "\n" if "\n" in block else ""
        name = "%s: %s" % (os.path.basename(path), line)
        if not update:
            check(seen.rstrip("\n") == expected.rstrip("\n"), name,
                  "--- expected\n%s--- seen\n%s" % (expected, seen))
        check(not unsafe(seen), name + ": safe for a terminal", repr(seen))
        new += "$ %s\n%s\n" % (line, seen)
    if update:
        with open(path, "w", encoding="utf-8") as file:
            file.write(new.rstrip("\n") + "\n")


# Commands that talk to the daemon, as they are tried on every broken one.
ONLINE = [
    "status", "reload", "reload --dry-run", "service list", "backend list", "backend show access/kam1",
    "backend set access/kam3 drain", "where access call-id x", "registration list",
    "registration show sip:a@b", "node list", "show errors", "counters --all", "config show",
    "ready access", "version", "trace --call-id x", "trace stop",
]


def run_broken(commands):
    """Every command ends in time, with one of our statuses and without a crash, whoever answers."""
    lines = ["SIPSHUNT_SOCK=DIR/%s.sock sipshunt %s%s -t 300ms" % (name, line, flags)
             for name in ("closed", "silent", "garbage", "array", "half", "types", "noexit",
                          "rejected", "dead")
             for line in ONLINE for flags in ("", " --json", " --no-header")]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for line, (seconds, result) in zip(lines, pool.map(commands.timed, lines)):
            if result is None:
                check(False, line, "hangs")
                continue
            text = (result.stdout + result.stderr).decode("utf-8", "backslashreplace")
            check(0 <= result.returncode <= 5 and not unsafe(text) and "Sanitizer" not in text,
                  line, "[%d] %r" % (result.returncode, text))
            check(seconds < 12, line + ": in time", "%.1f s" % seconds)
    for name in ("deep", "endless", "dribble"):
        started = time.monotonic()
        result = commands.run("sipshunt status -s DIR/%s.sock -t 1s" % name)
        check(result.returncode in (1, 4) and time.monotonic() - started < 9, "status from " + name,
              repr(result))


def run_json(commands):
    """--json is one object with "schema", for every command and every file of inspect."""
    for line in ONLINE:
        if line.startswith("trace"):
            continue
        result = commands.run("sipshunt --json " + line.replace(" x", " a84b4c76e66710@pc33.example.com")
                              .replace("sip:a@b", "sip:alice@example.com"))
        try:
            good = json.loads(result.stdout)["schema"] == 1 and result.returncode == 0
        except ValueError:
            good = False
        check(good, "--json " + line, repr(result))
    result = commands.run("sipshunt -s DIR/many.sock backend list --no-header")
    rows = [row.split("\t") for row in result.stdout.decode().splitlines()]
    check(len(rows) == 4096 and all(len(row) == 11 for row in rows), "4096 backends, 11 cells each")


def run_plan(commands):
    """The share that moves is what the weights ask for, within a percent."""
    # access has weights 100, 100, 50; more.yaml adds 100; maint.yaml takes 50 away.
    for old, new, moves in (("good", "more", 100 / 350), ("more", "good", 100 / 350),
                            ("good", "maint", 50 / 250), ("good", "good", 0)):
        result = commands.run("sipshunt plan -j %s.yaml %s.yaml" % (old, new))
        plan = json.loads(result.stdout)["services"][0]
        name = "plan %s to %s" % (old, new)
        check(abs(plan["moves"] - moves) < 0.01 and abs(plan["ideal"] - moves) < 1e-5, name, repr(plan))
        check(all(min(b["gets"], b["loses"]) == 0 for b in plan["backends"]),
              name + ": nothing moves between backends that stay as they are", repr(plan))
        check(abs(sum(b["gets"] for b in plan["backends"]) - plan["moves"]) < 1e-4, name + ": adds up")


def run_questions(commands, server):
    """What the daemon is asked is what docs/admin-protocol.md says."""
    expected = [
        ("backend set access/kam3 drain --reason 'CASE 1'", ["backend", "set", "access/kam3", "drain"],
         {"reason": "CASE 1"}),
        ("reload --dry-run", ["reload"], {"dry_run": True}),
        ("show errors --last", ["errors", "show"], {"last": 1}),
        ("registration list --limit 5", ["registration", "list"], {"limit": 5}),
        ("trace --from 'alice*' --limit 3 --timeout 2s", ["trace", "start"],
         {"from": "alice*", "limit": 3, "timeout_s": 2.0}),
        ("where - --source 192.0.2.9:5070 < options.sip", ["where", "message"], None),
    ]
    for line, command, options in expected:
        del server.asked[:]
        commands.run("sipshunt " + line)
        question = server.asked[0] if server.asked else {}
        check(question.get("command") == command and question.get("schema") == 1 and
              (options is None or question.get("options") == options), "asked by " + line, repr(question))
    del server.asked[:]
    commands.run("SUDO_USER=ana sipshunt status")
    check(server.asked[0]["options"] == {"by": "ana"}, "sudo's user is named")


def pcapng_blocks(data):
    at = 0
    while at < len(data):
        kind, size = (int.from_bytes(data[at + i:at + i + 4], sys.byteorder) for i in (0, 4))
        yield kind, data[at:at + size], int.from_bytes(data[at + size - 4:at + size], sys.byteorder)
        at += size


def run_pcap(commands, directory):
    path = os.path.join(directory, "t.pcapng")
    result = commands.run("sipshunt trace --call-id x --pcap DIR/t.pcapng")
    check(result.returncode == 0 and b"3 messages" in result.stderr, "pcapng: written", repr(result))
    with open(path, "rb") as file:
        blocks = list(pcapng_blocks(file.read()))
    check([kind for kind, _, _ in blocks] == [0x0A0D0D0A, 1, 6, 6, 6], "pcapng: the blocks", repr(blocks))
    check(all(len(block) == size and size % 4 == 0 for _, block, size in blocks), "pcapng: the lengths")
    check(b"forward by rule table, backend access/kam1" in blocks[2][1], "pcapng: the rule as comment")
    check(b"drop unparsable (bad-via)" in blocks[4][1], "pcapng: the drop reason as comment")
    packet = blocks[2][1][28:]
    check(packet[0] == 0x45 and packet[9] == 17 and packet[12:20] == bytes(
        (198, 51, 100, 7, 203, 0, 113, 5)), "pcapng: received is from the caller to us")
    check(blocks[3][1][28:][12:20] == bytes((203, 0, 113, 5, 10, 20, 1, 11)), "pcapng: sent is from "
          "us to the backend")
    check(blocks[4][1][28] == 0x60, "pcapng: IPv6")


def run_interrupted(program, directory):
    """Ctrl-C ends a trace in order: the file is whole, the status is 0."""
    path = os.path.join(directory, "interrupted.pcapng")
    process = subprocess.Popen([program, "-s", directory + "/running.sock", "trace", "--call-id", "x",
                                "--pcap", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=LIMIT_S)
    check(process.returncode == 0 and b"1 message, ended by: stopped" in errors, "trace: interrupted",
          repr(errors))
    with open(path, "rb") as file:
        check(len(list(pcapng_blocks(file.read()))) == 3, "trace: interrupted, file written")


def main():
    program, update = os.path.abspath(sys.argv[1]), "--update" in sys.argv
    with tempfile.TemporaryDirectory(prefix="cli-") as directory:
        commands = Commands(program, directory)
        server = fake_admin.Server(directory)
        for name in sorted(os.listdir(GOLDEN)):
            run_golden(commands, os.path.join(GOLDEN, name), update)
        run_json(commands)
        run_plan(commands)
        run_questions(commands, server)
        run_pcap(commands, directory)
        run_interrupted(program, directory)
        run_broken(commands)
    print("%d passed, %d failed" % (nb_passed, len(failures)))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
