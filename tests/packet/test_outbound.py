# SPDX-License-Identifier: BSD-3-Clause
"""Path, outbound and keep-alives (RFC 3327, RFC 5626, RFC 6223)."""

import random
import re

from lab import expect
from peer import packet_test, request, response
from test_answers import service_keys
from test_dialogs import dialog, our_route


def register(p, sender="caller", supported=b"path, outbound", via=None, **more):
    via = via or b"SIP/2.0/UDP 192.168.7.7:5060;rport;branch=z9hG4bKreg%d" % random.getrandbits(32)
    headers = [(b"Contact", b"<sip:alice@192.168.7.7:5060>")]
    if supported:
        headers.append((b"Supported", supported))
    return p.forward(request(b"REGISTER", uri=b"sip:example.com", via=via, headers=headers, **more),
                     sender)


def through(p, path, who="b2", method=b"INVITE"):
    """A backend's request to the registered client."""
    p.send(request(method, uri=b"sip:alice@192.168.7.7:5060", route=[path],
                   via=b"SIP/2.0/UDP 10.20.1.102;branch=z9hG4bKpath%d" % random.getrandbits(32)),
           who)


@packet_test
def rfc5626_5_3_a_path_leads_to_the_clients_flow_from_any_backend(p):
    path = register(p, "caller2").message.one("Path")
    for who in ("b1", "b2", "b3"):
        through(p, path, who)
        got = p.receive("caller2")
        expect(got.source == p.vip, "it left from %s" % (got.source,))
        expect(got.message.start == b"INVITE sip:alice@192.168.7.7:5060 SIP/2.0",
               got.message.start)
        expect(not got.message.all("Route"), "Route is left")
        p.send(response(got.message), "caller2")
        expect(p.receive(who).message.status == 200, "the answer went elsewhere")


@packet_test
def rfc5626_5_1_ob_only_for_the_first_hop_of_outbound(p):
    expect(b";ob" in register(p).message.one("Path"), "no ;ob")
    expect(b";ob" not in register(p, supported=b"path").message.one("Path"), "ob without outbound")
    second = b"SIP/2.0/UDP 198.51.100.10:5060;branch=z9hG4bKsecond1, SIP/2.0/UDP 10.9.9.9;branch=z9"
    expect(b";ob" not in register(p, via=second).message.one("Path"), "ob for a second hop")


@packet_test
def rfc3327_5_1_no_path_without_supported_path(p):
    for supported in (None, b"outbound", b"xpath, path2"):
        got = register(p, supported=supported).message
        expect(not got.all("Path"), "Path for Supported: %r" % supported)


@packet_test
def rfc3327_5_2_a_path_that_is_there_stays_behind_ours(p):
    got = p.forward(request(b"REGISTER", uri=b"sip:example.com",
                            headers=[(b"Supported", b"path"),
                                     (b"Path", b"<sip:10.9.9.9;lr>")])).message
    paths = got.all("Path")
    expect(len(paths) == 2 and b"203.0.113.5" in paths[0] and paths[1] == b"<sip:10.9.9.9;lr>",
           "Path: %r" % paths)


@packet_test
def rfc5626_11_the_path_of_another_is_of_no_use_outside(p):
    """Whoever knows a flow token from a 200 cannot send through it."""
    path = register(p, "caller2").message.one("Path")
    p.send(request(b"INVITE", route=[path]))
    got = p.receive_all()
    expect([g.who[0] for g in got] == ["b"], "it arrived at %s" % [g.who for g in got])


@packet_test
def rfc5626_5_3_1_a_flow_that_we_refuse_is_430(p):
    path = register(p, "caller2").message.one("Path")
    listen = [dict(p.node.service["listen"][0])]
    listen[0]["acl"] = {"deny": ["198.51.100.0/24"]}
    with service_keys(p, listen=listen):
        through(p, path)
        answer = p.receive("b2").message
        expect(answer.status == 430, answer.start)
        expect(not p.receive_all(), "the client got it as well")
        through(p, path, method=b"ACK")
        expect(not p.receive_all(), "an ACK was answered")
    through(p, path)
    p.receive("caller2")


@packet_test
def rfc5626_5_3_1_a_dialog_towards_a_flow_that_we_refuse_is_430(p):
    who, invite, answer = dialog(p, 5000)
    listen = [dict(p.node.service["listen"][0])]
    listen[0]["acl"] = {"deny": ["198.51.100.0/24"]}
    bye = request(b"BYE", uri=b"sip:alice@198.51.100.10", to_tag=b"x", cseq=9,
                  call_id=answer.one("Call-ID"), route=[our_route(invite)],
                  via=b"SIP/2.0/UDP 10.20.1.101:5060;branch=z9hG4bK430%d" % random.getrandbits(32))
    with service_keys(p, listen=listen):
        p.send(bye, who)
        answer = p.receive(who).message
        expect(answer.status == 430, answer.start)
        expect(not p.receive_all(), "the client got it as well")
    p.send(bye, who)
    expect(p.receive("caller").message.start.startswith(b"BYE "), "it works again")


@packet_test
def rfc5626_5_3_a_forged_or_changed_flow_token_leads_nowhere_new(p):
    path = register(p, "caller2").message.one("Path")
    user = re.search(rb"sip:([^@]+)@", path).group(1)
    for position in range(2, len(user), 3):
        changed = bytearray(user)
        changed[position] = ord("b") if changed[position] == ord("a") else ord("a")
        p.send(request(b"MESSAGE", uri=b"sip:x@198.51.100.10:5060",
                       route=[path.replace(user, bytes(changed))],
                       via=b"SIP/2.0/UDP 10.20.1.102;branch=z9hG4bKforged%d" % position), "b2")
    got = p.receive_all()
    expect({g.who for g in got} <= {"caller", "b2"}, "it arrived at %s" % {g.who for g in got})


@packet_test
def rfc6223_4_4_keep_gets_a_value(p):
    via = b"SIP/2.0/UDP 198.51.100.10:5060;keep;branch=z9hG4bKkeep%d"
    got = register(p, via=via % 1).message
    expect(b";keep=30" in got.vias[1], "Via is %r" % got.vias[1])
    got = p.forward(request(b"INVITE", via=via % 2)).message
    expect(b";keep=30" in got.vias[1], "Via is %r" % got.vias[1])
    p.send(response(got), "b1")
    p.receive_all()


@packet_test
def rfc6223_4_4_no_value_where_it_may_not_be(p):
    """In a dialog, in other methods, and where somebody has given one."""
    for method, to_tag, keep in ((b"MESSAGE", b"", b";keep"), (b"INVITE", b"x", b";keep"),
                                 (b"INVITE", b"", b";keep=5"), (b"INVITE", b"", b";keeper")):
        via = b"SIP/2.0/UDP 198.51.100.10:5060%s;branch=z9hG4bKnokeep%d" % (
            keep, random.getrandbits(32))
        got = p.forward(request(method, via=via, to_tag=to_tag)).message
        expect(keep + b";" in got.vias[1], "Via is %r" % got.vias[1])


@packet_test
def rfc5626_4_4_keep_alives_of_other_shapes_are_no_messages(p):
    before = p.drops()
    for octets in (b"\r\n", b"\0\0", b"", b"\r\n\r\n\r\n"):
        p.silent(octets)
    p.dropped(before, 4, "keepalive")
