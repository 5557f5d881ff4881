#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Clients that mean no good, or are only slow; ordinary ones are answered all the same.

usage: hostile.py HOST:PORT      of a server with --web.max-requests 2 and --series=full
"""
import http.client
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


for check in (garbage, pipelined, half_requests, too_many):
    check()
