# SPDX-License-Identifier: BSD-3-Clause
"""Complete calls and single requests through the balancer, all by real SIP programs."""

from lab import Failure, Lab, expect
from sip import Answerer, Backends, Caller
from sipshunt import Node


def balanced(shares, calls):
    """State that no share is further from the mean than chance explains (5 sigma)."""
    p = 1.0 / len(shares)
    slack = 5 * (calls * p * (1 - p)) ** 0.5
    for name, n in shares.items():
        expect(abs(n - calls * p) <= slack,
               "%s got %d of %d calls: %s" % (name, n, calls, dict(shares)))


def calls_complete(lab, calls=300, rate=100, scenario="call", answer="answer", workers="1",
                   driver="net_af_xdp", **caller):
    """Make calls through a fresh node; each completes, and each is seen by one backend only."""
    backends = Backends(lab)
    node = Node(lab, workers=workers, driver=driver).start()
    Answerer(lab, answer)
    result = Caller(lab, "caller", scenario, calls=calls, rate=rate, **caller).all_completed()
    backends.each_call_at_one(result.started)
    balanced(backends.shares(result.started), calls)
    # A busy machine may be slower than SIP's half a second; lost messages would be many.
    expect(result.retransmissions <= calls / 4,
           "%d messages had to be sent again" % result.retransmissions)
    return node, backends, result


def a_thousand_calls_complete_and_each_stays_at_one_backend():
    """100 calls/s with re-INVITE and BYE over three Kamailio backends."""
    with Lab("thousand") as lab:
        calls_complete(lab, calls=1000, rate=100)


def a_thousand_calls_complete_over_ipv6():
    with Lab("thousand6", family=6) as lab:
        calls_complete(lab, calls=1000, rate=100)


def calls_complete_with_one_port():
    """Callers, backends and called parties in one subnet, the balancer on a stick."""
    with Lab("one-port", one_port=True) as lab:
        calls_complete(lab)


def calls_complete_with_two_workers():
    with Lab("workers") as lab:
        calls_complete(lab, workers="0,1", driver="net_tap")


def calls_complete_over_af_packet():
    """What the demo falls back to on a kernel without AF_XDP."""
    with Lab("packet") as lab:
        calls_complete(lab, driver="net_af_packet")


def in_dialog_requests_of_the_called_party_reach_the_caller():
    with Lab("callback") as lab:
        calls_complete(lab, scenario="callback", answer="answer-callback")


def a_cancelled_call_ends_with_487_at_the_backend_of_its_invite():
    with Lab("cancel") as lab:
        calls_complete(lab, scenario="cancel", answer="answer-cancel")


def options_are_answered():
    with Lab("options") as lab:
        calls_complete(lab, scenario="options", answer="answer-single")


def messages_are_answered():
    with Lab("message") as lab:
        calls_complete(lab, scenario="message", answer="answer-single")


def registrations_are_answered_and_learned():
    with Lab("register") as lab:
        node, _, _ = calls_complete(lab, scenario="register", answer="answer-single",
                                    service="user", domain="example.com",
                                    extra=["-key", "expires", "600"])
        listed = node.json("registration", "list", "--limit", "1000")["registrations"]
        expect(len(listed) == 300, "%d of 300 registrations are listed" % len(listed))


def the_kernel_answers_ping_of_the_virtual_address():
    with Lab("ping") as lab:
        Backends(lab)
        Node(lab).start()
        for address in (lab.a.vip, lab.lb_outside()):
            done = lab.ping(address)
            expect(" 0% packet loss" in done.stdout, "%s: %s" % (address, done.stdout))


def the_kernel_answers_ping_of_the_virtual_ipv6_address():
    with Lab("ping6", family=6) as lab:
        Backends(lab)
        Node(lab).start()
        for address in (lab.a.vip, lab.lb_outside()):
            done = lab.ping(address)
            expect(" 0% packet loss" in done.stdout, "%s: %s" % (address, done.stdout))


def tcp_to_the_node_goes_through_the_port_to_the_kernel():
    """As BGP or ssh would, while calls run."""
    import socket

    with Lab("tcp") as lab:
        backends = Backends(lab)
        Node(lab).start()
        Answerer(lab)
        with lab.inside("lb"):
            server = socket.create_server((lab.lb_outside(), 179))
        lab.closers.append(server.close)
        caller = Caller(lab, "caller", calls=200, rate=100)
        with lab.inside("call"):
            client = socket.create_connection((lab.lb_outside(), 179), timeout=30)
        peer, _ = server.accept()
        peer.settimeout(30)
        sent = bytes(range(256)) * 400
        client.sendall(sent[:50000])
        got = b""
        while len(got) < 50000:
            data = peer.recv(65536)
            if not data:
                raise Failure("TCP ended after %d octets" % len(got))
            got += data
        expect(got == sent[:50000], "TCP octets were changed")
        client.close()
        peer.close()
        backends.each_call_at_one(caller.all_completed().started)
