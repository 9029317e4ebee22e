# SPDX-License-Identifier: MIT
"""A POP3 server whose logins are judged by Cyrus' libsasl2, as long as a `with` block: free loopback port, TLS of Python (OpenSSL), an account in a
sasldb of its own. The library is the one that Cyrus IMAP uses; it is called through ctypes, so nothing is compiled. Nothing here knows popcl.

    with CyrusSasl(certificate, binding=hash) as server:
        ... connect to ("127.0.0.1", server.port) with TLS as server.user, server.password
"""
import base64
import ctypes
import ctypes.util
import hashlib
import pathlib
import shutil
import socket
import tempfile
import threading

OK, CONTINUE = 0, 1
GETOPT, LIST_END = 1, 0
CHANNEL_BINDING = 21
SET_CREATE = 1


class Unavailable(RuntimeError):
    """libsasl2, or a module of it, is not installed."""


class _Callback(ctypes.Structure):
    _fields_ = [("id", ctypes.c_ulong), ("proc", ctypes.c_void_p), ("context", ctypes.c_void_p)]


class _Binding(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("critical", ctypes.c_int), ("len", ctypes.c_ulong), ("data", ctypes.c_char_p)]


_GETOPT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p), ctypes.POINTER(ctypes.c_uint))


def end_point(certificate, digest):
    """tls-server-end-point (RFC 5929, 4.1), by OpenSSL: the hash of the certificate by that of its signature."""
    return hashlib.new(digest, certificate.der()).digest()


class CyrusSasl:
    """`binding`: the octets of tls-server-end-point that the library compares; None: it has none. `mechanisms`: what CAPA lists (None: what the
    library offers)."""

    user, password = "harbour-master", "the tide, table= 7"

    def __init__(self, certificate, binding=None, mechanisms=None):
        self._context = certificate.context()
        self._mechanisms = mechanisms
        self._binding = binding
        self.sessions = []  # of each: the commands, and the server's replies to them
        self.used = []      # of each login that succeeded: the mechanism

    def __enter__(self):
        try:
            self._sasl = ctypes.CDLL("libsasl2.so.2")
        except OSError:
            raise Unavailable("libsasl2 is not installed (Debian: libsasl2-2)") from None
        self._root = pathlib.Path(tempfile.mkdtemp(prefix="sasl"))
        options = {b"sasldb_path": str(self._root / "sasldb").encode(), b"auxprop_plugin": b"sasldb", b"pwcheck_method": b"auxprop", b"log_level": b"0"}
        self._kept = []

        def getopt(_context, _plugin, option, result, length):
            value = options.get(option)
            if value is None:
                return -1
            result[0] = value
            if length:
                length[0] = len(value)
            return OK

        proc = _GETOPT(getopt)
        callbacks = (_Callback * 2)((GETOPT, ctypes.cast(proc, ctypes.c_void_p), None), (LIST_END, None, None))
        self._kept += [proc, callbacks, options]
        try:
            self._check(self._sasl.sasl_server_init(callbacks, b"popcl-test"), "sasl_server_init")
            connection = self._new(bound=False)
            password = self.password.encode()
            if self._sasl.sasl_setpass(connection, self.user.encode(), password, len(password), None, 0, SET_CREATE) != OK:
                raise Unavailable("libsasl2 has no sasldb (Debian: libsasl2-modules-db)")
            self.offered = self._listed(connection)
            self._dispose(connection)
            if not any(name.startswith("SCRAM") for name in self.offered):
                raise Unavailable("libsasl2 has no SCRAM (Debian: libsasl2-modules)")
        except BaseException:
            shutil.rmtree(self._root, ignore_errors=True)
            raise
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        self._sasl.sasl_done()
        shutil.rmtree(self._root, ignore_errors=True)

    # ---- libsasl2 ----

    @staticmethod
    def _check(code, call):
        if code != OK:
            raise Unavailable(f"{call} returns {code}")

    def _new(self, bound=True):
        """[R76] The service is called pop."""
        connection = ctypes.c_void_p()
        self._check(self._sasl.sasl_server_new(b"pop", b"localhost", None, None, None, None, 0, ctypes.byref(connection)), "sasl_server_new")
        if bound and self._binding is not None:
            binding = _Binding(b"tls-server-end-point", 0, len(self._binding), self._binding)
            self._kept.append(binding)
            self._check(self._sasl.sasl_setprop(connection, CHANNEL_BINDING, ctypes.byref(binding)), "sasl_setprop")
        return connection

    def _dispose(self, connection):
        self._sasl.sasl_dispose(ctypes.byref(connection))

    def _listed(self, connection):
        text, length, count = ctypes.c_char_p(), ctypes.c_uint(), ctypes.c_int()
        self._check(self._sasl.sasl_listmech(connection, None, b"", b" ", b"", ctypes.byref(text), ctypes.byref(length), ctypes.byref(count)), "sasl_listmech")
        return (text.value or b"").decode().split()

    def _step(self, call, *words):
        out, length = ctypes.c_char_p(), ctypes.c_uint()
        pointer = ctypes.c_void_p()
        code = call(*words, ctypes.byref(pointer), ctypes.byref(length))
        del out
        return code, ctypes.string_at(pointer, length.value) if pointer else b""

    # ---- POP3 ----

    def _serve(self):
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            try:
                plain.settimeout(60)
                with self._context.wrap_socket(plain, server_side=True) as stream, stream.makefile("rwb") as file:
                    self._session(file)
            except OSError:
                pass
            finally:
                plain.close()

    def _session(self, file):
        connection = self._new()
        talk = []
        self.sessions.append(talk)

        def say(text):
            talk.append(("S", text))
            file.write(text.encode() + b"\r\n")
            file.flush()

        def hear():
            line = file.readline().decode().rstrip("\r\n")
            talk.append(("C", line))
            return line

        try:
            say("+OK ready")
            while line := hear():
                verb, *rest = line.split(" ")
                if verb == "CAPA":
                    say("+OK\r\nUSER\r\nSASL " + " ".join(self._mechanisms or self._listed(connection)) + "\r\n.")
                elif verb == "AUTH":
                    say("+OK" if self._login(connection, rest, say, hear) else "-ERR [AUTH] no")
                elif verb in ("STAT", "QUIT"):
                    say("+OK 0 0" if verb == "STAT" else "+OK")
                    if verb == "QUIT":
                        return
                else:
                    say("-ERR")
        finally:
            self._dispose(connection)

    def _login(self, connection, words, say, hear):
        first = base64.b64decode(words[1]) if len(words) > 1 and words[1] != "=" else b"" if len(words) > 1 else None
        code, out = self._step(self._sasl.sasl_server_start, connection, words[0].encode(), first, len(first or b""))
        while code == CONTINUE:
            say("+ " + base64.b64encode(out).decode())
            line = hear()
            if line == "*":
                return False
            response = base64.b64decode(line)
            code, out = self._step(self._sasl.sasl_server_step, connection, response, len(response))
        if code == OK:
            self.used.append(words[0])
        return code == OK
