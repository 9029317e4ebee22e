# SPDX-License-Identifier: MIT
"""What a POP3 server really sends, read from a bare socket: the independent word against which popcl's files are judged.

Shares no code and no idea with popcl: a message is read as a whole, its end cut off, its dots unstuffed by replacement.
"""
import socket


class OracleError(RuntimeError):
    """The server did not do what the oracle asked for."""


class Oracle:
    """One session with a server. Replies are octets, a listing is a list of lines."""

    def __init__(self, port, host="127.0.0.1", seconds=60):
        self._socket = socket.create_connection((host, port), timeout=seconds)
        self._socket.settimeout(seconds)
        self._rest = b""
        self.greeting = self._status()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def login(self, user, password):
        self.command(f"USER {user}")
        return self.command(f"PASS {password}")

    def command(self, line):
        self._socket.sendall(line.encode() + b"\r\n")
        return self._status()

    def listing(self, line):
        """The lines of CAPA, LIST or UIDL."""
        self.command(line)
        return [text.decode() for text in self._multiline().split(b"\r\n")[:-1]]

    def message(self, number):
        """The exact octets that RFC 1939 delivers as message `number`."""
        self.command(f"RETR {number}")
        return self._multiline()

    def messages(self):
        return [self.message(int(line.split()[0])) for line in self.listing("LIST")]

    def _status(self):
        while b"\r\n" not in self._rest:
            self._more()
        line, _, self._rest = self._rest.partition(b"\r\n")
        if not line.startswith(b"+OK"):
            raise OracleError(line.decode(errors="replace"))
        return line

    def _multiline(self):
        # Nothing follows before the next command, so the terminator can only stand at the very end of what has come.
        pieces = [self._rest]
        tail = self._rest
        while not (tail.endswith(b"\r\n.\r\n") or tail == b".\r\n"):
            piece = self._receive()
            pieces.append(piece)
            tail = b"".join(pieces) if sum(map(len, pieces)) < 8 else (tail + piece)[-8:]
        self._rest = b""
        body = b"".join(pieces)[:-3]
        if body.startswith(b"."):
            body = body[1:]
        return body.replace(b"\r\n.", b"\r\n")

    def _more(self):
        self._rest += self._receive()

    def _receive(self):
        data = self._socket.recv(1 << 20)
        if not data:
            raise OracleError("the server closed the connection")
        return data


def fetch_all(port, account, host="127.0.0.1"):
    """Every message of an account, in order."""
    with Oracle(port, host) as server:
        server.login(account.name, account.password)
        messages = server.messages()
        server.command("QUIT")
        return messages


def count(port, account, host="127.0.0.1"):
    """How many messages the server has for an account."""
    with Oracle(port, host) as server:
        server.login(account.name, account.password)
        number = int(server.command("STAT").split()[1])
        server.command("QUIT")
        return number
