# SPDX-License-Identifier: MIT
"""POP3 servers that misbehave on command: a well-behaved server over real sockets, of which a test replaces single replies.

A reply is octets, or a list of steps: octets to send, and the steps below. `replies` maps a command ("RETR 2"), or a verb ("RETR"), to
what is answered to it; "greeting" is what the server opens with. Everything that the client sends is recorded.

    with Hostile(replies={"RETR 2": [b"+OK\\r\\nSubject: half", Close()]}) as server:
        ... run the client against server.port
        assert "DELE 2" not in server.commands

With a `context` (ssl.SSLContext) it speaks TLS: from the first octet (POP3S), or with `clear` after STLS. Then `clear` maps commands to
replies before TLS, as `replies` does behind it. What is said in clear and what in TLS is kept apart.

Knows POP3, nothing of popcl. Sends a message's octets as given, but dot-stuffed.
"""
import hashlib
import socket
import ssl
import struct
import threading
import time

GREETING = b"+OK ready\r\n"
CAPABILITIES = b"+OK\r\nTOP\r\nUIDL\r\nUSER\r\nRESP-CODES\r\n.\r\n"
ALERT, HANDSHAKE, DATA = 21, 22, 23  # kinds of TLS records (RFC 5246, 6.2.1)


# ---- steps ----

class Step:
    """Something that is done to a connection. Returns True if that was the last thing."""

    def play(self, connection):
        raise NotImplementedError


class Pause(Step):
    """Says nothing for a while."""

    def __init__(self, seconds):
        self.seconds = seconds

    def play(self, connection):
        time.sleep(self.seconds)


class Hang(Step):
    """Says nothing until the client goes away."""

    def play(self, connection):
        connection.wait_for_end()
        return True


class Close(Step):
    """Ends the connection in order (FIN)."""

    def play(self, connection):
        connection.socket.shutdown(socket.SHUT_WR)
        connection.wait_for_end()
        return True


class Reset(Step):
    """Breaks the connection off (RST)."""

    def play(self, connection):
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.socket.close()
        return True


class Drip(Step):
    """Sends octet by octet, so that the client reads them one at a time, or nearly."""

    def __init__(self, octets, seconds=0.0):
        self.octets, self.seconds = octets, seconds

    def play(self, connection):
        for at in range(len(self.octets)):
            connection.send(self.octets[at:at + 1])
            time.sleep(self.seconds)


class Pieces(Step):
    """Sends in two or more pieces, cut at the given places, each read by itself."""

    def __init__(self, octets, *cuts):
        self.octets, self.cuts = octets, cuts

    def play(self, connection):
        for start, end in zip((0, *self.cuts), (*self.cuts, len(self.octets))):
            connection.send(self.octets[start:end])
            time.sleep(0.003)


class Repeat(Step):
    """Sends the same octets again and again until the client goes away, or `times` were sent."""

    def __init__(self, octets, times=1 << 40):
        self.octets, self.times = octets, times

    def play(self, connection):
        piece = max(1, 65536 // len(self.octets))
        left = self.times
        while left > 0:
            connection.send(self.octets * min(piece, left))
            left -= piece


class Raw(Step):
    """Sends octets past TLS, as somebody on the way would."""

    def __init__(self, octets):
        self.octets = octets

    def play(self, connection):
        connection.send_raw(self.octets)


class StartTls(Step):
    """Shakes hands. With `cut` only so many octets go out, and the handshake stays there."""

    def __init__(self, cut=None):
        self.cut = cut

    def play(self, connection):
        return not connection.start_tls(self.cut) and self.cut is None


class EndTls(Step):
    """Sends close_notify. What is sent afterwards is clear text."""

    def play(self, connection):
        connection.end_tls()


class Listen(Step):
    """Waits a while for octets that the client must not send now; those that come are a violation."""

    def __init__(self, seconds):
        self.seconds = seconds

    def play(self, connection):
        connection.socket.settimeout(self.seconds)
        try:
            connection.rest += connection.receive()
        except TimeoutError:
            pass
        finally:
            connection.socket.settimeout(None)
        if connection.rest:
            connection.server.violations.append(f"the client sent too early: {connection.rest[:60]!r}")


def records(wire):
    """The kinds of the TLS records in these octets, in order; None for what is no TLS record."""
    kinds = []
    while wire:
        if not 20 <= wire[0] <= 23 or wire[1:2] != b"\3":
            return [*kinds, None]
        kinds.append(wire[0])
        wire = wire[5 + int.from_bytes(wire[3:5], "big"):]
    return kinds


def _first_octets(reply):
    first = reply[0] if isinstance(reply, list) else reply
    return first if isinstance(first, bytes) else b""


# ---- the server ----

def stuffed(octets):
    """What is sent for a message: dots stuffed (RFC 1939, 3), the end of its last line as given, the terminator behind it."""
    return (b"." if octets.startswith(b".") else b"") + octets.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def message(number, lines=4):
    """A small message, ready to be sent, different for each number."""
    return b"".join(b"%s\r\n" % line for line in (
        b"Subject: message %d" % number, b"Message-ID: <%d@hostile.example>" % number, b"",
        *(b"line %d of %d" % (line, number) for line in range(lines)), b".dot", b"."))


class Hostile:
    """See above. `messages`: the octets of message 1, 2, ...; `uids`: theirs; `stamp`: offers APOP; `drip`: every reply octet by octet.
    `out`: a folder in which a message has to stand before its DELE may come (the path may appear later). `context`, `clear`: see above."""

    def __init__(self, messages=None, uids=None, replies=None, user="user", password="secret", stamp=None, drip=False, out=None,
                 host="127.0.0.1", context=None, clear=None, port=0):
        self.messages = [message(n) for n in (1, 2, 3)] if messages is None else list(messages)
        self.uids = [f"uid{n}" for n in range(1, len(self.messages) + 1)] if uids is None else list(uids)
        self.replies = dict(replies or {})
        self.user, self.password, self.stamp, self.drip, self.out = user, password, stamp, drip, out
        self.context, self.clear = context, clear
        self.sessions = []      # the commands of each connection
        self.received = b""     # every octet of every client, as it was before the client encrypted it
        self.wire = b""         # every octet of every client, as it came
        self.commands_in_clear = []
        self.handshakes = 0     # that were completed
        self.tls_errors = []    # OpenSSL's words
        self.violations = []    # what no client may do, whatever the server does
        self._open = []
        self._threads = []
        self._listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def commands(self):
        """All commands, of all connections, in order."""
        return [command for session in self.sessions for command in session]

    def verbs(self):
        return [command.split(" ")[0] for command in self.commands]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for s in (self._listener, *self._open):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.append(client)
            self.sessions.append([])
            thread = threading.Thread(target=self.connection(client, self.sessions[-1]).serve, daemon=True)
            thread.start()
            self._threads.append(thread)

    def until_over(self):
        """Waits until no session goes on. After the client was killed, its last commands still take effect, which a real server's lock of the
        maildrop would keep from the next session."""
        for thread in list(self._threads):
            thread.join()

    def connection(self, client, commands):
        """What serves a client: a server with a will of its own gives another Connection."""
        return Connection(self, client, commands)


class Connection:
    """One client. The maildrop is the server's as it was when the session began; DELE takes effect at QUIT (RFC 1939, 6)."""

    def __init__(self, server, client, commands):
        self.server, self.socket, self.commands = server, client, commands
        self.messages = dict(enumerate(server.messages, 1))
        self.uids = dict(enumerate(server.uids, 1))
        self.deleted = []
        self.rest = b""
        self.tls = None  # an SSLObject between two memories, so that the test has the wire in its hands
        self.told = server.replies if server.clear is None else server.clear

    def serve(self):
        try:
            over = self.server.context is not None and self.server.clear is None and not self.start_tls()
            greeting = GREETING if self.server.stamp is None else b"+OK ready " + self.server.stamp.encode() + b"\r\n"
            over = over or self._answer(self.told.get("greeting", greeting))
            while not over and (line := self._line()) is not None:
                over = self._answer(self._reply_to(line))
                over = over or line == "QUIT"
        except OSError:
            pass
        finally:
            self.socket.close()

    def _line(self):
        while b"\r\n" not in self.rest:
            data = self.receive()
            if not data:
                return None
            self.rest += data
        line, _, self.rest = self.rest.partition(b"\r\n")
        text = line.decode("utf-8", "backslashreplace")
        self.commands.append(text)
        if self.tls is None:
            self.server.commands_in_clear.append(text)
        return text

    def _receive_raw(self):
        data = self.socket.recv(65536)
        self.server.wire += data
        return data

    def receive(self):
        """What the client says next, decrypted; nothing at its end, also at close_notify."""
        try:
            data = self._receive_raw() if self.tls is None else self._through_tls(lambda: self.tls.read(65536))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            data = b""
        self.server.received += data
        return data

    def wait_for_end(self):
        while self._receive_raw():
            pass

    def send(self, octets):
        if self.tls is None:
            self.send_raw(octets)
        else:
            self._through_tls(lambda: self.tls.write(octets))

    def send_raw(self, octets):
        if self.server.drip:
            for at in range(len(octets)):
                self.socket.sendall(octets[at:at + 1])
        else:
            self.socket.sendall(octets)

    # ---- TLS ----

    def start_tls(self, cut=None):
        """Whether the handshake was completed. What the client sent before its time is taken for a part of it, as servers do."""
        self._from_client, self._to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._from_client.write(self.rest)
        self.rest = b""
        self.tls = self.server.context.wrap_bio(self._from_client, self._to_client, server_side=True)
        try:
            self._through_tls(self.tls.do_handshake, cut)
        except ssl.SSLError as error:
            self.server.tls_errors.append(str(error))
            return False
        if cut is None:
            self.server.handshakes += 1
            self.told = self.server.replies
        return True

    def _through_tls(self, work, cut=None):
        """Does a piece of work of OpenSSL's, which may have to read first. With `cut` it ends when something was to be sent."""
        while True:
            try:
                result = work()
                break
            except ssl.SSLWantReadError:
                if self._flush(cut) and cut is not None:
                    return b""
                data = self._receive_raw()
                self._from_client.write(data) if data else self._from_client.write_eof()
            except ssl.SSLError:
                self._flush(cut)
                raise
        self._flush(cut)
        return result

    def _flush(self, cut=None):
        """Sends what OpenSSL wants to send, or its first `cut` octets; returns whether there was anything."""
        octets = self._to_client.read()
        if octets:
            self.send_raw(octets[:cut])
        return bool(octets)

    def end_tls(self):
        try:
            self.tls.unwrap()
        except ssl.SSLError:  # it wants the client's close_notify too
            pass
        self._flush()
        self.tls = None

    def _answer(self, steps):
        for step in steps if isinstance(steps, list) else [steps]:
            if isinstance(step, bytes):
                self.send(step)
            elif step.play(self):
                return True
        return False

    # ---- the well-behaved server ----

    def _reply_to(self, line):
        verb, _, argument = line.partition(" ")
        if verb == "DELE":
            self._judge_deletion(argument)
        given = self.told.get(line, self.told.get(verb))
        agrees = given is None or _first_octets(given).startswith(b"+OK")
        if verb == "QUIT" and agrees:
            self._remove()
        if given is not None:
            if verb == "DELE" and agrees:
                self.deleted.append(int(argument))
            return given
        handler = getattr(self, "_" + verb.lower(), None)
        return handler(argument) if handler else b"-ERR unknown command\r\n"

    def _judge_deletion(self, argument):
        """A message may be deleted only when it is stored: its octets stand in a file."""
        number = int(argument) if argument.isdigit() else 0
        if number not in self.messages:
            self.server.violations.append(f"DELE {argument}: there is no such message")
        elif self.server.out is not None:
            files = [path.read_bytes() for path in self.server.out.iterdir() if path.is_file()] if self.server.out.is_dir() else []
            if self.messages[number] not in files:
                self.server.violations.append(f"DELE {number} before message {number} was stored")

    def _remove(self):
        gone = set(self.deleted)
        self.server.messages = [m for n, m in self.messages.items() if n not in gone]
        self.server.uids = [u for n, u in self.uids.items() if n not in gone]

    def _may_start_tls(self):
        return self.server.clear is not None and self.tls is None

    def _capa(self, _):
        return CAPABILITIES.replace(b".\r\n", b"STLS\r\n.\r\n") if self._may_start_tls() else CAPABILITIES

    def _stls(self, _):
        return [b"+OK\r\n", StartTls()] if self._may_start_tls() else b"-ERR no TLS now\r\n"

    def _user(self, _):
        return b"+OK\r\n"

    def _pass(self, _):
        said = self.commands[-2:]
        return b"+OK\r\n" if said == [f"USER {self.server.user}", f"PASS {self.server.password}"] else b"-ERR wrong\r\n"

    def _apop(self, argument):
        if self.server.stamp is None:
            return b"-ERR unknown command\r\n"
        digest = hashlib.md5((self.server.stamp + self.server.password).encode()).hexdigest()
        return b"+OK\r\n" if argument == f"{self.server.user} {digest}" else b"-ERR wrong\r\n"

    def _stat(self, _):
        return b"+OK %d %d\r\n" % (len(self.messages), sum(map(len, self.messages.values())))

    def _list(self, argument):
        return self._listing(argument, {n: len(m) for n, m in self.messages.items()})

    def _uidl(self, argument):
        return self._listing(argument, self.uids)

    def _listing(self, argument, values):
        if argument:
            return f"+OK {argument} {values[int(argument)]}\r\n".encode() if int(argument) in values else b"-ERR\r\n"
        return "".join(["+OK\r\n", *(f"{n} {value}\r\n" for n, value in values.items() if n not in self.deleted), ".\r\n"]).encode()

    def _retr(self, argument):
        number = int(argument)
        if number not in self.messages or number in self.deleted:
            return b"-ERR no such message\r\n"
        return b"+OK\r\n" + stuffed(self.messages[number])

    def _top(self, argument):
        number, lines = map(int, argument.split())
        if number not in self.messages:
            return b"-ERR no such message\r\n"
        header, _, body = self.messages[number].partition(b"\r\n\r\n")
        return b"+OK\r\n" + stuffed(header + b"\r\n\r\n" + b"".join(body.splitlines(keepends=True)[:lines]))

    def _dele(self, argument):
        if not argument.isdigit() or int(argument) not in self.messages or int(argument) in self.deleted:
            return b"-ERR no such message\r\n"
        self.deleted.append(int(argument))
        return b"+OK\r\n"

    def _noop(self, _):
        return b"+OK\r\n"

    def _rset(self, _):
        self.deleted.clear()
        return b"+OK\r\n"

    def _quit(self, _):
        return [b"+OK bye\r\n", *([EndTls()] if self.tls else [])]
