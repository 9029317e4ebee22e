# SPDX-License-Identifier: MIT
"""Certificates and TLS servers that must be refused, and those that must be taken, through the command. In every row that is refused the
client sends no more than its ClientHello and an alert: no key is agreed on, and nothing of a login leaves. [I1 R68]

The chains as such have a test of their own; here it is that the command puts the right questions, and says the answer."""
import ssl
import subprocess
import unittest
import warnings

import command
import gnutls
import pki
from hostile import ALERT, HANDSHAKE, Hostile, records
from test_hostile import rows
from tlscase import PASSWORD, USER, TlsCase, assert_no_secret, right_server, root

ALL = (1, 2, 3)
POP3S = None
UNTRUSTED = "comes from no trusted authority"
OTHER_NAME = "the server's certificate is for another name"
NO_NAME = "the server's certificate names no host"
EXPIRED = "a certificate has expired"
NOT_YET = "a certificate is not valid yet"
WEAK = "a certificate is too weak"
USAGE = "a certificate is not meant for TLS servers"
NOT_CA = "a certificate's issuer cannot issue it"


class Refused(TlsCase):
    """79, and not one octet behind the alert."""

    def __init__(self, name, ids, says, make, *options, clear=POP3S, code=79, **more):
        super().__init__(name, ids, clear, code, *options, count=None, says=says, context=lambda: make().context(), **more)

    def judge(self, test, place, server, every, result):
        super().judge(test, place, server, every, result)
        test.assertEqual(server.handshakes, 0, result)
        test.assertEqual(server.received.replace(b"CAPA\r\n", b"").replace(b"STLS\r\n", b""), b"", result)
        kinds = records(server.wire.partition(b"STLS\r\n")[2] if self.clear is not None else server.wire)
        test.assertLessEqual(set(kinds), {HANDSHAKE, ALERT}, result)


def taken(name, ids, make, *options, **more):
    return TlsCase(name, ids, POP3S, 0, *options, stored=ALL, context=lambda: make().context(), **more)


def leaf(issuer=None, san=pki.LOCAL, **how):
    return lambda: (issuer or root)().issue("a server", san=san, **how)


def intermediate(**how):
    return lambda: root().issue("an intermediate", ca=True, **how)


def stranger():
    """An authority that nobody trusts."""
    return pki.shared().root("A stranger")


def host_root():
    """An authority that has a host's name."""
    return pki.shared().root("localhost")


def rsa_root():
    return pki.shared().root("RSA root", key="RSA-4096")


def p384_root():
    return pki.shared().root("P-384 root", key="P-384", digest="sha384")


def old_root():
    """An authority that lives into the next century."""
    return pki.shared().root("A root for ever", end=40_000)


def at(days):
    """A time for --now, so many days from now."""
    return pki.days_from_now(days).strftime("%Y-%m-%dT%H:%M:%SZ")


def self_signed():
    return pki.shared().make("self-signed", None, san=pki.LOCAL)


def mkcert(host="localhost", kind="plain"):
    """A server's own certificate without a subjectAltName."""
    return lambda: pki.shared().mkcert(host, kind)


NO_CA = ("basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature,keyCertSign")
NO_CERT_SIGN = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,cRLSign")
NO_IDENTIFIERS = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign", "subjectKeyIdentifier=none", "authorityKeyIdentifier=none")
SHORT_PATH = ("basicConstraints=critical,CA:TRUE,pathlen:0", "keyUsage=critical,keyCertSign")
CLIENT_AUTH = ("basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature", "extendedKeyUsage=clientAuth")
NO_SIGNATURE = ("basicConstraints=critical,CA:FALSE", "keyUsage=critical,keyEncipherment", "extendedKeyUsage=serverAuth")


def below_short_path():
    return intermediate(extensions=SHORT_PATH)().issue("an intermediate below", ca=True)


class Missing:
    """A server that leaves its intermediate out."""
    name = "no intermediate"

    @property
    def pin(self):
        return leaf(intermediate())().pin

    def context(self):
        full = leaf(intermediate())()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(full.file, full.key_file)
        return context


class WithRoot:
    """A server that sends its root, too."""

    def __init__(self, digest="sha256"):
        self.root = pki.shared().root("SHA-1 root", digest="sha1") if digest == "sha1" else root()

    def context(self):
        server = self.root.issue("a server", san=pki.LOCAL)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        context.load_cert_chain(server.bundle(self.root), server.key_file)
        return context


@rows(
    Refused("self-signed", "[D1]", UNTRUSTED, self_signed),
    Refused("of an authority that is not trusted", "[D2]", UNTRUSTED, leaf(stranger)),
    Refused("of an authority that is not trusted, STLS", "[D2 R64 R68]", UNTRUSTED, leaf(stranger), clear={}),
    Refused("no intermediate", "[D2]", UNTRUSTED, Missing),
    Refused("for another name", "[D3 R66]", OTHER_NAME, leaf(san=["mail.example", "192.0.2.1"])),
    Refused("for another name, STLS", "[D3 R66 R64]", OTHER_NAME, leaf(san=["mail.example"]), clear={}),
    Refused("for a longer name", "[D3 R66]", OTHER_NAME, leaf(san=["localhost.example", "xlocalhost", "localhos"])),
    Refused("expired", "[D4]", EXPIRED, leaf(start=-20, end=-1)),
    Refused("expired, STLS", "[D4 R64]", EXPIRED, leaf(start=-20, end=-1), clear={}),
    Refused("not yet valid", "[D5]", NOT_YET, leaf(start=2, end=20)),
    Refused("of an expired intermediate", "[D6]", EXPIRED, leaf(intermediate(start=-20, end=-1))),
    Refused("of an intermediate that is no CA", "[D7]", NOT_CA, leaf(intermediate(extensions=NO_CA))),
    Refused("of an intermediate that may not sign", "[D8]", "", leaf(intermediate(extensions=NO_CERT_SIGN))),
    Refused("below the length of the path", "[D9]", NOT_CA, leaf(below_short_path)),
    Refused("signed with MD5", "[D13]", WEAK, leaf(rsa_root, digest="md5"), ca=rsa_root),
    Refused("signed with SHA-1", "[D14]", WEAK, leaf(digest="sha1")),
    Refused("of an intermediate signed with SHA-1", "[D14]", WEAK, leaf(intermediate(digest="sha1"))),
    Refused("RSA-1024", "[D15]", WEAK, leaf(key="RSA-1024")),
    Refused("of an intermediate with RSA-1024", "[D15]", WEAK, leaf(intermediate(key="RSA-1024"))),
    Refused("for clients", "[D17]", USAGE, leaf(extensions=CLIENT_AUTH)),
    Refused("not for signatures", "[D17]", "", leaf(extensions=NO_SIGNATURE), code=(79, 80)),
    Refused("an unknown critical extension", "[D19]", "a certificate demands something", leaf(more=["1.2.3.4.5=critical,ASN1:NULL"])),
    Refused("a common name only", "[D22]", NO_NAME, lambda: root().issue("localhost")),
    Refused("a server's own without SAN, another host", "[D22 D3]", NO_NAME, mkcert("mail.example"), ca=mkcert("mail.example")),
    Refused("a server's own without SAN, a wildcard", "[D22 D25]", NO_NAME, mkcert("*.example"), "--tls-name", "mail.example", ca=mkcert("*.example")),
    Refused("a server's own without SAN, an address for a host", "[D22 D26]", NO_NAME, mkcert("localhost"), host="127.0.0.1", ca=mkcert("localhost")),
    Refused("a server's own without SAN that is no anchor", "[D1 D22]", NO_NAME, mkcert()),
    Refused("a server's own without SAN, another of its name", "[D2 D22]", NO_NAME, mkcert(), ca=mkcert(kind="authority")),
    Refused("a common name only, of an authority of that name", "[D22]", NO_NAME, lambda: host_root().issue("a server"), ca=lambda: host_root()),
    Refused("a common name that fits and a SAN that does not", "[D23]", OTHER_NAME, lambda: root().issue("localhost", san=["mail.example"])),
    Refused("a SAN of mail addresses only", "[D24]", NO_NAME, lambda: root().issue("localhost", san=["email:a@localhost"])),
    Refused("a wildcard alone", "[D25]", OTHER_NAME, leaf(san=["*"])),
    Refused("a wildcard in a part of a label", "[D25]", OTHER_NAME, leaf(san=["m*.boat.example"]), "--tls-name", "mail.boat.example"),
    Refused("a wildcard for two labels", "[D25]", OTHER_NAME, leaf(san=["*.example"]), "--tls-name", "mail.boat.example"),
    Refused("an address in a host's place", "[D26]", "", leaf(san=["DNS:127.0.0.1", "DNS:*.0.0.1", "DNS:localhost"]), host="127.0.0.1"),
    Refused("another address", "[D26]", OTHER_NAME, leaf(san=["127.0.0.2", "localhost"]), host="127.0.0.1"),
    Refused("an address in another form", "[D26]", "", leaf(san=["DNS:127.1", "DNS:localhost"]), host="127.1"),
    Refused("another address, IPv6", "[D26]", OTHER_NAME, leaf(san=["::2", "127.0.0.1", "localhost"]), "--tls-name", "::1"),
    Refused("the server's own as anchor, other name", "[D50]", OTHER_NAME, leaf(san=["mail.example"]), ca=leaf(san=["mail.example"])),
    Refused("the server's own as anchor, another server", "[D50]", UNTRUSTED, leaf(), ca=leaf(san=["localhost"])),
    Refused("--now after the end", "[D4]", EXPIRED, leaf(end=100), "--now", at(101)),
    Refused("--now before the beginning", "[D5]", NOT_YET, leaf(start=-5), "--now", at(-10)),
    Refused("--now in 2106, after the end", "[D4 J3]", EXPIRED, leaf(old_root, end=20_000), "--now", "2106-03-01T00:00:00Z", ca=old_root),
    Refused("--tls-name of another", "[D3 R66]", OTHER_NAME, leaf(), "--tls-name", "mail.example"),

    taken("P-256", "[D33]", leaf()),
    taken("P-384 under P-384", "", leaf(p384_root, key="P-384", digest="sha384"), ca=p384_root),
    taken("RSA-2048 under RSA-4096", "", leaf(rsa_root, key="RSA-2048", digest="sha512"), ca=rsa_root),
    taken("two intermediates", "", leaf(lambda: intermediate()().issue("one more", ca=True))),
    taken("a wildcard", "[D25 R66]", leaf(san=["*.boat.example"]), "--tls-name", "mail.boat.example"),
    taken("a name in capitals", "[R66]", leaf(san=["MAIL.Boat.Example"]), "--tls-name", "mail.BOAT.example"),
    taken("one name of many", "", leaf(san=[f"host{n}.example" for n in range(60)] + ["localhost"])),
    taken("the root comes along", "[D33]", WithRoot),
    taken("a SHA-1 root comes along", "[D14]", lambda: WithRoot(digest="sha1"),
          ca=lambda: pki.shared().root("SHA-1 root", digest="sha1")),
    taken("the server's own as anchor", "[D50]", leaf(), ca=leaf()),
    taken("a self-signed one as anchor", "[D50]", self_signed, ca=self_signed),
    *(taken(f"a server's own without SAN as anchor, {kind}", "[D22 D50]", mkcert(kind=kind), ca=mkcert(kind=kind)) for kind in pki.MKCERT_KINDS),
    TlsCase("a server's own without SAN as anchor, STLS", "[D22 D50]", {}, 0, stored=ALL, context=lambda: mkcert()().context(), ca=mkcert()),
    taken("a server's own without SAN as anchor, other letters", "[D22 D50]", mkcert("LocalHost"), ca=mkcert("LocalHost")),
    taken("a server's own without SAN as anchor, an address", "[D22 D26 D50]", mkcert("127.0.0.1"), ca=mkcert("127.0.0.1"), host="127.0.0.1"),
    taken("a server's own without SAN as anchor, --tls-name", "[D22 D50]", mkcert("mail.example"), "--tls-name", "mail.example", ca=mkcert("mail.example")),
    taken("a common name that is no SAN", "[D23]", lambda: root().issue("server17.hosting.example", san=pki.LOCAL)),
    taken("no key identifiers", "", leaf(lambda: intermediate(extensions=NO_IDENTIFIERS)(), more=["authorityKeyIdentifier=none"])),
    taken("--now while it was valid", "[D4]", leaf(start=-20, end=-1), "--now", at(-10)),
    taken("--now in 2038", "[J3]", leaf(old_root, end=30_000), "--now", "2038-01-19T03:14:09Z", ca=old_root),
    taken("--now in 2050", "[J3]", leaf(old_root, end=30_000), "--now", "2050-01-01T00:00:01Z", ca=old_root),
    taken("--now in 2106", "[J3]", leaf(old_root, end=30_000), "--now", "2106-02-07T06:28:17Z", ca=old_root),
    taken("--tls-name", "[R66]", leaf(san=["mail.example"]), "--tls-name", "mail.example"),
)
class Certificates(unittest.TestCase):
    """What the server shows."""


# ---- versions and algorithms ----

def offering(ciphers="DEFAULT@SECLEVEL=0", least=ssl.TLSVersion.TLSv1_2, most=ssl.TLSVersion.TLSv1_2, key="P-256"):
    def make():
        context = leaf(key=key)().context(ciphers)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # old versions are the point here
            context.minimum_version, context.maximum_version = least, most
        return context
    return make


def asking(mode):
    """A server that asks for the client's certificate."""
    def make():
        context = right_server().context()
        context.load_verify_locations(root().file)
        context.verify_mode = mode
        return context
    return make


def on_curve(name):
    def make():
        context = right_server().context()
        context.set_ecdh_curve(name)
        return context
    return make


def unwilling():
    """A server that does not know the name it is asked for."""
    context = right_server().context()
    context.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    return context


NO_VERSION = "have no TLS version in common"
NO_ALGORITHM = "have no TLS algorithm in common"


def unlike(name, ids, says, context, clear=POP3S):
    return TlsCase(name, ids, clear, 80, context=context, count=None, says=says, never=("CAPA", "USER") if clear is POP3S else ("USER",))


def like(name, ciphers, key="P-256"):
    return TlsCase(name, "", POP3S, 0, stored=ALL, context=offering(ciphers, key=key))


@rows(
    unlike("TLS 1.3 only", "[D38]", NO_VERSION, offering(least=ssl.TLSVersion.TLSv1_3, most=ssl.TLSVersion.TLSv1_3)),
    unlike("TLS 1.3 only, STLS", "[D38 R64]", NO_VERSION, offering(least=ssl.TLSVersion.TLSv1_3, most=ssl.TLSVersion.TLSv1_3), clear={}),
    unlike("TLS 1.1 only", "[D37]", NO_VERSION, offering(least=ssl.TLSVersion.TLSv1_1, most=ssl.TLSVersion.TLSv1_1)),
    unlike("TLS 1.0 only", "[D37]", NO_VERSION, offering(least=ssl.TLSVersion.TLSv1, most=ssl.TLSVersion.TLSv1)),
    unlike("CBC only", "[D39]", NO_ALGORITHM, offering("ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")),
    unlike("static RSA only", "[D39]", NO_ALGORITHM, offering("AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA:@SECLEVEL=0", key="RSA-2048")),
    unlike("finite fields only", "[D39]", NO_ALGORITHM, offering("DHE-RSA-AES128-GCM-SHA256:DHE-RSA-CHACHA20-POLY1305:@SECLEVEL=0", key="RSA-2048")),
    unlike("CCM only", "[D39]", NO_ALGORITHM, offering("ECDHE-ECDSA-AES128-CCM:ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0")),
    unlike("no encryption", "[D39]", NO_ALGORITHM, offering("eNULL:@SECLEVEL=0")),
    unlike("anonymous", "[D40]", NO_ALGORITHM, offering("aNULL:@SECLEVEL=0")),
    unlike("anonymous, STLS", "[D40 R64]", NO_ALGORITHM, offering("aNULL:@SECLEVEL=0"), clear={}),
    unlike("a curve that popcl lacks", "[D39]", NO_ALGORITHM, on_curve("secp256k1")),
    unlike("a certificate of the client's wanted", "[R64]", "the server ended TLS with an alert: its alert is 40", asking(ssl.CERT_REQUIRED)),
    unlike("a certificate of the client's wanted, STLS", "[R64]", "the server ended TLS with an alert: its alert is 40",
           asking(ssl.CERT_REQUIRED), clear={}),
    unlike("a name that the server does not know", "[R67]", "the server ended TLS with an alert: its alert is 112", unwilling),
    TlsCase("a certificate of the client's asked for", "", POP3S, 0, stored=ALL, context=asking(ssl.CERT_OPTIONAL)),
    TlsCase("P-384 for the handshake", "", POP3S, 0, stored=ALL, context=on_curve("secp384r1")),
    TlsCase("X25519 for the handshake", "", POP3S, 0, stored=ALL,
            context=lambda: gnutls.Context(right_server(), gnutls.PRIORITIES + ":-GROUP-ALL:+GROUP-X25519")),
    like("ECDSA, AES-128-GCM", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    like("ECDSA, AES-256-GCM", "ECDHE-ECDSA-AES256-GCM-SHA384"),
    like("ECDSA, ChaCha20", "ECDHE-ECDSA-CHACHA20-POLY1305"),
    like("RSA, AES-128-GCM", "ECDHE-RSA-AES128-GCM-SHA256", "RSA-2048"),
    like("RSA, AES-256-GCM", "ECDHE-RSA-AES256-GCM-SHA384", "RSA-2048"),
    like("RSA, ChaCha20", "ECDHE-RSA-CHACHA20-POLY1305", "RSA-2048"),
    TlsCase("TLS 1.2 of a server that has 1.0 to 1.3", "", POP3S, 0, stored=ALL,
            context=offering(least=ssl.TLSVersion.TLSv1, most=ssl.TLSVersion.TLSv1_3)),
)
class Algorithms(unittest.TestCase):
    """What the server speaks."""


class Trusted(unittest.TestCase):
    """Whom the command is told to trust."""

    def setUp(self):
        self.place = command.Place(USER, PASSWORD)
        self.addCleanup(self.place.remove)

    def talk(self, *options, code=0, certificate=None, host="localhost"):
        """A run against a server with this certificate (default: one in order)."""
        with Hostile(context=(certificate or right_server()).context(), user=USER, password=PASSWORD) as server:
            result = self.place.run(server.port, "-T", *map(str, options), code=code, server=host)
            assert_no_secret(self, server, result)
            if result.code not in (0, 75):
                self.assertEqual(server.handshakes, 0, result)
            return result

    def test_directories(self):
        """-C: hash-named files only, ordinary names only, both, links; with -c beside it."""
        authorities = [stranger(), root()]
        make = pki.shared().directory
        ordinary, hashed = make("ordinary", authorities), make("hashed", authorities, hashed=True)
        both, links = make("both", authorities[:1]), make("links", [])
        (both / "5ad8a5d6.0").write_text(root().file.read_text())
        (links / "a link").symlink_to(root().file)
        (links / "dangling").symlink_to(links / "nothing")
        (links / "README").write_text("no certificate\n")
        for folder in (ordinary, hashed, both, links):
            with self.subTest(folder=folder.name):
                self.talk("-C", folder)
        self.talk("-C", make("strangers", authorities[:1]), code=79)
        self.talk("-C", make("more strangers", authorities[:1]), "-c", root().file)

    def test_bundles(self):
        """-c: several authorities in one file, with text between them, and in either order."""
        self.talk("-c", root().bundle(stranger()))
        self.talk("-c", stranger().bundle(root()))
        file = self.place.root / "text.pem"
        file.write_text(f"\ufeffSubject: somebody\r\n{stranger().file.read_text()}\n# a comment\n{root().file.read_text()}", encoding="utf-8")
        self.talk("-c", file)

    def test_unusable(self):
        """An unusable -c or -C is an error, found before any connection, and never replaced by the system's store or SSL_CERT_FILE."""
        self.place.environment = {"SSL_CERT_FILE": str(root().file)}
        empty, text, folder = (self.place.root / name for name in ("empty.pem", "text.pem", "folder"))
        empty.write_text("")
        text.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
        folder.mkdir()
        for options in (("-c", self.place.root / "no such file"), ("-c", empty), ("-c", text), ("-c", folder), ("-C", folder), ("-C", empty),
                        ("-C", self.place.root / "no such folder"), ("-c", root().file, "-C", folder)):
            with self.subTest(options=options), Hostile(context=right_server().context()) as server:
                result = self.place.run(server.port, "-T", *map(str, options), server="localhost", code=(66, 79))
                self.assertEqual((server.sessions, result.out), ([], ""), result)

    def test_trace_into_the_file_of_c(self):
        """[L6] --trace=FILE with the name of -c is refused, and leaves it as it is."""
        file = self.place.root / "ca.pem"
        file.write_text(root().file.read_text())
        with Hostile(context=right_server().context()) as server:
            self.place.run(server.port, "-T", "-c", str(file), f"--trace={file}", server="localhost", code=73)
            self.assertEqual((server.sessions, file.read_text()), ([], root().file.read_text()))

    def test_without_tls(self):
        """-c and -C without -T or -S, and -T with -S: wrong usage, found before any connection. [L1]"""
        for options in (("-c", root().file), ("-C", root().file.parent), ("-T", "-S", "-c", root().file)):
            with self.subTest(options=options), Hostile(context=right_server().context()) as server:
                self.place.run(server.port, *map(str, options), server="localhost", code=64)
                self.assertEqual(server.sessions, [])

    def test_environment(self):
        """SSL_CERT_FILE and SSL_CERT_DIR stand in for the system's store, and -c goes before them."""
        strangers, folder = pki.shared().directory("of strangers", [stranger()]), pki.shared().directory("of the root", [root()])
        for variables, code in (({"SSL_CERT_FILE": root().file}, 0), ({"SSL_CERT_DIR": folder}, 0), ({"SSL_CERT_FILE": stranger().file}, 79),
                                ({"SSL_CERT_DIR": strangers}, 79), ({"SSL_CERT_DIR": f"{strangers}:{folder}"}, 0)):
            with self.subTest(variables=variables):
                self.place.environment = {name: str(value) for name, value in variables.items()}
                self.talk(code=code)
        self.place.environment = {"SSL_CERT_FILE": str(root().file)}
        self.talk("-c", stranger().file, code=79)

    def test_system(self):
        """Nothing given: the system's store, which does not know the authority of this test; or none is there. Refused in both cases."""
        result = self.talk(code=(66, 79))
        self.assertEqual(result.out, "")

    def test_pins(self):
        """--pin alone, several, with -c, in hexadecimal digits of either case; and each way in which it does not fit."""
        server, other = right_server(), root().issue("another", san=pki.LOCAL)
        self.talk("--pin", server.pin)
        self.talk("--pin", server.pin.replace("sha256:", "").upper().join(["sha256:", ""]))
        self.talk("--pin", other.pin, "--pin", server.pin)
        self.talk("--pin", server.pin, "-c", root().file)
        for options in (("--pin", other.pin), ("--pin", other.pin, "--pin", stranger().pin), ("--pin", other.pin, "-c", root().file),
                        ("--pin", root().pin)):
            with self.subTest(options=options):
                self.assertIn("not one of the pinned keys", self.talk(*options, code=79).err)
        self.talk("--pin", server.pin, "-c", stranger().file, code=79)

    def test_a_pin_alone_decides(self):
        """[D3 D22 D24] A pin without authorities is the server's name too: no name is demanded, and what stands behind the certificate does not count."""
        make = pki.shared().make
        for certificate in (make("localhost", None, san=["mail.example"]), make("localhost", None), make("elsewhere", None), make("elsewhere", None, san=["email:a@b.example"]),
                            make("localhost", None, extensions=CLIENT_AUTH), stranger().issue("localhost"), Missing(), self_signed(),
                            *(mkcert(host, kind)() for host in ("localhost", "mail.example") for kind in pki.MKCERT_KINDS)):
            pin = certificate.pin
            with self.subTest(certificate=certificate.name):
                self.talk("--pin", pin, certificate=certificate)
                self.talk("--pin", pin, certificate=certificate, host="127.0.0.1")
                self.assertIn("not one of the pinned keys", self.talk("--pin", stranger().pin, certificate=certificate, code=79).err)

    def test_a_pin_alone_with_stls(self):
        """[D22] A certificate as Dovecot's mkcert.sh makes it, pinned, after STLS."""
        with Hostile(context=mkcert()().context(), clear={}, user=USER, password=PASSWORD) as server:
            self.place.run(server.port, "-S", "--pin", mkcert()().pin, server="localhost")

    def test_a_pin_alone_has_dates(self):
        """[D4 D5] The dates of the pinned certificate are looked at."""
        for start, end, says in ((-20, -1, EXPIRED), (2, 20, NOT_YET)):
            certificate = pki.shared().make("localhost", None, san=pki.LOCAL, start=start, end=end)
            with self.subTest(says=says):
                self.assertIn(says, self.talk("--pin", certificate.pin, certificate=certificate, code=79).err)

    def test_a_pin_beside_an_authority(self):
        """[D3 D22] With -c both must hold: the authority's chain, with its name, and the pin."""
        for san, says in ((["mail.example"], OTHER_NAME), ((), NO_NAME)):
            certificate = root().issue("localhost", san=san)
            self.assertIn(says, self.talk("--pin", certificate.pin, "-c", root().file, certificate=certificate, code=79).err)
        self.talk("--pin", mkcert()().pin, "-c", mkcert()().file, certificate=mkcert()())
        self.assertIn("not one of the pinned keys", self.talk("--pin", root().pin, "-c", mkcert()().file, certificate=mkcert()(), code=79).err)

    def test_common_names_count_where_the_caller_names_the_certificate(self):
        """[D22 D50] -C and the environment name it as -c does."""
        own, folder = mkcert()(), pki.shared().directory("of a server", [mkcert()(), root()])
        self.talk("-C", folder, certificate=own)
        self.talk("-c", root().bundle(own), certificate=own)
        for variables in ({"SSL_CERT_FILE": own.file}, {"SSL_CERT_DIR": folder}):
            self.place.environment = {name: str(value) for name, value in variables.items()}
            self.talk(certificate=own)

    def test_words_that_are_no_pin(self):
        """A wrong --pin, --now or --tls-name is wrong usage."""
        for options in (("--pin", "abc"), ("--pin", "sha256:12"), ("--pin", "md5:" + "0" * 64), ("--pin", "sha256:" + "g" * 64),
                        ("--now", "yesterday"), ("--now", "2026-13-01T00:00:00Z"), ("--tls-name", ""), ("--tls-name", "a b")):
            with self.subTest(options=options):
                self.talk("-c", root().file, *options, code=64)

    def test_clock_that_is_not_set(self):
        """[J1] 1970 to 2025: not "expired" and not "not yet valid", but the clock, and found before any connection."""
        long_ago = pki.shared().root("A root of long ago", start=-9000)
        for time in ("1970-01-01T00:00:00Z", "2000-01-01T00:00:00Z", "2014-06-01T00:00:00Z", "2025-12-31T23:59:59Z"):
            for options in (("-c", root().file), ("-c", long_ago.file), ("-c", long_ago.bundle(root())), ("--pin", right_server().pin)):
                with self.subTest(time=time, options=options):
                    self.assertIn(f"the clock is not set: it shows {time}", self.talk(*options, "--now", time, code=79).err)

    def test_which_certificate_and_since_when(self):
        """[D4 D5 D6 D7 D14] The error says which of the server's certificates it is, and the date that is at fault."""
        day = lambda certificate, what: subprocess.run(
            ["openssl", "x509", "-in", certificate.file, "-noout", f"-{what}", "-dateopt", "iso_8601"], capture_output=True, text=True,
            check=True).stdout.strip().split("=")[1].replace(" ", "T")
        old, early = leaf(start=-20, end=-1)(), leaf(start=2, end=20)()
        old_issuer, early_issuer = intermediate(start=-20, end=-1)(), intermediate(start=2, end=20)()
        first, second = "the server's own", "number 2 of those that the server sent"
        for certificate, says in ((old, f"{EXPIRED}: {first}, on {day(old, 'enddate')}"), (early, f"{NOT_YET}: {first}, before {day(early, 'startdate')}"),
                                  (old_issuer.issue(san=pki.LOCAL), f"{EXPIRED}: {second}, on {day(old_issuer, 'enddate')}"),
                                  (early_issuer.issue(san=pki.LOCAL), f"{NOT_YET}: {second}, before {day(early_issuer, 'startdate')}"),
                                  (stranger().issue(san=pki.LOCAL), f"{UNTRUSTED}: {first} is the last of its chain"),
                                  (leaf(lambda: stranger().issue("between", ca=True))(), f"{UNTRUSTED}: {second} is the last of its chain"),
                                  (leaf(digest="sha1")(), f"{WEAK}: {first}"), (leaf(intermediate(digest="sha1"))(), f"{WEAK}: {second}"),
                                  (leaf(intermediate(extensions=NO_CA))(), f"{NOT_CA}: {second}")):
            with self.subTest(says=says):
                self.assertIn(says, self.talk("-c", root().file, certificate=certificate, code=79).err)
        self.assertIn(f"{EXPIRED}: {first}, on {day(old, 'enddate')}", self.talk("--pin", old.pin, certificate=old, code=79).err)
        self.assertIn(f"it has expired, on {day(old, 'enddate')}", self.talk("-c", old.file, certificate=old, code=79).err)

    def test_names_are_said(self):
        """[D3 L6] A name that does not fit: the error says which names the certificate has, cut, and without control characters."""
        result = self.talk("-c", root().file, certificate=leaf(san=["pop.boat.example", "*.pier.example", "192.0.2.7", "2001:db8::7"])(), code=79)
        for name in ("pop.boat.example", "*.pier.example", "192.0.2.7"):
            self.assertIn(name, result.err)
        many = self.talk("-c", root().file, certificate=leaf(san=[f"{n}.{'x' * 50}.example" for n in range(90)])(), code=79)
        self.assertIn("0.x", many.err)
        self.assertLess(len(many.err), 3000)

    def test_server_name_indication(self):
        """[R67 R66] The name goes to the server before it shows a certificate; an address does not, and --tls-name does."""
        seen = []
        for host, options, wanted in (("localhost", (), "localhost"), ("127.0.0.1", (), None), ("::1", (), None),
                                      ("localhost", ("--tls-name", "mail.example"), "mail.example")):
            context = leaf(san=[*pki.LOCAL, "mail.example"])().context()
            context.sni_callback = lambda _socket, name, _context: seen.append(name)
            with self.subTest(host=host, options=options), \
                    Hostile(context=context, user=USER, password=PASSWORD, host="::1" if host == "::1" else "127.0.0.1") as server:
                self.place.run(server.port, "-T", "-c", str(root().file), *options, server=host)
                self.assertEqual(seen.pop(), wanted)


if __name__ == "__main__":
    unittest.main()
