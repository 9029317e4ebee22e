# SPDX-License-Identifier: MIT
"""The contestants: popcl, its peers, and bare loops, each as a command line with the files that it needs. Knows nothing of what is measured.

A client has a name, says in `delivers` whether a message becomes a file, and makes the command line of a Job. All of them keep the mail on the
server, check the server's certificate and its name, and fetch each message of the maildrop.

- mpop runs with pipelining, and delivers to a Maildir.
- curl gets one URL for each message over one connection, and writes files. It names no message that it was not told: it sends no UIDL.
- fetchmail writes BSMTP to /dev/null: its ways to files start a program for each message.
- getmail refuses a Maildir as root. As root it therefore runs as another user, by setpriv.
"""
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess

from servers import Maildrop

HOST = "127.0.0.1"
NOBODY = 65534
FULL_RECORD = "16413"  # bytes of a buffer that holds any record of TLS
DEVICE_BUFFER, DEVICE_WINDOW = "541", "8"


@dataclasses.dataclass
class Job:
    """What to fetch, from where, to where. `out` is an empty Maildir; `files` is where a client keeps its own."""
    maildrop: Maildrop
    port: int
    keys: object
    tls: bool
    out: pathlib.Path
    files: pathlib.Path

    def write(self, name, text):
        file = self.files / name
        file.write_text(text)
        file.chmod(0o600)
        return str(file)

    def environment(self):
        home = str(self.files)
        return {**os.environ, "HOME": home, "XDG_STATE_HOME": home, "FETCHMAILHOME": home, "PYTHONDONTWRITEBYTECODE": "1"}


class Client:
    """Those below fill in `argv`."""
    delivers = True
    program = None  # must be installed
    package = None  # of a peer
    slow = False

    def __init__(self, name):
        self.name = name

    @classmethod
    def installed(cls):
        return cls.program is None or shutil.which(cls.program) is not None

    def argv(self, job):
        raise NotImplementedError


class Popcl(Client):
    """The command. `more`: further options."""

    def __init__(self, name, command, *more):
        super().__init__(name)
        self._command, self._more = str(command), more

    def argv(self, job):
        auth = job.write("auth", f"username = {job.maildrop.user}\npassword = secret\n")
        tls = ["-T", "-c", job.keys.ca] if job.tls else []
        return [self._command, HOST, "-p", str(job.port), *tls, "-q", "-a", auth, "-o", str(job.out / "new"), *self._more]


class Count(Client):
    """The library with a sink that only counts. A buffer and a window make it a device."""
    delivers = False

    def __init__(self, name, program, buffer=None, window="0"):
        super().__init__(name)
        self._program, self._buffer, self._window = str(program), buffer, window

    def argv(self, job):
        password = job.write("password", "secret\n")
        buffer = self._buffer or (FULL_RECORD if job.tls else "131072")
        return [self._program, HOST, str(job.port), job.maildrop.user, password, buffer, job.keys.ca if job.tls else "-", self._window]


class Bound(Client):
    """A bare loop: `recv` or `unstuff`."""
    delivers = False

    def __init__(self, name, program, mode, buffer="131072"):
        super().__init__(name)
        self._program, self._mode, self._buffer = str(program), mode, buffer

    def argv(self, job):
        tls = [job.keys.certificate] if job.tls else []
        return [self._program, self._mode, str(job.port), job.maildrop.user, str(job.maildrop.count), self._buffer, *tls]


class Mpop(Client):
    program = package = "mpop"

    def argv(self, job):
        uidls = job.files / "mpop.uidls"
        uidls.unlink(missing_ok=True)
        tls = f"tls on\ntls_starttls off\ntls_trust_file {job.keys.ca}\n" if job.tls else "tls off\n"
        file = job.write("mpoprc", f"account x\nhost {HOST}\nport {job.port}\nuser {job.maildrop.user}\npassword secret\n{tls}auth user\nkeep on\n"
                         f"only_new off\npipelining on\nuidls_file {uidls}\nreceived_header off\ndelivery maildir {job.out}\naccount default : x\n")
        return ["mpop", "-C", file, "-Q"]


class Curl(Client):
    """`quiet`: to /dev/null."""
    program = package = "curl"

    def __init__(self, name="curl", quiet=False):
        super().__init__(name)
        self.delivers, self._quiet = not quiet, quiet

    def argv(self, job):
        tls = ["--cacert", job.keys.ca] if job.tls else []
        url = f"{'pop3s' if job.tls else 'pop3'}://{HOST}:{job.port}/[1-{job.maildrop.count}]"
        return ["curl", "-q", "--silent", "--noproxy", "*", "--user", f"{job.maildrop.user}:secret", *tls,
                "--output", os.devnull if self._quiet else str(job.out / "new/#1"), url]


class Fetchmail(Client):
    program = package = "fetchmail"
    slow = True
    delivers = False

    def argv(self, job):
        tls = f"ssl sslcertck sslcommonname localhost sslcertfile {job.keys.ca}" if job.tls else "sslproto ''"
        file = job.write("fetchmailrc", f"poll {HOST} protocol pop3 port {job.port} auth password\n user {job.maildrop.user} password secret "
                         f"is nobody here {tls} fetchall keep bsmtp /dev/null\n")
        return ["fetchmail", "-f", file, "--nosyslog", "--pidfile", str(job.files / "fetchmail.pid"), "-i", str(job.files / "fetchmail.ids"), "--silent"]


class Getmail(Client):
    program, package = "getmail", "getmail6"
    slow = True

    def argv(self, job):
        folder = job.files / "getmail"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        kind = "SimplePOP3SSLRetriever" if job.tls else "SimplePOP3Retriever"
        (folder / "getmailrc").write_text(
            f"[retriever]\ntype = {kind}\nserver = {HOST}\nport = {job.port}\nusername = {job.maildrop.user}\npassword = secret\n"
            + (f"ca_certs = {job.keys.ca}\n" if job.tls else "")
            + f"[destination]\ntype = Maildir\npath = {job.out}/\n"
            "[options]\nread_all = true\ndelete = false\nverbose = 0\ndelivered_to = false\nreceived = false\n")
        argv = ["getmail", "--getmaildir", str(folder)]
        if os.geteuid() != 0:
            return argv
        for path in (folder, folder / "getmailrc", job.out, *job.out.iterdir()):
            os.chown(path, NOBODY, NOBODY)
        return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *argv]


PEERS = [Mpop, Curl, Fetchmail, Getmail]


def version(peer):
    """The first line that says which it is, or why it is not here."""
    if not peer.installed():
        return f"{peer.package} is not installed"
    done = subprocess.run([peer.program, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    words = (done.stdout or done.stderr).split("\n")[0].split()
    number = next((word for word in words if word[0].isdigit()), words[-1] if words else "?")
    return f"{peer.package} {re.match(r'[0-9.]*', number)[0].rstrip('.')}"
