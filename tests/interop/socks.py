# SPDX-License-Identifier: MIT
"""A SOCKS 5 server (RFC 1928) on loopback that does as a test wants. It looks up no name: each one is a server on this machine.

    with Socks(server.port) as socks:
        ... run the client with --socks 127.0.0.1:<socks.port>
        assert socks.requests == [b"..."]

`method`, `reply`: the octets of its two answers. `cut`: after so many octets of both it does `then`: "close", "reset" or "hang". `pieces`:
the length of what is sent at a time. `together`: the first octets of the mail server go out with the reply, in one piece.
"""
import select
import socket
import struct
import threading
import time

METHOD = b"\x05\x00"
REPLY = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x12\x34"
REPLY_V6 = b"\x05\x00\x00\x04" + bytes(16) + b"\x12\x34"
REPLY_NAME = b"\x05\x00\x00\x03\x09localhost\x12\x34"


class Socks:
    def __init__(self, target, method=METHOD, reply=REPLY, cut=None, then="close", pieces=None, together=False, host="127.0.0.1"):
        self.target, self.method, self.reply, self.cut, self.then = target, method, reply, cut, then
        self.pieces, self.together = pieces, together
        self.requests, self.hellos, self.failures = [], [], []
        self._open = []
        self._listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in (self._listener, *self._open):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            self._dialogue(client)
        except OSError as e:  # the client went away
            self.failures.append(str(e))

    def _dialogue(self, client):
        self._left = self.cut
        self.hellos.append(self._take(client, 3))
        if not self._give(client, self.method) or self.method != METHOD:
            return self._wait(client)
        head = self._take(client, 4)
        length = {1: 4, 4: 16}.get(head[3])
        first = b"" if length else self._take(client, 1)
        self.requests.append(head + first + self._take(client, (length or first[0]) + 2))
        if self.reply[1:2] != b"\0":
            self._give(client, self.reply)
            return self._wait(client)
        server = socket.create_connection(("127.0.0.1", self.target))
        self._open.append(server)
        words = server.recv(4096) if self.together else b""
        if self._give(client, self.reply + words):
            self._relay(client, server)

    def _take(self, client, n):
        octets = b""
        while len(octets) < n:
            more = client.recv(n - len(octets))
            if not more:
                raise OSError("the client ended")
            octets += more
        return octets

    def _give(self, client, octets):
        """Returns whether the dialogue goes on."""
        is_cut = self._left is not None and self._left < len(octets)
        sent = octets[:self._left] if is_cut else octets
        for at in range(0, len(sent), self.pieces or len(sent) or 1):
            client.sendall(sent[at:at + (self.pieces or len(sent))])
            if self.pieces:
                time.sleep(0.002)
        if self._left is not None:
            self._left -= len(sent)
        if is_cut and self.then == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        elif is_cut and self.then == "close":
            client.shutdown(socket.SHUT_WR)
        if is_cut and self.then != "reset":
            self._wait(client)
        return not is_cut

    @staticmethod
    def _wait(client):
        while client.recv(4096):
            pass

    @staticmethod
    def _relay(client, server):
        other = {client: server, server: client}
        while True:
            for one in select.select([client, server], [], [])[0]:
                octets = one.recv(65536)
                if not octets:
                    other[one].shutdown(socket.SHUT_WR)
                    return Socks._wait(other[one])
                other[one].sendall(octets)
