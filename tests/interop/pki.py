# SPDX-License-Identifier: MIT
"""Throw-away certificates, made with the openssl command line when a test asks for them: authorities, intermediates, servers, and every
kind of certificate that must be refused. Knows nothing of popcl.

    pki = Pki()                                                  a folder of its own, removed at the end of the process at the latest
    root = pki.root()                                            an authority: root.file is its certificate, for -c
    server = root.issue("mail", san=["localhost", "127.0.0.1"])  server.chain_file and server.key_file are for a server

What was asked for twice is made once: keys and certificates are the same for equal arguments.
"""
import atexit
import datetime
import functools
import hashlib
import ipaddress
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import tempfile

LOCAL = ("localhost", "127.0.0.1", "::1")  # what tests connect to
KEYS = {  # what genpkey is told
    "P-256": ("EC", "ec_paramgen_curve:P-256"), "P-384": ("EC", "ec_paramgen_curve:P-384"), "P-521": ("EC", "ec_paramgen_curve:P-521"),
    "RSA-1024": ("RSA", "rsa_keygen_bits:1024"), "RSA-2048": ("RSA", "rsa_keygen_bits:2048"), "RSA-3072": ("RSA", "rsa_keygen_bits:3072"),
    "RSA-4096": ("RSA", "rsa_keygen_bits:4096"),
}
CA_EXTENSIONS = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign", "subjectKeyIdentifier=hash")
SERVER_EXTENSIONS = ("basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature", "extendedKeyUsage=serverAuth")

# Of `openssl ca`, whose other form, `openssl x509 -req`, knows no date of beginning. There is no data base worth the name.
CONFIG = """
[ca]
default_ca = one
[one]
database = {folder}/index
new_certs_dir = {folder}
rand_serial = yes
policy = any
unique_subject = no
default_md = sha256
copy_extensions = none
email_in_dn = no
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
"""

MKCERT = """
[req]
default_bits = 2048
distinguished_name = name
prompt = no
x509_extensions = {extensions}
[name]
organizationName = A mail server
organizationalUnitName = {host}
commonName = {host}
emailAddress = root@{host}
[plain]
basicConstraints = CA:FALSE
[type]
nsCertType = server
[authority]
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always,issuer
basicConstraints = critical,CA:TRUE
"""
MKCERT_KINDS = ("plain", "type", "authority", "none")  # of Debian's Dovecot, of Dovecot itself, of openssl's usual configuration, of the smallest one


class PkiError(RuntimeError):
    """openssl is not installed, or did not do what it was asked for; the text holds its own words."""


def days_from_now(days):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)


def _san(name):
    """A subjectAltName as openssl writes it: `mail.example`, `192.0.2.1`, or with its type as in `email:a@b.example`."""
    if re.match(r"(DNS|IP|email|URI|dirName|otherName|RID):", name):
        return name
    try:
        return f"IP:{ipaddress.ip_address(name)}"
    except ValueError:
        return f"DNS:{name}"


class Certificate:
    """A certificate and its key. `file`: it alone; `chain_file`: with the intermediates behind it; `key_file`; all PEM."""

    def __init__(self, pki, name, issuer, file, key_file):
        self._pki, self.name, self.issuer, self.file, self.key_file = pki, name, issuer, file, key_file

    @functools.cached_property
    def chain_file(self):
        """The certificate, then its issuers without the root: what a server sends."""
        return self.bundle(*self.issuers()[:-1])

    def issuers(self):
        """The issuer, its issuer, ..., the root."""
        return [self.issuer, *self.issuer.issuers()] if self.issuer else []

    def bundle(self, *others):
        """A file with this certificate and others behind it."""
        text = "".join(certificate.file.read_text() for certificate in (self, *others))
        file = self._pki.folder / f"bundle-{hashlib.sha256(text.encode()).hexdigest()[:16]}.pem"
        file.write_text(text)
        return file

    def der(self):
        return ssl.PEM_cert_to_DER_cert(self.file.read_text())

    @functools.cached_property
    def pin(self):
        """As --pin takes it: the SHA-256 of the SubjectPublicKeyInfo (RFC 7469, 2.4)."""
        spki = self._pki.openssl("pkey", "-in", self.key_file, "-pubout", "-outform", "DER")
        return "sha256:" + hashlib.sha256(spki).hexdigest()

    def issue(self, name="server", **options):
        """A certificate under this one. See Pki.make."""
        return self._pki.make(name, self, **options)

    def context(self, ciphers="DEFAULT@SECLEVEL=0"):
        """A TLS server of Python's ssl module (OpenSSL) that shows this certificate; weak ones too."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers(ciphers)
        context.load_cert_chain(self.chain_file, self.key_file)
        return context


class Pki:
    """The folder, and what stands in it."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pki"))
        atexit.register(self.remove)
        self._made = {}
        (self.folder / "openssl.cnf").write_text(CONFIG.format(folder=self.folder))

    def remove(self):
        """May be called twice."""
        atexit.unregister(self.remove)
        shutil.rmtree(self.folder, ignore_errors=True)

    def openssl(self, *words):
        """Its standard output."""
        environment = {**os.environ, "OPENSSL_CONF": str(self.folder / "openssl.cnf")}
        try:
            run = subprocess.run(["openssl", *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, env=environment, check=False)
        except FileNotFoundError:
            raise PkiError("openssl is not installed (Debian: openssl)") from None
        if run.returncode != 0:
            raise PkiError(f"openssl {' '.join(map(str, words))}\n{run.stderr.decode(errors='replace')}")
        return run.stdout

    def root(self, name="Test root", **options):
        """An authority that signs itself."""
        return self.make(name, None, ca=True, **options)

    def make(self, name, issuer, **options):
        """A certificate for the common name `name`, signed by `issuer` (None: by itself); the options are those of _make."""
        wanted = (name, issuer and issuer.file, *((option, repr(value)) for option, value in sorted(options.items())))
        if wanted not in self._made:
            self._made[wanted] = self._make(name, issuer, **options)
        return self._made[wanted]

    def _make(self, name, issuer, key="P-256", san=(), ca=False, start=-30, end=365, digest="sha256", extensions=None, more=()):
        """`start`, `end`: days from now. `san`: see _san. `more`: further extensions as openssl writes them; `extensions`: all of them but
        the names, in place of the usual ones of an authority (`ca`) or a server."""
        base = self.folder / f"{len(self._made):02}-{re.sub(r'[^A-Za-z0-9]+', '-', name)}"
        file, request, described, key_file = (base.with_suffix(suffix) for suffix in (".pem", ".csr", ".ext", ".key"))
        usual = CA_EXTENSIONS if ca else SERVER_EXTENSIONS
        names = [f"subjectAltName={','.join(map(_san, san))}"] if san else []
        described.write_text("\n".join(["[these]", *(usual if extensions is None else extensions), *more, *names, ""]))
        kind, option = KEYS[key]
        self.openssl("genpkey", "-algorithm", kind, "-pkeyopt", option, "-out", key_file)
        self.openssl("req", "-new", "-key", key_file, "-subj", f"/CN={name}", "-out", request)
        (self.folder / "index").write_text("")
        signer = ["-cert", issuer.file, "-keyfile", issuer.key_file] if issuer else ["-selfsign", "-keyfile", key_file]
        self.openssl("ca", "-batch", "-notext", "-config", self.folder / "openssl.cnf", *signer, "-md", digest, "-in", request, "-out", file,
                     "-extfile", described, "-extensions", "these", "-startdate", _asn1(start), "-enddate", _asn1(end))
        return Certificate(self, name, issuer, file, key_file)

    def mkcert(self, host, kind="plain"):
        """A server's own certificate without a subjectAltName, as mkcert.sh of Dovecot and `openssl req -x509` make it, of a kind of MKCERT_KINDS."""
        config = MKCERT.format(host=host, extensions=kind)
        if kind == "none":
            config = config.replace("x509_extensions = none\n", "")
        if config not in self._made:
            base = self.folder / f"{len(self._made):02}-mkcert"
            file, described, key_file = (base.with_suffix(suffix) for suffix in (".pem", ".cnf", ".key"))
            described.write_text(config)
            self.openssl("req", "-new", "-x509", "-nodes", "-config", described, "-newkey", "rsa:2048", "-keyout", key_file, "-out", file, "-days", 365)
            self._made[config] = Certificate(self, f"{host}, {kind}", None, file, key_file)
        return self._made[config]

    def directory(self, name, certificates, hashed=False):
        """A folder of certificates, under ordinary names, or under those that openssl looks for (its subject hash)."""
        folder = self.folder / name
        folder.mkdir()
        for number, certificate in enumerate(certificates):
            title = f"authority {number}.pem"
            if hashed:
                title = self.openssl("x509", "-in", certificate.file, "-noout", "-subject_hash").decode().strip() + ".0"
            (folder / title).write_text(certificate.file.read_text())
        return folder


def _asn1(days):
    return days_from_now(days).strftime("%Y%m%d%H%M%SZ")


@functools.cache
def shared():
    """The one Pki of this process."""
    return Pki()
