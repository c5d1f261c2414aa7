# SPDX-License-Identifier: BSD-3-Clause
"""A control process that only knows the answers of docs/admin-protocol.md, good and bad ones."""

import base64
import json
import os
import socket
import threading
import time

TIME = "2026-11-21T09:14:02.118Z"
TABLE = "9c41e07a00112233"


def b64(octets):
    return base64.b64encode(octets).decode()


def backend(name, address, **fields):
    item = {
        "service": "access", "name": name, "address": address, "zone": None, "id": 7,
        "admin": "ready", "configured": "ready", "by": "config", "reason": None, "set_at": None,
        "health": "up", "streak": 0, "rise": 3, "fall": 3, "since": TIME, "since_s": 525600.0,
        "own_health": "up", "verdict": "none",
        "probe": {"result": "good", "status": 200, "rtt_ms": 0.42, "paused": False},
        "weight": 100, "effective_weight": 100, "share": 0.4, "fresh": True, "pinned": True,
        "requests": 18211, "fresh_requests": 7000,
        "responses": {"1xx": 0, "2xx": 18000, "3xx": 0, "4xx": 9, "5xx": 3, "6xx": 0},
    }
    item.update(fields)
    return item


BACKENDS = [
    backend("kam1", "10.20.1.11:5060"),
    backend("kam2", "10.20.1.12:5060", admin="maint", health="up", since_s=39780, share=0.0,
            by="ana", reason="disk swap \u2013 \u78c1\u76d8", set_at=TIME, fresh=False, pinned=False,
            requests=0, probe={"result": "none", "status": None, "rtt_ms": None, "paused": True}),
    backend("kam3", "[2001:db8::13]:5060", health="falling", streak=2, since_s=4, share=0.2,
            effective_weight=50, requests=9104,
            probe={"result": "timeout", "status": None, "rtt_ms": None, "paused": False}),
    backend("kam4", "10.20.1.14:5060", health="rising", streak=1, since_s=None, reason="x\x1b[31m",
            by="bob\n"),
]

STATUS = {
    "version": "0.1.0", "node": "edge-fra-1", "cluster": "edge-fra", "pid": 4711, "started": TIME,
    "uptime_s": 525600.5,
    "config": {
        "path": "/etc/sipshunt/sipshunt.yaml", "digest": "00000000000000aa",
        "cluster_digest": "00000000000000bb", "needs_restart": ["dataplane.workers", "node.name"],
        "last_reload": {"success": True, "at": TIME, "success_at": TIME, "error": None,
                        "accepted": 3, "refused": 1}},
    "dataplane": {
        "link": "running", "since": TIME, "pid": 4712, "started": TIME, "generation": 42,
        "workers": 2, "workers_alive": 2, "start_digest_matches": False, "mbufs_total": 16384,
        "mbufs_in_use": 310, "bindings": 120, "held_packets": 0,
        "ports": [
            {"name": "wan0", "twin": "sx-wan0", "mac": "02:00:00:00:00:01", "mtu": 1500,
             "link_up": True, "rx_packets": 10, "rx_octets": 1, "tx_packets": 9, "tx_octets": 1,
             "rx_missed": 1, "rx_errors": 2, "tx_errors": 3, "rx_no_mbuf": 0},
            {"name": "core0", "twin": "sx-core0", "mac": "02:00:00:00:00:02", "mtu": 9000,
             "link_up": False, "rx_packets": 0, "rx_octets": 0, "tx_packets": 0, "tx_octets": 0,
             "rx_missed": 0, "rx_errors": 0, "tx_errors": 0, "rx_no_mbuf": 0}]},
    "services": [{"name": "access", "backends": 4, "usable": 2, "table_hash": TABLE,
                  "requests": 27315, "responses": 36000, "drops": 12}],
    "redis": {"state": "stale", "stale": True, "stale_s": 71.5, "since": TIME,
              "server": "10.20.9.1:6379", "error": "Connection refused", "pending": 0},
    "registrations": {"count": 120, "max": 100000},
    "ready": False, "ready_reasons": ["service core has no usable backend", "worker 1 stands still"],
}

CANDIDATES = [
    {"backend": "kam1", "address": "10.20.1.11:5060", "admin": "ready", "health": "up",
     "fresh": True, "pinned": True, "chosen": True},
    {"backend": "kam2", "address": "10.20.1.12:5060", "admin": "maint", "health": "up",
     "fresh": False, "pinned": False, "chosen": False},
    {"backend": "kam4", "address": "10.20.1.14:5060", "admin": "ready", "health": "up",
     "fresh": True, "pinned": True, "chosen": False},
]

REGISTRATION = {"aor": "sip:alice@example.com", "contact": "sip:alice@198.51.100.10:5062",
                "service": "access", "backend": "kam1", "flow": "198.51.100.10:5062",
                "expires_s": 3599, "node": "edge-fra-1"}

RELOAD = {
    "dry_run": False, "published": True, "generation": 43, "took_ms": 38.1,
    "changes": [
        {"kind": "add", "object": "access/kam4", "detail": "10.20.1.14:5060 weight 100"},
        {"kind": "keep", "object": "access/kam2", "detail": "maint, set by ana \"disk swap\""}],
    "moves": [{"service": "access", "share": 0.4, "ideal": 0.4,
               "to": [{"backend": "kam4", "share": 0.4}], "table_hash": TABLE}],
    "needs_restart": [{"key": "dataplane.workers", "from": "2-5", "to": "2-7"}],
}

ERROR_OCTETS = b"\r\nCall-ID: 1@a\r\nCall-ID: 2@\x07\r\nCSeq: 1 INVITE\r\n"

SENT = (b"OPTIONS sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.5:5060;branch=z9hG4bKx\r\n"
        b"Content-Length: 2\r\n\r\n\xff\x00")

COPIES = [
    {"at": TIME, "direction": "received", "source": "198.51.100.7:5061", "local": "203.0.113.5:5060",
     "to": "10.20.1.11:5060", "service": None, "backend": "access/kam1", "action": "forward",
     "rule": "table", "drop": None, "reason": None, "worker": 0, "message_len": len(SENT),
     "octets": b64(SENT)},
    {"at": TIME, "direction": "sent", "source": "198.51.100.7:5061", "local": "203.0.113.5:5060",
     "to": "10.20.1.11:5060", "service": None, "backend": "access/kam1", "action": "forward",
     "rule": "table", "drop": None, "reason": None, "worker": 0, "message_len": len(SENT),
     "octets": b64(SENT)},
    {"at": TIME, "direction": "received", "source": "[2001:db8::7]:5061",
     "local": "[2001:db8:5::5]:5060", "to": None, "service": "access", "backend": None,
     "action": "drop", "rule": None, "drop": "unparsable", "reason": "bad-via", "worker": 1,
     "message_len": 6000, "octets": b64(b"BYE \x1b[2J")},
]

REJECTED = {
    "schema": 1, "ok": False, "exit": 1, "error": "2 errors, nothing was applied",
    "errors": [
        {"file": "/etc/sipshunt/sipshunt.yaml", "line": 35, "column": 15,
         "path": "defaults.health_check.interval", "message": "\"5\" has no unit, did you mean \"5s\"?"},
        {"file": "/etc/sipshunt/sipshunt.yaml", "line": 59, "column": 16,
         "path": "services[access].backends[2].name",
         "message": "\"kam2\" is already used at line 58"}],
}


def ok(**fields):
    return dict({"schema": 1, "ok": True}, **fields)


def refuse(status, text):
    return {"schema": 1, "ok": False, "exit": status, "error": text}


def answer(command, options):
    """What a healthy control process says. A list is a stream."""
    words = " ".join(command)
    if words == "status":
        return ok(**STATUS)
    if words == "version":
        return ok(version="0.1.0", dataplane_pid=4712)
    if words == "reload":
        return ok(**dict(RELOAD, dry_run=bool(options.get("dry_run"))))
    if words == "config diff":
        return ok(**dict(RELOAD, dry_run=True))
    if words == "config show":
        return ok(path="/etc/sipshunt/sipshunt.yaml", text="schema: 1\nnode: {name: \x1b[31m}\n",
                  digest="00000000000000aa", last_reload=STATUS["config"]["last_reload"])
    if words == "service list":
        return ok(services=[{
            "name": "access", "mode": "proxy", "hash": "call-id", "register_hash": "to-aor",
            "affinity": "call-id", "listeners": ["203.0.113.5:5060", "[2001:db8:5::5]:5060"],
            "backends": 4, "usable": 2, "table_hash": TABLE, "prev_window_s": 0.0,
            "requests": 27315, "responses": 36000, "replies": 4, "drops": 12, "parse_errors": 7}])
    if words in ("backend list", "backend list access"):
        return ok(backends=BACKENDS, now=TIME)
    if words == "backend show access/kam1":
        return ok(backend=dict(BACKENDS[0], counter=3, index=0, changes=2,
                               probes={"good": 100, "timeout": 1},
                               rtt_histogram=[{"le_s": 0.00025, "count": 7},
                                              {"le_s": None, "count": 0}]))
    if words == "backend set access/kam3 drain":
        return ok(backend=dict(BACKENDS[2], admin="drain", by=options.get("by", "root"),
                               reason=options.get("reason")), previous="ready", share_moved=0.2)
    if words.startswith("backend "):
        return refuse(1, "no backend \"%s\"; access has kam1, kam2, kam3, kam4" % command[2])
    if words == "where access call-id a84b4c76e66710@pc33.example.com":
        return ok(service="access", key="call-id", value=command[3], digest="00000000000000cc",
                  row=40213, rows=65536, table_hash=TABLE, generation=42, candidates=CANDIDATES,
                  chosen="kam1", rule="table", note="")
    if words == "where message":
        octets = base64.b64decode(options["message"])
        if octets.startswith(b"OPTIONS"):
            return ok(parsed=True, reason=None, offset=0, action="forward", rule="table", drop=None,
                      status=None, service="access", backend="kam1", **{"from": "203.0.113.5:5060"},
                      to="10.20.1.11:5060", row=40213, candidates=CANDIDATES,
                      digest="00000000000000cc", result=b64(SENT),
                      note="from %s" % options.get("source", "nowhere"))
        return ok(parsed=False, reason="not-sip", offset=0, action="drop", rule="none",
                  drop="unparsable", status=None, service=None, backend=None, to=None, row=None,
                  candidates=[], digest=None, result=None, note="", **{"from": None})
    if words == "registration list":
        return ok(total=1, registrations=[REGISTRATION] * min(options.get("limit", 2), 2))
    if words == "registration show sip:alice@example.com":
        return ok(aor=command[2], bindings=[REGISTRATION])
    if words.startswith("registration show"):
        return refuse(1, "nobody is registered as \"%s\"" % command[2])
    if words == "node list":
        return ok(nodes=[
            {"name": "edge-fra-1", "self": True, "state": "alive", "last_seen_s": 0.4,
             "config_digest": "00000000000000aa", "generation": 42, "tables": {"access": TABLE},
             "agrees": True},
            {"name": "edge-fra-2", "self": False, "state": "gone", "last_seen_s": 71.0,
             "config_digest": "00000000000000ab", "generation": 41, "tables": {"access": "0" * 16},
             "agrees": False}])
    if words == "errors show":
        return ok(errors=[{
            "at": TIME, "service": "access", "source": "198.51.100.7:5061",
            "reason": "duplicate-header", "offset": 304, "message_len": 612, "copied_off": 288,
            "octets": b64(ERROR_OCTETS)}] * min(options.get("last", 2), 2))
    if words == "counters":
        return ok(workers=[{"worker": 0, "turns": 5, "events_lost": 0, "drops": {"bad-ip": 2}}],
                  services=[{"name": "access", "requests": {"INVITE": 12, "BYE": 0},
                             "rules": {"table": 1}}],
                  latency={"count": 1, "p50_us": 1.25, "p99_us": 4.0})
    if words == "ready access":
        return ok(ready=True, reasons=[])
    if words == "ready core":
        return ok(ready=False, reasons=["no usable backend"])
    if words.startswith("ready "):
        return refuse(1, "no service \"%s\"" % command[1])
    if words == "trace start":
        if options.get("call_id") == "busy":
            return refuse(1, "a trace is running already; \"sipshunt trace stop\" ends it")
        copies = COPIES[:options.get("limit", 200)]
        return [ok(trace=True)] + [dict({"schema": 1}, **c) for c in copies] + [
            ok(end="limit", copies=len(copies), lost=1 if options.get("call_id") == "lossy" else 0)]
    if words == "trace stop":
        return ok()
    return refuse(2, "unknown command \"%s\"" % words)


def lines(value):
    values = value if isinstance(value, list) else [value]
    return b"".join(json.dumps(v).encode() + b"\n" for v in values)


# The bad ones, by the name of the socket. Each gets the connection after the question was read.
def closed(_, __):
    pass


def silent(connection, _):
    # Until the other side gives up.
    connection.settimeout(20)
    try:
        connection.recv(1)
    except OSError:
        pass


def dribble(connection, _):
    for _ in range(40):
        connection.sendall(b" ")
        time.sleep(0.1)


def garbage(connection, _):
    connection.sendall(b"\xff\x00{]\n")


def array(connection, _):
    connection.sendall(b"[1,2,3]\n")


def half(connection, _):
    connection.sendall(b'{"schema":1,"ok":true,"backends":[')


def deep(connection, _):
    connection.sendall(b'{"a":' + b"[" * 100000 + b"\n")


def types(connection, _):
    """Every field of another type than agreed."""
    connection.sendall(lines(ok(
        backends={"a": 1}, services=[1, "x", None, {"name": 5, "listeners": "no"}],
        nodes=[{"name": None, "tables": [1]}], registrations=[[]], errors=[{"octets": "%%%%"}],
        backend=[1, 2], workers="none", ready="yes", reasons=5, config=7, dataplane=None,
        redis=[], uptime_s=1e300, row="x", candidates=7, chosen=0, changes=[1], moves=[None],
        needs_restart={}, generation="x", took_ms=None, text=9, end=None)))


def noexit(connection, _):
    connection.sendall(b'{"ok":false}\n')


def rejected(connection, _):
    connection.sendall(lines(REJECTED))


def waiting(connection, _):
    """Accepted, but there is no dataplane."""
    connection.sendall(lines(ok(**dict(RELOAD, published=False, generation=0, moves=[]))))


def many(connection, _):
    connection.sendall(lines(ok(backends=[
        backend("b%04d" % i, "10.0.%d.%d:5060" % (i // 250, i % 250 + 1)) for i in range(4096)])))


def endless(connection, _):
    try:
        while True:
            connection.sendall(b" " * 65536)
    except OSError:
        pass


def running(connection, _):
    """A trace that goes on until the other side has enough."""
    connection.sendall(lines([ok(trace=True), dict({"schema": 1}, **COPIES[0])]))
    silent(connection, _)


BAD = {f.__name__: f for f in (closed, silent, dribble, garbage, array, half, deep, types, noexit,
                               rejected, waiting, many, endless, running)}


def healthy(connection, question):
    connection.sendall(lines(answer(question["command"], question["options"])))


class Server:
    """Listens on DIR/NAME.sock for every kind of answer; `asked` keeps the questions."""

    def __init__(self, directory):
        self.directory = directory
        self.asked = []
        for name, handler in dict(BAD, good=healthy).items():
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.bind(self.path(name))
            listener.listen(8)
            threading.Thread(target=self.serve, args=(listener, handler), daemon=True).start()
        # A socket that nobody accepts on: the file is there, the process is gone.
        dead = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        dead.bind(self.path("dead"))
        dead.close()

    def path(self, name):
        return os.path.join(self.directory, name + ".sock")

    def serve(self, listener, handler):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=self.talk, args=(connection, handler), daemon=True).start()

    def talk(self, connection, handler):
        with connection:
            data = b""
            while not data.endswith(b"\n"):
                more = connection.recv(65536)
                if not more:
                    return
                data += more
            question = json.loads(data)
            self.asked.append(question)
            try:
                handler(connection, question)
            except OSError:
                pass
