# SPDX-License-Identifier: MIT
"""Private POP3 servers of four other projects, each as long as a `with` block: Courier, Cyrus, GNU Mailutils and popa3d, as Debian ships them.

tests/packages.sh unpacks them below build/servers. Nothing is installed; configuration, accounts and mail lie in a temporary folder that is removed
at the end. Programs with fixed paths (Courier, popa3d) run in a folder of their own, by chroot. Nothing here knows popcl.

    with Courier() as server:
        account = server.account()
        account.deliver([b"Subject: hello\\n\\nworld\\n"])
        ... connect to ("127.0.0.1", server.port) as account.name, account.password
"""
import grp
import itertools
import os
import pathlib
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
import time

import dovecot
from mailboxes import delivered
from oracle import Oracle

TESTS = pathlib.Path(__file__).resolve().parents[1]
UNPACKED = TESTS.parent / os.environ.get("B", "build") / "servers"
START_SECONDS = 30  # far more than a start takes: only says when to give up
SPARE_ACCOUNTS = 12


class ServerError(RuntimeError):
    """The server does not start, or a tool of it fails; the text has its words."""


class Unavailable(ServerError):
    """The server cannot be had, or not by this user; the text says why in one line."""


def unpacked(name):
    """The folder with the server's packages."""
    done = subprocess.run(["sh", str(TESTS / "packages.sh"), name, str(UNPACKED)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise Unavailable(done.stderr.strip())
    return pathlib.Path(done.stdout.strip())


def run(words, **more):
    """A program that has to succeed; returns what it printed."""
    done = subprocess.run([str(word) for word in words], capture_output=True, check=False, **more)
    if done.returncode:
        raise ServerError(f"{words[0]} ended with {done.returncode}: {(done.stdout + done.stderr).decode(errors='replace')}")
    return done.stdout.decode(errors="replace")


def _is_open_to_all(folder):
    return all(parent.stat().st_mode & 1 for parent in (folder, *folder.parents))


class Server:
    """What the four have in common. `PACKAGES`: the name for packages.sh; `TITLE`: the name for people. `mechanisms`: what the server offers for
    the login beyond what it offers anyway; each class has its names."""

    PACKAGES = TITLE = ""

    def __init__(self, mechanisms=()):
        self.mechanisms = mechanisms
        self.port = None
        self._root = None
        self._ends = []  # what to do at the end, last first

    def __enter__(self):
        try:
            packages = unpacked(self.PACKAGES)
            self.files = packages / "files"
            self.versions = sorted((packages / "packages").read_text().split())
            self._root = pathlib.Path(tempfile.mkdtemp(prefix="pop"))
            self._root.chmod(0o755)
            if os.geteuid() == 0 and not _is_open_to_all(packages):  # below a home, where the server's own user must not go
                self.files = shutil.copytree(self.files, self._root / "files", symlinks=True)
            self._libraries = ":".join(str(self.files / folder) for folder in ("usr/lib", *self._multiarch()))
            self._log = open(self._root / "log", "wb")
            self._ends.append(self._log.close)
            as_root = os.geteuid() == 0
            owner = dovecot.existing_user("mail", "nobody") if as_root else pwd.getpwuid(os.geteuid())
            self.owner, self.owner_name = (owner.pw_uid, owner.pw_gid), owner.pw_name
            self._rights = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if as_root else {}
            self._passwords = {f"user{number:02}": secrets.token_hex(8) for number in range(SPARE_ACCOUNTS)}
            self._spare = list(self._passwords)
            self.start()
            return self
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Ends it and removes everything. May be called twice."""
        while self._ends:
            self._ends.pop()()
        if self._root is not None:
            shutil.rmtree(self._root, ignore_errors=True)

    def start(self):
        raise NotImplementedError

    def account(self):
        """A fresh account with an empty mailbox."""
        name = self._spare.pop(0)
        return self.make_account(name, self._passwords[name])

    def make_account(self, name, password):
        raise NotImplementedError

    @staticmethod
    def delivered(stored):
        """The exact octets that this server makes of a stored message."""
        return delivered(stored)

    def log(self):
        return (self._root / "log").read_text(errors="replace")

    def _multiarch(self):
        return sorted(str(path.relative_to(self.files)) for path in (*self.files.glob("usr/lib/*-linux-*"), *self.files.glob("lib/*-linux-*")))

    def _environment(self, **more):
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "LD_LIBRARY_PATH": self._libraries, **more}

    def _daemon(self, words, environment, **more):
        """A program that runs as long as the server, in a session of its own. If this Python dies, the kernel ends it."""
        leash = ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []
        process = subprocess.Popen([*leash, *(str(word) for word in words)], stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
                                   start_new_session=True, env=environment, cwd="/", **more)
        self._ends.append(lambda: _end(process))
        return process

    def _greets(self, name):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as probe:
                probe.settimeout(5)
                return name in probe.recv(512)
        except OSError:
            return False

    def _wait(self, done, process):
        """Until done() is true."""
        give_up = time.monotonic() + START_SECONDS
        while not done():
            if process.poll() is not None or time.monotonic() > give_up:
                raise ServerError(f"{self.TITLE} does not start:\n{self.log()}")
            time.sleep(0.02)


def _end(process):
    process.terminate()
    try:
        process.wait(dovecot.STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    dovecot.end_session(process.pid)


def _close(waited_for):
    """Closes a socket on which a thread waits, and so ends the thread."""
    try:
        waited_for.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    waited_for.close()


class Inetd:
    """Listens on a free port and starts a program for each connection, which is the program's input and output."""

    def __init__(self, words, environment, log, **more):
        self._words, self._more = [str(word) for word in words], {"stderr": log, "start_new_session": True, "cwd": "/", **more}
        self._environment = environment
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self._children = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, peer = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else each reply of two writes waits for 40 ms
            with connection:
                self._children = [child for child in self._children if child.poll() is None]
                environment = {**self._environment, "TCPREMOTEIP": peer[0], "TCPREMOTEPORT": str(peer[1]), "TCPLOCALIP": "127.0.0.1",
                               "TCPLOCALPORT": str(self.port)}
                self._children.append(subprocess.Popen(self._words, stdin=connection, stdout=connection, env=environment, **self._more))

    def end(self):
        _close(self._listener)
        for child in self._children:
            if child.poll() is None:
                _end(child)


class Jail:
    """A folder that is the root directory of a server with fixed paths: its programs, with the libraries that they need."""

    def __init__(self, root, server):
        self.root = root
        self._server = server
        for folder in ("bin", "etc/pam.d", "dev", "run", "tmp", "lib/security", "var/mail"):
            (root / folder).mkdir(parents=True)
        for device in ("null", "urandom"):
            (root / "dev" / device).touch()
        if os.geteuid() != 0:
            _need_namespace()
            self.program("/usr/bin/env", "bin/env")
            self.program(next(server.files.glob("usr/lib/**/libuid_wrapper.so")), "lib/libuid_wrapper.so")
        self._syslog = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._syslog.bind(str(root / "dev" / "log"))
        os.chmod(root / "dev" / "log", 0o666)
        threading.Thread(target=self._write_log, daemon=True).start()

    def _write_log(self):
        try:
            while line := self._syslog.recv(8192):
                self._server._log.write(line.rstrip(b"\0\n") + b"\n")
                self._server._log.flush()
        except (OSError, ValueError):
            pass

    def end(self):
        _close(self._syslog)

    def write(self, path, text, mode=0o644):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def program(self, path, place=None):
        """Copies a program or module (absolute: of this machine; else: of the packages) to the same place, or to another."""
        source = pathlib.Path(path) if os.path.isabs(path) else self._server.files / path
        place = self.root / (place or path)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, place)
        for line in run(["ldd", source], env=self._server._environment()).splitlines():
            found = re.match(r"\s*(?:(\S+) => )?(/\S+) \(0x", line)
            if found and found.group(1):
                shutil.copy(found.group(2), self.root / "lib" / found.group(1))
            elif found:  # the loader, which programs name by its path
                loader = self.root / found.group(2)[1:]
                loader.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(found.group(2), loader)

    def enter(self):
        """The words before a program that is to run inside. An ordinary user is the only user there, in a user namespace, and a library plays
        every change to another one."""
        if os.geteuid() == 0:
            return ["chroot", str(self.root)]
        return ["unshare", "--map-root-user", "--", "chroot", str(self.root), "/bin/env", "LD_PRELOAD=/lib/libuid_wrapper.so", "UID_WRAPPER=1",
                "UID_WRAPPER_ROOT=1"]

    @staticmethod
    def environment(**more):
        return {"PATH": "/bin:/usr/sbin", "LC_ALL": "C", "LD_LIBRARY_PATH": "/lib", **more}


def _need_namespace():
    if subprocess.run(["unshare", "--map-root-user", "--", "true"], capture_output=True, check=False).returncode:
        raise Unavailable("an ordinary user may not make user namespaces here")


def hashed(password):
    """For /etc/shadow and the like."""
    return run(["openssl", "passwd", "-1", "-stdin"], input=password.encode()).strip()


# ---- Courier ----

class Courier(Server):
    """courierpop3login and courierpop3d behind a listener, with authdaemond and its userdb, in a jail. Mechanisms: PLAIN, LOGIN, CRAM-MD5."""

    PACKAGES, TITLE = "courier", "Courier"

    def start(self):
        self.jail = jail = Jail(self._root / "jail", self)
        self._ends.append(jail.end)
        library = "usr/lib/courier/"
        for program in ("courier/courierpop3login", "courier/courierpop3d", "courier-authlib/authdaemond"):
            jail.program(library + program)
        for module in self.files.glob("usr/lib/courier-authlib/libauthuserdb.so*"):
            jail.program(str(module.relative_to(self.files)))
        (jail.root / "run/courier/authdaemon").mkdir(parents=True)
        (jail.root / "home").mkdir(mode=0o755)
        jail.write("etc/passwd", f"root:x:0:0::/:/bin/sh\nmail:x:{self.owner[0]}:{self.owner[1]}::/:/bin/sh\n")
        jail.write("etc/group", f"root:x:0:\nmail:x:{self.owner[1]}:\n")
        jail.write("etc/courier/authdaemonrc", 'authmodulelist="authuserdb"\nauthmodulelistorig="authuserdb"\ndaemons=2\n'
                   'authdaemonvar=/run/courier/authdaemon\nDEBUG_LOGIN=0\nDEFAULTOPTIONS=""\nLOGGEROPTS=""\n')
        uid, gid = self.owner if os.geteuid() == 0 else (0, 0)  # inside, an ordinary user is the one that there is
        self._database("userdb", {name: f"uid={uid}|gid={gid}|home=/home/{name}|mail=/home/{name}/Maildir" for name in self._passwords})
        self._database("userdbshadow", {name: f"systempw={hashed(password)}{self._hmac(password)}" for name, password in self._passwords.items()},
                       0o600)
        daemon = self._daemon([*jail.enter(), "/usr/lib/courier/courier-authlib/authdaemond"], jail.environment())
        self._wait((jail.root / "run/courier/authdaemon/socket").exists, daemon)
        inetd = Inetd([*jail.enter(), f"/{library}courier/courierpop3login", f"/{library}courier/courierpop3d", "Maildir"],
                      jail.environment(POP3AUTH=" ".join(self.mechanisms), POP3AUTH_TLS="", POP3_STARTTLS="NO", POP3_TLS_REQUIRED="0", MAILDIRPATH="Maildir",
                                       MIME_UNICODE_MESSAGE_TYPE="message/global"), self._log)
        self._ends.append(inetd.end)
        self.port = inetd.port

    def _hmac(self, password):
        """The field by which CRAM-MD5 is checked: the password's part of the digest."""
        if "CRAM-MD5" not in self.mechanisms:
            return ""
        return "|hmac-md5pw=" + run([self.files / "usr/sbin/userdbpw", "-hmac-md5"], input=password.encode() + b"\n",
                                    env=self._environment()).strip()

    def _database(self, name, rows, mode=0o644):
        maker = self.files / "usr/lib/courier/courier-authlib/makedatprog"
        file = self.jail.root / "etc/courier" / f"{name}.dat"
        lines = "".join(f"{key}\t{value}\n" for key, value in rows.items()) + ".\n"
        run([maker, "/dev/stdin", f"{file}.tmp", file], input=lines.encode(), env=self._environment())
        file.chmod(mode)

    def make_account(self, name, password):
        return dovecot.Account(name, password, self.jail.root / "home" / name, self.owner)


# ---- popa3d ----

class Mbox:
    """A user whose mail is one file, each message behind a line "From "."""

    def __init__(self, name, password, file, owner):
        self.name, self.password, self._file, self._owner = name, password, file, owner
        self.deliver([])

    def deliver(self, messages):
        with open(self._file, "ab") as file:
            for message in messages:
                octets = re.sub(rb"(?m)^From ", b">From ", message)
                file.write(b"From master@harbour.example Mon Jan  6 09:00:00 2025\n" + octets + (b"" if octets.endswith(b"\n") else b"\n") + b"\n")
        self._file.chmod(0o600)
        if os.geteuid() == 0:
            os.chown(self._file, *self._owner)

    def __len__(self):
        return len(re.findall(rb"(?m)^From ", self._file.read_bytes()))


class Popa3d(Server):
    """popa3d behind a listener, with mboxes, PAM and /etc/shadow of a jail."""

    PACKAGES, TITLE = "popa3d", "popa3d"

    def start(self):
        self.jail = jail = Jail(self._root / "jail", self)
        self._ends.append(jail.end)
        jail.program("usr/sbin/popa3d")
        for module in ("pam_unix.so", "pam_permit.so"):
            found = [path for folder in ("/usr/lib", "/lib") for path in sorted(pathlib.Path(folder).glob(f"*/security/{module}"))]
            if not found:
                raise Unavailable(f"{module} is not on this machine")
            jail.program(str(found[0]), f"lib/security/{module}")
        jail.write("etc/pam.d/popa3d", "auth required /lib/security/pam_unix.so nodelay\naccount required /lib/security/pam_permit.so\n")
        uid, gid = self.owner
        nobody = dovecot.existing_user("nobody")
        (jail.root / "var/lib/popa3d").mkdir(parents=True)
        (jail.root / "var/mail").chmod(0o1777)
        jail.write("etc/passwd", f"root:x:0:0::/:/bin/sh\npopa3d:x:{nobody.pw_uid}:{nobody.pw_gid}::/:/bin/false\n"
                   + "".join(f"{name}:x:{uid}:{gid}::/:/bin/sh\n" for name in self._passwords))
        jail.write("etc/group", f"root:x:0:\nnogroup:x:{nobody.pw_gid}:\nmail:x:{gid}:\n")
        jail.write("etc/shadow", "".join(f"{name}:{hashed(password)}:20000:0:99999:7:::\n" for name, password in self._passwords.items()), 0o600)
        inetd = Inetd([*jail.enter(), "/usr/sbin/popa3d"], jail.environment(), self._log)
        self._ends.append(inetd.end)
        self.port = inetd.port

    def make_account(self, name, password):
        return Mbox(name, password, self.jail.root / "var/mail" / name, self.owner)

    @staticmethod
    def delivered(stored):
        return re.sub(rb"(?m)^From ", b">From ", delivered(stored))


# ---- GNU Mailutils ----

class Mailutils(Server):
    """pop3d of GNU Mailutils behind a listener (-i), with accounts of a virtual domain, which need no user of the machine.

    After UIDL it adds a header X-UIDL to each message. Mechanism: APOP, which its greeting offers always; with this name accounts have a secret
    for it."""

    PACKAGES, TITLE = "mailutils", "GNU Mailutils"
    DOMAIN = "harbour.example"
    CONFIG = """mode inetd;
logging {{ syslog no; }};
tcp-wrappers {{ enable no; }};
auth {{ authentication "generic"; authorization "virtdomain"; }};
virtdomain {{ passwd-dir "{root}/domains"; }};
mandatory-locking {{ enable no; }};
apop-database-file "{root}/apop.db";
"""

    def start(self):
        (self._root / "mail").mkdir(mode=0o755)
        (self._root / "domains").mkdir(mode=0o755)
        if os.geteuid() == 0:
            os.chown(self._root / "mail", *self.owner)
        uid, gid = self.owner
        (self._root / "domains" / self.DOMAIN).write_text("".join(
            f"{name}:{hashed(password)}:{uid}:{gid}::{self._root}/mail/{name}:/bin/sh\n" for name, password in self._passwords.items()))
        (self._root / "conf").write_text(self.CONFIG.format(root=self._root))
        if "APOP" in self.mechanisms:
            self._apop_database()
        # It joins the group "mail". To an ordinary user the own group is that one, in a user namespace.
        if os.geteuid() != 0:
            _need_namespace()
        enter = [] if os.geteuid() == 0 else ["unshare", f"--map-user={uid}", f"--map-group={_mail_group()}", "--"]
        inetd = Inetd([*enter, self.files / "usr/sbin/pop3d", f"--config-file={self._root}/conf"], self._environment(), self._log, **self._rights)
        self._ends.append(inetd.end)
        self.port = inetd.port

    def _apop_database(self):
        """A key of it is a user name without an octet 0 at its end only in the form that popauth calls compatible."""
        secrets_file, database = self._root / "apop.txt", self._root / "apop.db"
        secrets_file.write_text("".join(f"{name}@{self.DOMAIN}: {password}\n" for name, password in self._passwords.items()))
        run([self.files / "usr/bin/popauth", "--create", "--compatibility", f"--file={secrets_file}", f"--output={database}"],
            env=self._environment())
        if os.geteuid() == 0:
            os.chown(database, *self.owner)

    def make_account(self, name, password):
        account = dovecot.Account(name, password, self._root / "mail" / name, self.owner, "INBOX")
        account.name = f"{name}@{self.DOMAIN}"
        return account


def _mail_group():
    try:
        return grp.getgrnam("mail").gr_gid
    except KeyError:
        raise Unavailable("this machine has no group mail, which pop3d of Mailutils joins") from None


# ---- Cyrus ----

class CyrusAccount:
    """A user of a private Cyrus; messages are put into the mailbox's folder, and `reconstruct` takes them in."""

    def __init__(self, server, name, password):
        self.name, self.password, self._server = name, password, server
        with Oracle(server.port) as session:  # the first login makes the mailbox
            session.login(name, password)
            session.command("QUIT")
        self._folder = pathlib.Path(server.tool("mbpath", f"user/{name}").strip())
        self._serial = itertools.count(1)

    def deliver(self, messages):
        for message in messages:
            file = self._folder / f"{next(self._serial)}."
            file.write_bytes(re.sub(rb"(?<!\r)\n", b"\r\n", message))
            if os.geteuid() == 0:
                os.chown(file, *self._server.owner)
        self._server.tool("reconstruct", f"user/{self.name}")

    def __len__(self):
        with Oracle(self._server.port) as session:
            session.login(self.name, self.password)
            return int(session.command("STAT").split()[1])


class Cyrus(Server):
    """Cyrus' master with pop3d, as an ordinary user, with passwords in a sasldb. Mechanisms: those of Cyrus SASL, in place of PLAIN alone."""

    PACKAGES, TITLE = "cyrus", "Cyrus"
    CONFIG = """configdirectory: {root}/conf
defaultpartition: default
partition-default: {root}/spool
proc_path: {root}/run/proc
mboxname_lockpath: {root}/run/lock
idlesocket: {root}/run/idle
notifysocket: {root}/run/notify
lmtpsocket: {root}/run/lmtp
cyrus_user: {user}
cyrus_group: {group}
servername: localhost
allowplaintext: yes
autocreate_quota: 0
autocreate_users: anyone
failedloginpause: 0
popminpoll: 0
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {root}/sasldb
sasl_mech_list: {mechanisms}
"""
    SERVICES = 'START {{\n}}\nSERVICES {{\n  pop3 cmd="{pop3d} -C {config}" listen="127.0.0.1:{port}" prefork=0 maxchild=50\n}}\nEVENTS {{\n}}\n'

    def start(self):
        for folder in ("conf", "spool", "run"):
            (self._root / folder).mkdir(mode=0o700)
        if os.geteuid() == 0:
            for folder in (self._root, *(self._root / name for name in ("conf", "spool", "run"))):
                os.chown(folder, *self.owner)
        self._config = self._root / "imapd.conf"
        self._config.write_text(self.CONFIG.format(root=self._root, user=self.owner_name, group=grp.getgrgid(self.owner[1]).gr_name,
                                                   mechanisms=" ".join(self.mechanisms or ("PLAIN",))))
        plugins = next(self.files.glob("usr/lib/*/sasl2"))
        self._own = self._environment(SASL_PATH=str(plugins))
        for name, password in self._passwords.items():
            run([self.files / "usr/sbin/saslpasswd2", "-p", "-c", "-f", self._root / "sasldb", "-u", "localhost", name],
                input=password.encode(), env=self._own, **self._rights)
        services = self._root / "cyrus.conf"
        for last in (False, False, True):  # somebody else may be faster with the port
            self.port = dovecot.free_port(["127.0.0.1"])
            services.write_text(self.SERVICES.format(pop3d=self._program("pop3d"), config=self._config, port=self.port))
            master = self._daemon([self._program("master"), "-C", self._config, "-M", services, "-p", self._root / "run/pid", "-D"], self._own,
                                  **self._rights)
            try:
                self._wait(lambda: self._greets(b"Cyrus"), master)
                return
            except ServerError:
                if last:
                    raise
                _end(master)

    def _program(self, name):
        return self.files / "usr/lib/cyrus/bin" / name

    def tool(self, name, *words):
        return run([self._program(name), "-C", self._config, *words], env=self._own, **self._rights)

    def make_account(self, name, password):
        return CyrusAccount(self, name, password)


ALL = (Courier, Cyrus, Mailutils, Popa3d)
