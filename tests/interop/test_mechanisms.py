# SPDX-License-Identifier: MIT
"""The mechanisms of login against real servers. Each login is one of login.c over the library, with each way to the server, one command at a time
and several, and with a device's record buffer of 541 octets. The messages are compared with those that were delivered; where the server's log
names mechanism and user, it has to name these."""
import base64
import itertools
import json
import socket
import ssl
import subprocess
import tempfile
import time
import unittest

import command
import mailboxes
import oracle
import pki
import servers
from dovecot import Dovecot
from front import Front
from introspection import Introspection
from login import DEVICE, Login
from test_examples import EXAMPLES, HANGS, messages_of

COUNT = 12
LONG = 2500  # octets of a token, as Microsoft's are
WINDOWS = (None, 8)
LOG_SECONDS = 30  # says only that a line does not come

OAUTH = """
auth_mechanisms = plain login cram-md5 apop xoauth2 oauthbearer
auth_verbose = yes
"""


def hashed(password):
    """What a server keeps that cannot give the password back."""
    done = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=password, capture_output=True, check=True, text=True)
    return "{SHA512-CRYPT}" + done.stdout.strip()


class MechanismTest:
    """`self.server` is a server that all tests of the class share. `ways`: how the server is reached, each with the options for it."""

    def account_with_mail(self, name=None, server=None):
        account = (server or self.server).account(*([name] if name else []))
        messages = mailboxes.mixed(COUNT)
        account.deliver(messages)
        return account, b"".join(map(self.delivered, messages))

    delivered = staticmethod(mailboxes.delivered)

    def fetched(self, account):
        """What a bare socket gets."""
        with oracle.Oracle(self.server.port) as session:
            session.login(account.name, account.password)
            session.listing("UIDL")
            messages = session.messages()
            session.command("QUIT")
        self.assertEqual(len(messages), COUNT)
        return messages

    def assertLoggedIn(self, login, mechanism, wanted):
        self.assertEqual((login.result, login.mechanism), ("OK", mechanism), login)
        self.assertEqual((login.messages, login.octets), (COUNT, len(wanted)), login)
        self.assertEqual(login.out, wanted)

    def run_command(self, port, account, mechanism, *options):
        """The command fetches all, with this mechanism, over a record buffer of 541 octets."""
        place = command.Place(account.name, account.password)
        self.addCleanup(place.remove)
        result = place.run(port, "--auth", mechanism, "--iobuf", str(DEVICE["iobuf"]), *options)
        self.assertEqual(place.contents(), sorted(self.fetched(account)), result)

    def assertLogged(self, text, times):
        """The server's log has the text so many times. A line may come a moment after the session."""
        give_up = time.monotonic() + LOG_SECONDS
        while (count := self.server.log().count(text)) < times and time.monotonic() < give_up:
            time.sleep(0.02)
        self.assertEqual(count, times, text)

    def assertRefused(self, login, mechanism, result):
        self.assertEqual((login.result, login.mechanism, login.out), (result, mechanism, b""), login)


class OverDovecot(MechanismTest, unittest.TestCase):
    """A Dovecot with every mechanism that popcl knows, and an authority for tokens."""

    HASHED = "hashed"

    @classmethod
    def setUpClass(cls):
        cls.certificate = pki.shared().root().issue(san=["127.0.0.1"])
        cls.ca = cls.certificate.issuer.file
        cls.authority = Introspection().__enter__()
        cls.addClassCleanup(cls.authority.end)
        folder = pki.shared().folder / "oauth"
        folder.mkdir(exist_ok=True)
        file = folder / "dovecot-oauth2.conf.ext"
        cls.server = Dovecot(more=OAUTH + cls.authority.settings(file), certificate=cls.certificate).__enter__()
        cls.addClassCleanup(cls.server.stop)

    def ways(self, in_clear):
        """(title, port, options)"""
        yield "POP3S", self.server.tls_port, {"tls": self.ca}
        yield "STLS", self.server.port, {"stls": self.ca}
        yield "POP3S of a device", self.server.tls_port, {"tls": self.ca, **DEVICE}
        yield "STLS of a device", self.server.port, {"stls": self.ca, **DEVICE}
        if in_clear:
            yield "clear text", self.server.port, {}
            yield "clear text of a device", self.server.port, {"iobuf": DEVICE["iobuf"]}

    def each(self, mechanism, in_clear=True, **secret):
        """Logs in and fetches in each way; the log has to have the mechanism and the user each time."""
        account, wanted = self.account_with_mail()
        secret = secret or {"password": account.password}
        for (title, port, options), window in itertools.product(self.ways(in_clear), WINDOWS):
            with self.subTest(way=title, window=window):
                name = "PLAIN" if mechanism == "user" else mechanism.upper()
                before = self.server.log().count(self.logged(name, account.name))
                login = Login(port, account.name, auth=mechanism, window=window, **options, **secret)
                self.assertLoggedIn(login, mechanism, wanted)
                self.assertLogged(self.logged(name, account.name), before + 1)
                self.assertEqual(login.granted, "mfln" in options, login)
                self.assertEqual(login.ahead, window is not None, login)

    @staticmethod
    def logged(mechanism, user):
        return f"Login: user=<{user}>, method={mechanism}, "

    # ---- passwords ----

    def test_user(self):
        """[R7] USER and PASS."""
        self.each("user")

    def test_plain(self):
        """[R71] AUTH PLAIN, with the response in the line of AUTH."""
        self.each("plain")

    def test_login(self):
        """[R70] AUTH LOGIN, whose challenges Dovecot sends as base64."""
        self.each("login")

    def test_cram_md5(self):
        """[R70] AUTH CRAM-MD5, whose challenge is Dovecot's own."""
        self.each("cram-md5")

    def test_apop(self):
        """[R36 C7] APOP with the stamp of Dovecot's greeting. With STLS it is refused before the connection."""
        account, wanted = self.account_with_mail()
        for port, options in ((self.server.port, {}), (self.server.tls_port, {"tls": self.ca}), (self.server.tls_port, {"tls": self.ca, **DEVICE})):
            for window in WINDOWS:
                login = Login(port, account.name, password=account.password, auth="apop", window=window, **options)
                self.assertLoggedIn(login, "apop", wanted)
        self.assertLogged(self.logged("APOP", account.name), 6)
        self.assertNotEqual(Login(self.server.port, account.name, password=account.password, auth="apop", stls=self.ca).result, "OK")

    def test_command(self):
        """The command with each mechanism that --auth can name, as a device: the log has its name."""
        account, _ = self.account_with_mail()
        for mechanism in ("plain", "login", "cram-md5"):
            for port, options in ((self.server.port, ()), (self.server.tls_port, ("-T", "-c", str(self.ca), "--mfln", str(DEVICE["mfln"])))):
                self.run_command(port, account, mechanism, *options)
            self.assertLogged(self.logged(mechanism.upper(), account.name), 2 if mechanism != "plain" else 4)

    def test_wrong_password(self):
        """[E6 R55] Each mechanism is refused once, with a result that names the password, or the digest."""
        account, _ = self.account_with_mail()
        for mechanism, result in (("user", "ERR_AUTH"), ("plain", "ERR_AUTH"), ("login", "ERR_AUTH"), ("cram-md5", "ERR_DIGEST_REFUSED")):
            for title, port, options in itertools.islice(self.ways(True), 2, None):
                with self.subTest(mechanism=mechanism, way=title):
                    self.assertRefused(Login(port, account.name, password="not the password", auth=mechanism, **options), mechanism, result)

    def test_passwords_of_odd_octets(self):
        """[E9 R7] Spaces, 8-bit octets and a length beyond one line of AUTH: the login is the same with each mechanism."""
        odd = {"spaces": " two  spaces and one at the end ", "eight-bit": "Sm\xf8rrebr\xf8d \u6e2f \U0001f6a4", "long": "0123456789abcdef" * 12}
        with Dovecot(odd, "auth_mechanisms = plain login cram-md5\n", self.certificate) as server:
            for name, password in odd.items():
                server.account(name).deliver([b"Subject: odd\n\n" + name.encode() + b"\n"])
                for mechanism in ("user", "plain", "login", "cram-md5"):
                    for pull in (None, 3):
                        with self.subTest(name=name, mechanism=mechanism, pull=pull):
                            login = Login(server.tls_port, name, password=password, auth=mechanism, tls=self.ca, pull=pull, **DEVICE)
                            self.assertEqual((login.result, login.mechanism, login.messages), ("OK", mechanism, 1), login)

    # ---- tokens ----

    def test_xoauth2(self):
        """[R71 R86 Q2] A token of an ordinary length."""
        self.tokens("xoauth2", 40)

    def test_xoauth2_long(self):
        """[R71 R74 R86] A token of 2.5 KB passes a record buffer of 541 octets."""
        self.tokens("xoauth2", LONG)

    def test_oauthbearer(self):
        """[R71 R86] The same two lengths with OAUTHBEARER: the first goes with AUTH, the second does not fit."""
        self.tokens("oauthbearer", 40)

    def test_oauthbearer_long(self):
        """[R71 R74 R86] A token of 2.5 KB passes a record buffer of 541 octets."""
        self.tokens("oauthbearer", LONG)

    def tokens(self, mechanism, octets):
        account, wanted = self.account_with_mail()
        token = self.authority.issue(account.name, octets)
        for (title, port, options), window, pull in itertools.product(self.ways(False), WINDOWS, (None, 7)):
            with self.subTest(way=title, window=window, pull=pull):
                before = self.server.log().count(self.logged(mechanism.upper(), account.name))
                login = Login(port, account.name, token=token, auth=mechanism, window=window, pull=pull, **options)
                self.assertLoggedIn(login, mechanism, wanted)
                self.assertLogged(self.logged(mechanism.upper(), account.name), before + 1)
        self.assertIn(token, self.authority.asked)

    def test_token_that_is_revoked_between_two_runs(self):
        """[R87] The first run works. The second one has its own result, by which a caller knows that a new token would help; it does."""
        account, wanted = self.account_with_mail()
        for mechanism, octets in itertools.product(("xoauth2", "oauthbearer"), (40, LONG)):
            for title, port, options in self.ways(False):
                with self.subTest(mechanism=mechanism, octets=octets, way=title):
                    token = self.authority.issue(account.name, octets)
                    self.assertLoggedIn(Login(port, account.name, token=token, auth=mechanism, **options), mechanism, wanted)
                    self.authority.revoke(token)
                    self.assertRefused(Login(port, account.name, token=token, auth=mechanism, **options), mechanism, "ERR_TOKEN")
                    again = self.authority.issue(account.name, octets)
                    self.assertLoggedIn(Login(port, account.name, token=again, auth=mechanism, **options), mechanism, wanted)

    def test_tokens_that_are_refused(self):
        """[R86 R87] Unknown, of another user, and without the scope: each is ERR_TOKEN, and the password that is given too is not tried."""
        account, _ = self.account_with_mail()
        other = self.server.account()
        refused = {"unknown": "an-unknown-token", "of another user": self.authority.issue(other.name),
                   "without the scope": self.authority.issue(account.name, scope="imap")}
        for (kind, token), mechanism in itertools.product(refused.items(), ("xoauth2", "oauthbearer")):
            with self.subTest(kind=kind, mechanism=mechanism):
                login = Login(self.server.tls_port, account.name, token=token, password=account.password, auth=f"{mechanism},user", tls=self.ca)
                self.assertRefused(login, mechanism, "ERR_TOKEN")
        self.assertNotIn(self.logged("PLAIN", account.name), self.server.log())

    def test_reason_of_a_refused_token(self):
        """[R86] A client of a few lines shows that this server reports the reason as JSON in a challenge, and waits for the answer."""
        account, _ = self.account_with_mail()
        token = self.authority.issue(account.name)
        self.authority.revoke(token)
        for mechanism, form, answer in (("XOAUTH2", f"user={account.name}\1auth=Bearer {token}\1\1", ""),
                                        ("OAUTHBEARER", f"n,a={account.name},\1auth=Bearer {token}\1\1", "AQ==")):
            context = ssl.create_default_context(cafile=str(self.ca))
            with socket.create_connection(("127.0.0.1", self.server.tls_port), timeout=LOG_SECONDS) as bare, \
                    context.wrap_socket(bare, server_hostname="127.0.0.1") as connection, connection.makefile("rwb", buffering=0) as lines:
                lines.readline()
                replies = []
                for line in (f"AUTH {mechanism}", base64.b64encode(form.encode()).decode(), answer):
                    lines.write(line.encode() + b"\r\n")
                    replies.append(lines.readline())
            self.assertEqual(replies[0].rstrip(), b"+")
            self.assertIn("status", json.loads(base64.b64decode(replies[1].removeprefix(b"+ "))))
            self.assertTrue(replies[2].startswith(b"-ERR"), replies)

    def with_tokens(self, account, tokens, code, *options):
        """The command; --token-command prints the next one of these tokens at each run. Returns the result, the place, and how many it printed."""
        place = command.Place(account.name, account.password)
        self.addCleanup(place.remove)
        file = place.root / "tokens"
        file.write_text("".join(token + "\n" for token in tokens))
        take = f"head -n 1 {file}; sed -i 1d {file}"
        args = ["127.0.0.1", "-c", str(self.ca), "-u", account.name, "--token-command", take, "-o", str(place.out), *options]
        result = place.finish(place.start(args), args)
        self.assertEqual(result.code, code, result)
        for token in tokens:
            self.assertNotIn(token, result.out + result.err)  # [E13]
        return result, place, len(tokens) - len(file.read_text().splitlines())

    def test_command_with_tokens(self):
        """[R86 R87] The command fetches with a token. If it was revoked since the last run, a second connection has a fresh one."""
        account, _ = self.account_with_mail()
        wanted = sorted(self.fetched(account))
        ways = (("-T", "-p", str(self.server.tls_port)), ("-S", "-p", str(self.server.port)))
        device = ("--iobuf", str(DEVICE["iobuf"]), "--mfln", str(DEVICE["mfln"]))
        for auth, way, octets in itertools.product(("auto", "xoauth2", "oauthbearer"), ways, (40, LONG)):
            with self.subTest(auth=auth, way=way[0], octets=octets):
                old, new = (self.authority.issue(account.name, octets) for _ in range(2))
                result, place, taken = self.with_tokens(account, [old, new], 0, *way, *device, "--auth", auth)
                self.assertEqual((result.count, place.contents(), taken), (COUNT, wanted, 1))
                self.authority.revoke(old)
                result, place, taken = self.with_tokens(account, [old, new], 0, *way, *device, "--auth", auth)
                self.assertEqual((result.count, place.contents(), taken), (COUNT, wanted, 2))

    def test_command_with_a_token_that_stays_refused(self):
        """[R87] Two tokens are tried and no more; the exit code is 77."""
        account, _ = self.account_with_mail()
        tokens = [f"an-unknown-token-{number}" for number in range(3)]
        before = len(self.authority.asked)
        result, _, taken = self.with_tokens(account, tokens, 77, "-T", "-p", str(self.server.tls_port))
        self.assertEqual((taken, self.authority.asked[before:]), (2, tokens[:2]), result)

    def run_example(self, account, token, code):
        """examples/token.c. Returns its output and its standard error."""
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(token + "\n")
            file.flush()
            done = subprocess.run([EXAMPLES / "token", "127.0.0.1", str(self.server.tls_port), account.name, file.name, str(self.ca)],
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=HANGS, check=False)
        self.assertEqual(done.returncode, code, done)
        self.assertNotIn(token.encode(), done.stdout + done.stderr)
        return done.stdout, done.stderr

    def test_example(self):
        """[R71 R74 R86] examples/token.c fetches all through 541 bytes, with a short token and with a long one."""
        account, wanted = self.account_with_mail()
        for octets in (40, LONG):
            out, err = self.run_example(account, self.authority.issue(account.name, octets), 0)
            self.assertEqual((b"".join(messages_of(out)), err), (wanted, b""))

    def test_example_with_other_tokens(self):
        """[R87] Unknown, and one that is none: each has its own result, and no message comes."""
        account, _ = self.account_with_mail()
        for token, says in (("an-unknown-token", b"token: the server refuses the token: "), ("two words", b"token: the user name, password or token ")):
            out, err = self.run_example(account, token, 1)
            self.assertEqual(out, b"")
            self.assertTrue(err.startswith(says), err)

    def test_example_links_one_mechanism(self):
        """A program links the mechanisms that it names, and those of a job that names none."""
        names = subprocess.run(["nm", EXAMPLES / "token"], capture_output=True, text=True, check=True).stdout.split()
        if "__asan_init" in names:
            self.skipTest("the sanitizers keep all of a file")
        self.assertEqual({name for name in names if name.startswith("popcl_mech_")},
                         {"popcl_mech_xoauth2", "popcl_mech_user", "popcl_mech_apop"})

    def test_token_never_in_clear(self):
        """A token is not sent in clear text: nothing arrives at the server."""
        account, _ = self.account_with_mail()
        token = self.authority.issue(account.name)
        for mechanism in ("xoauth2", "oauthbearer"):
            self.assertEqual(Login(self.server.port, account.name, token=token, auth=mechanism).result, "ERR_MECHANISM_NEEDS_TLS")
        self.assertNotIn(token, self.authority.asked)

    # ---- the choice ----

    def test_choice(self):
        """Without names popcl takes the token over TLS, else USER and PASS; in clear text a digest."""
        account, wanted = self.account_with_mail()
        token = self.authority.issue(account.name)
        for options, mechanism in (({"token": token, "tls": self.ca}, "xoauth2"), ({"tls": self.ca}, "user"), ({}, "cram-md5")):
            for window in WINDOWS:
                port = self.server.tls_port if "tls" in options else self.server.port
                self.assertLoggedIn(Login(port, account.name, password=account.password, window=window, **options), mechanism, wanted)

    def test_account_that_is_kept_as_a_hash(self):
        """The server offers SCRAM and CRAM-MD5, and can check neither for this account. Over TLS popcl logs in by itself; in clear text the
        result names the digest, and the password itself is not tried."""
        password = "a password that is kept as a hash"
        with Dovecot({self.HASHED: password}, "auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256\n", self.certificate,
                     stored={self.HASHED: hashed(password)}) as server:
            account, wanted = self.account_with_mail(self.HASHED, server)
            for port, options in ((server.tls_port, {"tls": self.ca}), (server.port, {"stls": self.ca})):
                for device in ({}, DEVICE):
                    self.assertLoggedIn(Login(port, account.name, password=password, **options, **device), "user", wanted)
            is_known = Login(server.port, account.name, password=password, auth="scram-sha-256").result != "ERR_ARGUMENT"
            for auth in (None, "cram-md5", *(("scram-sha-1", "scram-sha-256") if is_known else ())):
                login = Login(server.port, account.name, password=password, auth=auth)
                self.assertRefused(login, auth or ("scram-sha-256" if is_known else "cram-md5"), "ERR_DIGEST_REFUSED")
            self.assertLoggedIn(Login(server.port, account.name, password=password, auth="user"), "user", wanted)


class OverOther(MechanismTest):
    """What each of the other servers is tested with: in clear text, and after a front that ends TLS. `offers`: the names for the server's class;
    `user`, `sasl`, `digests`: the mechanisms that work; `pipelining`: whether the server offers it."""

    make = None
    offers, user, sasl, digests = (), ("user",), (), ()
    pipelining = True
    unavailable = ""  # why there is no server

    @classmethod
    def setUpClass(cls):
        certificate = pki.shared().root().issue(san=["127.0.0.1"])
        cls.ca = certificate.issuer.file
        try:
            cls.server = cls.make(cls.offers).__enter__()
        except servers.Unavailable as reason:
            cls.unavailable = str(reason)
            return
        cls.addClassCleanup(cls.server.stop)
        cls.front = Front(cls.server.port, certificate.context())
        cls.addClassCleanup(cls.front.end)

    def setUp(self):
        if self.unavailable:
            self.skipTest(self.unavailable)

    def ways(self):
        """(title, port, options)"""
        yield "clear text", self.server.port, {}
        yield "clear text of a device", self.server.port, {"iobuf": DEVICE["iobuf"]}
        yield "POP3S", self.front.port, {"tls": self.ca}
        yield "POP3S of a device", self.front.port, {"tls": self.ca, **DEVICE}

    def account_with_mail(self, name=None, server=None):
        account, _ = super().account_with_mail(name, server)
        return account, b"".join(self.fetched(account))

    def test_each_mechanism(self):
        """[R7 R36 R70 R71] Logs in, and fetches the same octets as a bare socket, with each mechanism and in each way."""
        account, wanted = self.account_with_mail()
        for mechanism in (*self.user, *self.sasl, *self.digests):
            for (title, port, options), window, pull in itertools.product(self.ways(), WINDOWS, (None, 5)):
                with self.subTest(mechanism=mechanism, way=title, window=window, pull=pull):
                    before = self.server.log().count(self.logged(mechanism, account))
                    login = Login(port, account.name, password=account.password, auth=mechanism, window=window, pull=pull, **options)
                    self.assertLoggedIn(login, mechanism, wanted)
                    self.assertEqual(login.granted, "mfln" in options, login)
                    self.assertEqual(login.ahead, window is not None and self.pipelining, login)
                    if self.logged(mechanism, account):
                        self.assertLogged(self.logged(mechanism, account), before + 1)

    def test_command(self):
        """The command with each mechanism, as a device."""
        account, _ = self.account_with_mail()
        for mechanism in (*self.user, *self.sasl, *self.digests):
            with self.subTest(mechanism=mechanism):
                self.run_command(self.server.port, account, mechanism)
                self.run_command(self.front.port, account, mechanism, "-T", "-c", str(self.ca), "--mfln", str(DEVICE["mfln"]))

    def logged(self, mechanism, account):
        """The line of the log by which the server names mechanism or user; "": it writes none."""
        return ""

    def test_wrong_password(self):
        """[E5 E6] A wrong password is refused once with each mechanism, and is named as the password, or as the digest."""
        account, _ = self.account_with_mail()
        for mechanism in (*self.user, *self.sasl, *self.digests):
            result = {"apop": "ERR_APOP_REFUSED", "cram-md5": "ERR_DIGEST_REFUSED"}.get(mechanism, "ERR_AUTH")
            *_, (title, port, options) = self.ways()  # one way: some servers wait for seconds before they refuse
            with self.subTest(mechanism=mechanism, way=title):
                login = Login(port, account.name, password="not the password", auth=mechanism, **options)
                self.assertRefused(login, mechanism, result)

    def test_mechanisms_that_are_not_offered(self):
        """A mechanism that CAPA does not list is tried if it is the only one that is named. The error does not blame the password: the server
        refuses AUTH before anything of the password was sent."""
        account, _ = self.account_with_mail()
        missing = {"login", "cram-md5"} - {*self.sasl, *self.digests}
        for mechanism in missing:
            login = Login(self.server.port, account.name, password=account.password, auth=mechanism)
            self.assertRefused(login, mechanism, "ERR_NO_MECHANISM")


class OverCourier(OverOther, unittest.TestCase):
    make = servers.Courier
    offers = ("PLAIN", "LOGIN", "CRAM-MD5")
    sasl, digests = ("plain", "login"), ("cram-md5",)

    def logged(self, mechanism, account):
        return f"LOGIN, user={account.name}, "


class OverCyrus(OverOther, unittest.TestCase):
    make = servers.Cyrus
    offers = ("PLAIN", "LOGIN", "CRAM-MD5")
    sasl, digests = ("plain", "login"), ("cram-md5", "apop")


class OverMailutils(OverOther, unittest.TestCase):
    make = servers.Mailutils
    offers = ("APOP",)
    digests = ("apop",)

    def logged(self, mechanism, account):
        return f"POP3 login: user `{account.name.partition('@')[0]}'"


class OverPopa3d(OverOther, unittest.TestCase):
    make = servers.Popa3d
    pipelining = False

    def logged(self, mechanism, account):
        return f"Authentication passed for {account.name}"


if __name__ == "__main__":
    unittest.main()
