# SPDX-License-Identifier: MIT
"""GnuTLS as the server's side of TLS, for hostile.py in place of Python's ssl module (OpenSSL): its library, called through ctypes, because
gnutls-serv speaks no POP3. Debian's gnutls-bin brings it.

    with Hostile(context=gnutls.Context(certificate)) as server: ...

It grants the fragment length that a client asks for and keeps to it in the handshake; its application records are full all the same.
"""
import ctypes
import errno
import ssl

SERVER, NONBLOCK = 1, 8
FORMAT_PEM, CREDENTIALS_OF_CERTIFICATE, SHUT_WRITE = 1, 1, 1
AGAIN, INTERRUPTED, PREMATURE_END = -28, -52, -110
PRIORITIES = "NORMAL:-VERS-ALL:+VERS-TLS1.2"

TRANSFER = ctypes.CFUNCTYPE(ctypes.c_ssize_t, ctypes.c_void_p, ctypes.POINTER(ctypes.c_char), ctypes.c_size_t)


def library():
    """The library, or OSError."""
    lib = ctypes.CDLL("libgnutls.so.30")
    lib.gnutls_strerror.restype = ctypes.c_char_p
    lib.gnutls_transport_set_pull_function.argtypes = lib.gnutls_transport_set_push_function.argtypes = [ctypes.c_void_p, TRANSFER]
    for name in ("gnutls_record_send", "gnutls_record_recv"):
        getattr(lib, name).argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
        getattr(lib, name).restype = ctypes.c_ssize_t
    return lib


class Context:
    """A certificate, and what is offered with it. As an ssl.SSLContext as far as hostile.py uses one."""

    def __init__(self, certificate, priorities=PRIORITIES):
        self.lib = library()
        self.priorities = priorities
        self.credentials = ctypes.c_void_p()
        self.check(self.lib.gnutls_certificate_allocate_credentials(ctypes.byref(self.credentials)))
        self.check(self.lib.gnutls_certificate_set_x509_key_file(
            self.credentials, str(certificate.chain_file).encode(), str(certificate.key_file).encode(), FORMAT_PEM))

    def check(self, result):
        """The result, or an exception in the words of Python's ssl module."""
        if result >= 0:
            return result
        if result in (AGAIN, INTERRUPTED):
            raise ssl.SSLWantReadError
        if result == PREMATURE_END:
            raise ssl.SSLEOFError(result, "the client ended the connection without close_notify")
        raise ssl.SSLError(result, self.lib.gnutls_strerror(int(result)).decode())

    def wrap_bio(self, incoming, outgoing, server_side):
        assert server_side
        return Session(self, incoming, outgoing)


class Session:
    """One connection, between two ssl.MemoryBIO. As an ssl.SSLObject as far as hostile.py uses one."""

    def __init__(self, context, incoming, outgoing):
        self._context, self._lib, self._check = context, context.lib, context.check
        self._incoming, self._outgoing = incoming, outgoing
        self._session = ctypes.c_void_p()
        self._check(self._lib.gnutls_init(ctypes.byref(self._session), SERVER | NONBLOCK))
        self._check(self._lib.gnutls_priority_set_direct(self._session, context.priorities.encode(), None))
        self._check(self._lib.gnutls_credentials_set(self._session, CREDENTIALS_OF_CERTIFICATE, context.credentials))
        self._callbacks = TRANSFER(self._pull), TRANSFER(self._push)  # kept: the library calls them later
        self._lib.gnutls_transport_set_pull_function(self._session, self._callbacks[0])
        self._lib.gnutls_transport_set_push_function(self._session, self._callbacks[1])

    def __del__(self):
        self._lib.gnutls_deinit(self._session)

    def _pull(self, _, to, size):
        octets = self._incoming.read(size)
        if not octets and not self._incoming.eof:
            self._lib.gnutls_transport_set_errno(self._session, errno.EAGAIN)
            return -1
        ctypes.memmove(to, octets, len(octets))
        return len(octets)

    def _push(self, _, octets, size):
        return self._outgoing.write(ctypes.string_at(octets, size))

    def do_handshake(self):
        result = self._lib.gnutls_handshake(self._session)
        if result not in (0, AGAIN, INTERRUPTED):
            self._lib.gnutls_alert_send_appropriate(self._session, result)
        self._check(result)

    def read(self, size):
        room = ctypes.create_string_buffer(size)
        got = self._check(self._lib.gnutls_record_recv(self._session, room, size))
        return room.raw[:got]

    def write(self, octets):
        done = 0
        while done < len(octets):
            done += self._check(self._lib.gnutls_record_send(self._session, octets[done:], len(octets) - done))

    def unwrap(self):
        self._check(self._lib.gnutls_bye(self._session, SHUT_WRITE))
