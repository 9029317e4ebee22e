# SPDX-License-Identifier: MIT
"""A TLS front on loopback for a server that has none of its own: ends POP3S, and passes the octets on. OpenSSL grants a client's fragment length."""
import select
import socket
import ssl
import threading


class Front:
    """Every connection goes to 127.0.0.1:port. `context`: the server's side of TLS. One thread serves a connection in both directions."""

    def __init__(self, port, context):
        self._target, self._context = ("127.0.0.1", port), context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def end(self):
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._context.wrap_socket(client, server_side=True) as secure, socket.create_connection(self._target) as server:
                server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while self._pass_on(secure, server):
                    pass
        except (OSError, ssl.SSLError):
            client.close()

    @staticmethod
    def _pass_on(secure, server):
        """Passes on what there is in one of the directions, or waits. Returns whether both are still open."""
        ready = [secure] if secure.pending() else select.select([secure, server], [], [])[0]
        source, target = (secure, server) if secure in ready else (server, secure)
        data = source.recv(65536)
        target.sendall(data)
        return bool(data)
