# SPDX-License-Identifier: MIT
"""The other side of a measurement: the server in memory (serve), its certificate, and the relay that delays (delay). All of them end with this
process. Knows no client.

    with Keys() as keys, Server(folder, keys, "all") as server, Delay(folder, server.port, 200) as path: ...
"""
import pathlib
import socket
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "interop"))
import pki  # noqa: E402

SUITE = "ECDHE-ECDSA-AES128-GCM-SHA256, TLS 1.2"


class Broken(RuntimeError):
    """A program failed, or brought other mail than the server sent."""


class Maildrop:
    """A user of serve: COUNT messages of OCTETS octets."""

    def __init__(self, kind, count, octets):
        self.kind, self.count, self.octets = kind, count, octets
        self.user = f"{kind}.{count}.{octets}"


def words_of(output):
    """{name: value} of "name=value name=value"."""
    return dict(word.split("=", 1) for word in output.split() if "=" in word)


class Keys:
    """An authority, and the key and certificate of 127.0.0.1, in a folder that is removed."""

    def __init__(self):
        self._pki = pki.Pki()
        root = self._pki.root()
        server = root.issue("bench", san=pki.LOCAL)
        self.ca = str(root.file)
        self.certificate, self.key = (str(self._pki.folder / name) for name in ("bench.crt.der", "bench.key.der"))
        pathlib.Path(self.certificate).write_bytes(server.der())
        pathlib.Path(self.key).write_bytes(self._pki.openssl("pkey", "-in", server.key_file, "-outform", "DER"))
        self._pki.folder.chmod(0o755)  # getmail may run as another user

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._pki.remove()


class Program:
    """A child that prints its ports on its first line, then a line for each connection that ended. It ends with its standard input."""

    def __init__(self, *argv):
        self._lines, self._news = [], threading.Condition()
        self._child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ports = [int(word) for word in self._child.stdout.readline().split()]
        if not self.ports:
            self._child.wait()
            raise Broken(f"{argv[0]} does not start")
        self.port = self.ports[0]
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._child.stdout:
            with self._news:
                self._lines.append(words_of(line))
                self._news.notify()

    def report(self):
        """What it reported about the oldest connection that was not asked for yet."""
        with self._news:
            if not self._news.wait_for(lambda: self._lines, timeout=60):
                raise Broken("a server does not report the end of a session")
            return self._lines.pop(0)

    def forget(self):
        with self._news:
            self._lines.clear()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._child.stdin.close()
        try:
            self._child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._reader.join()
        self._child.stdout.close()


class Server(Program):
    """serve. PIPELINING is offered always (`all`), only after login (`login`) or never (`none`)."""

    def __init__(self, folder, keys, pipelining="all"):
        super().__init__(str(folder / "serve"), "-p", pipelining, keys.certificate, keys.key)
        self.tls_port = self.ports[1]

    def asked(self, maildrop, command):
        """The octets of the answer to one command. A dot alone ends it if the answer has lines."""
        octets = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as link, link.makefile("rwb") as lines:
            lines.readline()
            for line in (f"USER {maildrop.user}", "PASS secret", command):
                lines.write(line.encode() + b"\r\n")
                lines.flush()
                octets = lines.readline()
            while command in ("LIST", "UIDL") and not octets.endswith(b"\r\n.\r\n"):
                octets += lines.readline()
            lines.write(b"QUIT\r\n")
            lines.flush()
            lines.readline()
        return octets

    def size(self, maildrop):
        """The octets of all messages, by the server's own word."""
        return int(self.asked(maildrop, "STAT").split()[2])


class Delay(Program):
    """delay, in front of a port."""

    def __init__(self, folder, port, rtt_ms):
        super().__init__(str(folder / "delay"), str(port), f"{rtt_ms:.3f}")
