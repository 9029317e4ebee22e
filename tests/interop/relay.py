# SPDX-License-Identifier: MIT
"""A small relay on loopback between the command and a server: counts octets, and stops the traffic where a test wants to look or to strike.

It passes octets on unchanged and knows of POP3 only that a command is a line.
"""
import socket
import struct
import threading

DATA_SEGS_IN = 152  # where tcpi_data_segs_in stands in Linux' struct tcp_info


class Relay:
    """Relays every connection to (host, port). `up` and `down` count octets to and from the server; with `keep`, `sent` holds those to it.
    `received` has a pair for each piece that came from a client: how many TCP segments brought it, and the lines that ended in it.
    `listener`: a listening socket to be used, which is closed at the end."""

    def __init__(self, port, host="127.0.0.1", keep=False, listener=None):
        self._target = (host, port)
        self._keep = keep
        self._flips = (None, None, 0)
        self.sent = b""
        self._listener = listener or socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.up = 0
        self.down = 0
        self.commands = []
        self.received = []
        self._down_actions = []
        self._command_actions = {}
        self._open = []
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for s in (self._listener, *self._open):
            _cut(s)

    def after(self, octets, action):
        """Calls action() once that many octets came down, before any further one passes."""
        self._down_actions.append([octets, action])

    def flip(self, up=None, down=None, bits=1):
        """Changes these bits of the octet with that number, counted from 0, on its way to or from the server."""
        self._flips = (up, down, bits)

    def before(self, command, action):
        """Calls action() when the client sends this line, before the server gets it."""
        self._command_actions[command] = action

    def most_in_one_segment(self):
        """The largest number of commands that came in one TCP segment. Pieces of several segments do not count."""
        return max((len(lines) for segments, lines in self.received if segments == 1), default=0)

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._target)
            except OSError:
                client.close()
                continue
            for s in (client, server):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open += [client, server]
            for pump in (lambda c=client, s=server: self._pump_up(c, s), lambda c=client, s=server: self._pump_down(s, c)):
                threading.Thread(target=pump, daemon=True).start()

    def _pump_up(self, client, server):
        line, segments = b"", 0
        for data in _octets_of(client):
            before, segments = segments, _segments_in(client)
            data = _flipped(data, self._flips[0], self.up, self._flips[2])
            self.up += len(data)
            self.sent += data if self._keep else b""
            line += data
            *whole, line = line.split(b"\r\n")
            self.received.append((segments - before, [text.decode(errors="replace") for text in whole]))
            for command in whole:
                self.commands.append(command.decode(errors="replace"))
                self._command_actions.get(self.commands[-1], lambda: None)()
            if not _send(server, data):
                return
        _end_of_stream(server)

    def _pump_down(self, server, client):
        for data in _octets_of(server):
            data = _flipped(data, self._flips[1], self.down, self._flips[2])
            for entry in sorted(self._down_actions, key=lambda entry: entry[0]):
                octets, action = entry
                if self.down + len(data) >= octets:
                    self._down_actions.remove(entry)
                    part = max(0, octets - self.down)
                    if part and not _send(client, data[:part]):
                        return
                    self.down += part
                    data = data[part:]
                    action()
            self.down += len(data)
            if data and not _send(client, data):
                return
        _end_of_stream(client)


def _flipped(data, place, start, bits):
    """The data, which begins with octet number `start`, with the octet at that place changed, if it is in it."""
    if place is None or not start <= place < start + len(data):
        return data
    at = place - start
    return data[:at] + bytes([data[at] ^ bits]) + data[at + 1:]


def _segments_in(s):
    """How many segments with data this connection received so far."""
    try:
        return struct.unpack_from("I", s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256), DATA_SEGS_IN)[0]
    except (OSError, struct.error):  # it ended
        return 0


def _octets_of(s):
    while True:
        try:
            data = s.recv(1 << 18)
        except OSError:
            return
        if not data:
            return
        yield data


def _send(s, data):
    try:
        s.sendall(data)
        return True
    except OSError:
        return False


def _end_of_stream(s):
    try:
        s.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def _cut(s):
    try:
        s.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    s.close()
