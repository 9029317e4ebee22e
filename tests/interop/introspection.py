# SPDX-License-Identifier: MIT
"""A small authorization server on loopback, for a mail server that asks whether a token is good (RFC 7662): as long as a `with` block.

    with Introspection() as authority:
        token = authority.issue("fred")            octets that nobody can guess, of any length
        authority.revoke(token)
        more = authority.settings(path)            of a Dovecot that asks it; the file `path` is made
        ... the mail server posts token=... to authority.url
"""
import http.server
import json
import secrets
import threading
import urllib.parse

PASSWORDS = """
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {path}
}}
"""
QUESTION = """
introspection_url = {url}
introspection_mode = post
username_attribute = username
active_attribute = active
active_value = true
scope = pop
"""


class Introspection:
    """The server, and the tokens that it issued. `asked` has each token that it was asked about."""

    def __init__(self):
        self._tokens = {}
        self.asked = []
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/introspect"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def issue(self, user, octets=40, scope="pop"):
        """A new token of so many octets, for this user."""
        token = secrets.token_urlsafe(octets)[:octets]
        self._tokens[token] = {"active": True, "username": user, "scope": scope, "token_type": "Bearer"}
        return token

    def revoke(self, token):
        """It was good once: it expired, or somebody took it back."""
        self._tokens[token] = {"active": False}

    def settings(self, path):
        """What a Dovecot needs so that it asks here; its mechanisms are not among them."""
        path.write_text(QUESTION.format(url=self.url))
        return PASSWORDS.format(path=path)

    def answer(self, token):
        self.asked.append(token)
        return self._tokens.get(token, {"active": False})

    def _handler(self):
        authority = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                body = json.dumps(authority.answer(form.get("token", [""])[0])).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler
