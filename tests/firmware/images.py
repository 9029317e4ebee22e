# SPDX-License-Identifier: MIT
"""The firmware images of a test run, and the throw-away authority that they trust, made once before the tests: who comes later reads them.

    with Workshop():                         in the runner: certificates, then images, in a folder that lives as long as the block
        ...                                  FIRMWARE names it to the tests
    image("raw"), certificate("server")      in a test
"""
import collections
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "interop"))
import firmware_image  # noqa: E402
import hostile  # noqa: E402
import pki  # noqa: E402

SYSTEM_BUNDLE = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")  # Debian's ca-certificates
NAME, ADDRESS = "mail.example", "10.0.2.2"  # what the server is called, and where a board finds this machine
IMAGES = {  # what `make -C examples/firmware` is told, beside ANCHORS and OUT
    "raw": "BOARD=lm3s6965evb NET=raw PROFILE=public RECORD=4096 IPV6=0",
    "sockets": "BOARD=lm3s6965evb NET=sockets PROFILE=public RECORD=4096 IPV6=0",
    "m0": "BOARD=lm3s6965evb-m0 NET=raw PROFILE=public RECORD=4096 IPV6=0",
    "an385": "BOARD=mps2-an385 NET=raw PROFILE=public RECORD=4096 IPV6=0",
    "an505": "BOARD=mps2-an505 NET=raw PROFILE=public RECORD=4096 IPV6=0",
    "sockets-m0": "BOARD=lm3s6965evb-m0 NET=sockets PROFILE=public RECORD=4096 IPV6=0",
    "sockets-an505": "BOARD=mps2-an505 NET=sockets PROFILE=public RECORD=4096 IPV6=0",
    "ipv6": "BOARD=lm3s6965evb NET=raw PROFILE=public RECORD=4096 IPV6=1",
    "raw-512": "BOARD=lm3s6965evb NET=raw PROFILE=public RECORD=512 IPV6=0",
    "sockets-512": "BOARD=lm3s6965evb NET=sockets PROFILE=public RECORD=512 IPV6=0",
    "resume": "BOARD=lm3s6965evb NET=raw PROFILE=public RECORD=4096 IPV6=0 RESUME=1",
    "resume-sockets": "BOARD=lm3s6965evb NET=sockets PROFILE=public RECORD=4096 IPV6=0 RESUME=1",
    "resume-both": "BOARD=lm3s6965evb NET=raw PROFILE=public RECORD=4096 IPV6=0 RESUME=1",  # trusts another authority too
    "found": "BOARD=lm3s6965evb NET=raw PROFILE=public RECORD=4096 IPV6=0",  # trusts what popcl-ta for-host found
    "trust": "BOARD=lm3s6965evb NET=raw PROFILE=public RECORD=4096 IPV6=0 SIGNERS=signers.c SCOPE=popcl-example",  # takes signed trust
    "trust-pinned": "BOARD=lm3s6965evb NET=raw PROFILE=pinned RECORD=4096 IPV6=0 SIGNERS=signers.c SCOPE=popcl-example",
}
SIGNERS = ("signer0", "signer1")
ANCHORS = {"resume-both": "both", "found": "found", "trust-pinned": "pins"}  # else "one"
Image = collections.namedtuple("Image", "name board file")


class Certificate(collections.namedtuple("Certificate", "chain_file key_file")):
    """As pki.Certificate, made by another process."""

    def context(self, ciphers="DEFAULT@SECLEVEL=0"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers(ciphers)
        context.load_cert_chain(self.chain_file, self.key_file)
        return context


class Workshop:
    """`names`: the images that are wanted, of IMAGES. `popcl_ta`: the program."""

    def __init__(self, names=tuple(IMAGES), popcl_ta=ROOT / "build" / "popcl-ta"):
        self.names, self._popcl_ta = names, popcl_ta
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fw"))
        self.folder.chmod(0o755)  # Dovecot reads its certificate here

    def __enter__(self):
        try:
            self._certificates()
            self._images()
        except BaseException:
            self.remove()
            raise
        os.environ["FIRMWARE"] = str(self.folder)
        return self

    def __exit__(self, *_):
        self.remove()

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def _certificates(self):
        made = pki.Pki()
        try:
            root, other = made.root("Throw-away CA"), made.root("Another CA")
            server = {"san": [NAME, ADDRESS, "fec0::2"]}
            for name, certificate in (("server", root.issue("mail", **server)), ("untrusted", other.issue("mail", **server)),
                                      ("renewed", root.issue("mail again", **server))):
                shutil.copy(certificate.chain_file, self.folder / f"{name}.pem")
                shutil.copy(certificate.key_file, self.folder / f"{name}.key")
            self._find_anchor(root, other, root.issue("an intermediate", ca=True).issue("mail", san=[NAME, ADDRESS, "localhost"]))
            next_root = made.root("Generation Y", key="P-384")
            following = next_root.issue("Y1", ca=True).issue("mail", **server)
            for name, certificate in (("next", following), ("root", root), ("next-root", next_root), ("stranger", made.root("Stranger")),
                                      *((name, made.root(name)) for name in SIGNERS)):
                shutil.copy(certificate.chain_file, self.folder / f"{name}.pem")
                shutil.copy(certificate.key_file, self.folder / f"{name}.key")
            publics = [self.folder / f"{name}.pub" for name in SIGNERS]
            for name, public in zip(SIGNERS, publics):
                made.openssl("pkey", "-in", self.folder / f"{name}.key", "-pubout", "-out", public)
            subprocess.run([self._popcl_ta, "keys", "-o", self.folder / "signers.c", *publics], check=True)
            for name, roots in (("one", root.file), ("both", root.bundle(other))):
                subprocess.run([self._popcl_ta, "gen", "-q", "-o", self.folder / f"{name}.c", roots], check=True)
            subprocess.run([self._popcl_ta, "gen", "-q", "--pins", "-o", self.folder / "pins.c", self.folder / "server.pem"], check=True)
        finally:
            made.remove()

    def _find_anchor(self, root, other, server):
        """Anchors as popcl-ta for-host makes them, from a server and a bundle of many authorities."""
        for suffix, file in (("pem", server.chain_file), ("key", server.key_file)):
            shutil.copy(file, self.folder / f"found.{suffix}")
        bundle = self.folder / "bundle.pem"
        bundle.write_text(other.file.read_text() + SYSTEM_BUNDLE.read_text() + root.file.read_text())
        with hostile.Hostile(context=server.context()) as listening:
            subprocess.run([self._popcl_ta, "for-host", "-q", f"localhost:{listening.port}", "--bundle", bundle, "-o", self.folder / "found.c"], check=True)

    def _images(self):
        """One after the other: they share objects. Below a folder of their own, for another part of the checks may build at the same time."""
        build = pathlib.Path(os.environ.get("B", "build"))
        place = [f"BEARSSL_SRC={firmware_image.source('bearssl', build / 'arm')}", f"LWIP_SRC={firmware_image.source('lwip', build)}",
                 f"OUT={build.resolve() / 'firmware'}"]
        for name in self.names:
            anchors = self.folder / f"{ANCHORS.get(name, 'one')}.c"
            words = [word.replace("SIGNERS=", f"SIGNERS={self.folder}/") for word in IMAGES[name].split()] + [*place, f"ANCHORS={anchors}"]
            firmware_image.make(words)
            shutil.copy(firmware_image.make([*words, "name"]).split()[-1], self.folder / f"{name}.elf")


def _folder():
    return pathlib.Path(os.environ["FIRMWARE"])


def image(name):
    settings = dict(word.split("=") for word in IMAGES[name].split())
    return Image(name, settings["BOARD"], _folder() / f"{name}.elf")


def file(name):
    return _folder() / name


def certificate(name):
    return Certificate(file(f"{name}.pem"), file(f"{name}.key"))


signer = certificate  # whose key signs trust
