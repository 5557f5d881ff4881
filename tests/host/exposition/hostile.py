#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Clients that mean no good, or are only slow; ordinary ones are answered all the same.

usage: hostile.py HOST:PORT      of a server with --web.max-requests 2 and --series=full
"""
import http.client
import resource
import socket
import sys
import time

HOST, PORT = sys.argv[1].rsplit(":", 1)


def fail(message):
    sys.exit("hostile.py: " + message)


def connect(receive_bytes=None):
    s = socket.socket()
    if receive_bytes:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    s.settimeout(60)
    s.connect((HOST, int(PORT)))
    return s


def get(path="/metrics"):
    c = http.client.HTTPConnection(HOST, int(PORT), timeout=60)
    c.request("GET", path)
    response = c.getresponse()
    body = response.read()
    c.close()
    return response.status, len(body)


def read_all(s):
    data = b""
    while True:
        piece = s.recv(65536)
        if not piece:
            return data
        data += piece


def expect(what, got, wanted):
    if got != wanted:
        fail(f"{what}: got {got!r}, expected {wanted!r}")


def garbage():
    for request in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET\r\n\r\n", b"\0" * 4096,
                    b"GET / HTTP/9.9\r\n\r\n",
                    b"GET /metrics HTTP/1.1\r\n" + b"A: b\r\n" * 100000,
                    b"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                    b"GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"):
        s = connect()
        try:
            s.sendall(request)
            s.shutdown(socket.SHUT_WR)
            # Without a line there is nothing to answer before the time-out.
            answer = read_all(s) if b"\n" in request else b""
        except OSError:
            answer = b""
        if b" 200 " in answer[:20]:
            fail(f"{request[:40]!r} was answered with 200")
        s.close()
        expect(f"after {request[:40]!r}", get()[0], 200)


def pipelined():
    s = connect()
    s.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n" * 20 +
              b"GET /-/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    expect("answers to 21 requests at once", read_all(s).count(b"HTTP/1.1 200"), 21)


def half_requests():
    held = []
    for _ in range(200):
        s = connect()
        s.sendall(b"GET /met")
        held.append(s)
    expect("beside 200 half requests", get()[0], 200)
    for s in held:
        s.close()


def ten_thousand():
    """Far more than there is room for, none of which says all that it wants."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # As many of them open at our end as we may have; the oldest make room.
    at_a_time = min(hard if hard != resource.RLIM_INFINITY else 10000, 10000) - 50
    held = []
    for n in range(10000):
        s = connect()
        try:
            s.sendall(b"GET /metrics HTTP/1.1\r\nHost: ")
        except OSError:
            pass
        held.append(s)
        if len(held) > at_a_time:
            held.pop(0).close()
        if n % 500 == 499:
            expect(f"beside {n + 1} connections", get()[0], 200)
    for s in held:
        s.close()
    expect("after 10000 connections", get()[0], 200)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def slow():
    """A request that comes byte by byte is answered, and holds up nobody."""
    s = connect()
    for byte in b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n":
        s.sendall(bytes([byte]))
        time.sleep(0.01)
        expect("beside a slow request", get("/-/ready")[0], 200)
    expect("a slow request", read_all(s)[:15], b"HTTP/1.1 200 OK")


def odd_paths():
    """NUL, dots and their other writings name nothing, and a line without end is refused."""
    for path in (b"/%00", b"/\0/x", b"/x\0", b"/../metrics", b"/..%2fmetrics", b"/./metrics",
                 b"//metrics", b"/metrics/..", b"metrics", b"\xff\xfe", b"/metrics%20",
                 b"http://x/metrics"):
        s = connect()
        s.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        status = read_all(s)[:12]
        # A path ends at a NUL, for the library as well as for us.
        allowed = (b"HTTP/1.1 404", b"HTTP/1.1 400", b"HTTP/1.0 400", b"")
        if status not in allowed + ((b"HTTP/1.1 200",) if path[:2] == b"/\0" else ()):
            fail(f"{path!r} was answered with {status!r}")
    for request in (b"GET /" + b"a" * (1 << 20) + b" HTTP/1.1\r\n\r\n",
                    b"GET / HTTP/1.1\r\nX: " + b"a" * (1 << 20) + b"\r\n\r\n"):
        s = connect()
        try:
            s.sendall(request)
        except OSError:
            pass
        try:
            answer = read_all(s)[:12]
        except OSError:
            answer = b""
        if answer not in (b"HTTP/1.1 431", b"HTTP/1.1 414", b"HTTP/1.1 400", b""):
            fail(f"{len(request)} bytes were answered with {answer!r}")
        expect("after a line of 1 MiB", get()[0], 200)


def too_many():
    """Those who ask and do not read hold their place; one more is told to wait."""
    held = []
    for _ in range(2):
        s = connect(receive_bytes=2048)
        # As many answers as no buffer between us takes.
        s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        held.append(s)
    deadline = time.time() + 60
    while get()[0] != 503:
        if time.time() > deadline:
            fail("a third one at a time is not told to wait")
        time.sleep(0.1)
    expect("health meanwhile", get("/-/healthy")[0], 200)
    for s in held:
        s.close()
    deadline = time.time() + 60
    while get()[0] != 200:
        if time.time() > deadline:
            fail("the places of those who left are not free")
        time.sleep(0.1)


for check in (garbage, pipelined, half_requests, slow, odd_paths, ten_thousand, too_many):
    check()
