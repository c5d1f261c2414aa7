# SPDX-License-Identifier: BSD-3-Clause
"""A sandbox that the kernel takes away whole.

Everything the tests and the demo start lives in one PID, mount, network and IPC namespace with a
private /run. When the sandbox's first process dies, for whatever reason, SIGKILL included, the
kernel ends every process in it, and with the last of them its interfaces, mounts, network
namespaces and scratch files. There is nothing that a clean-up could forget.

    caller -> holder (own session) -> init of the PID namespace -> driver -> everything else
"""

import ctypes
import os
import signal
import subprocess
import sys

CLONE_NEWNS = 0x00020000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
PR_SET_PDEATHSIG = 1

libc = ctypes.CDLL("libc.so.6", use_errno=True)
libc.mount.argtypes = [ctypes.c_char_p] * 3 + [ctypes.c_ulong, ctypes.c_char_p]

detach_fd = -1  # where the driver lets the caller go
outside_pid = 0  # of the sandbox's init, as the caller's PID namespace numbers it


def die_with_parent():
    """Ask the kernel to kill this process when the one that started it ends."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def unshare(flags):
    if libc.unshare(flags) != 0:
        err = ctypes.get_errno()
        raise OSError(err, "unshare: " + os.strerror(err))


def mount(source, target, kind, flags=0, data=None):
    """mount(2) itself: mount(8) would leave its notes in the /run that is not ours yet."""
    text = [t.encode() if t else None for t in (source, target, kind, data)]
    if libc.mount(text[0], text[1], text[2], flags, text[3]) != 0:
        err = ctypes.get_errno()
        raise OSError(err, "mount %s: %s" % (target, os.strerror(err)))


def exit_code(status):
    if os.WIFSIGNALED(status):
        return 128 + os.WTERMSIG(status)
    return os.WEXITSTATUS(status)


def call_and_exit(main):
    """Run main() as the whole life of a forked process."""
    code = 1
    try:
        code = main() or 0
    except SystemExit as e:
        code = e.code if isinstance(e.code, int) else 1
    except KeyboardInterrupt:
        code = 130
    except BaseException:  # the traceback must reach the terminal: no frame above us would print it
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def init(main, pid_pipe):
    """First process of the PID namespace: make the private places, start the driver, reap."""
    global outside_pid
    die_with_parent()
    outside_pid = int(os.read(pid_pipe, 32))
    os.close(pid_pipe)
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    mount("proc", "/proc", "proc")
    mount("tmpfs", "/run", "tmpfs", data="mode=0755")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    os.makedirs("/run/netns")
    os.makedirs("/run/lock")

    driver = os.fork()
    if driver == 0:
        call_and_exit(main)
    while True:
        pid, status = os.wait()
        if pid == driver:
            # Leaving ends every process that is still in the namespace.
            return exit_code(status)


def holder(main, keep):
    os.setsid()
    if not keep:
        die_with_parent()
    unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(writer)
        call_and_exit(lambda: init(main, reader))
    os.write(writer, b"%d" % pid)
    os.close(writer)
    _, status = os.waitpid(pid, 0)
    return exit_code(status)


def run(main, keep=False):
    """Run main() in a new sandbox, return its exit code. Signals to the caller end the sandbox.

    With keep, main() may call detach(code): the caller then returns with that code and the
    sandbox goes on until its init (outside_pid, as the caller's namespace numbers it) is killed.
    """
    global detach_fd
    sys.stdout.flush()
    sys.stderr.flush()
    reader, detach_fd = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(sig, signal.SIG_DFL)
        call_and_exit(lambda: holder(main, keep))
    os.close(detach_fd)

    def stop(sig, _frame):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        print("interrupted: everything that ran is gone", file=sys.stderr, flush=True)
        os._exit(128 + sig)

    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(sig, stop)
    answer = os.read(reader, 1)
    if answer:
        return answer[0]
    _, status = os.waitpid(pid, 0)
    return exit_code(status)


def detach(code):
    """Let the caller of run(keep=True) go, with this exit code."""
    os.write(detach_fd, bytes([code]))
    os.close(detach_fd)
