# SPDX-License-Identifier: MIT
"""A private Dovecot 2.3 (dovecot-pop3d) that lives as long as a `with` block: free loopback port, short temporary folder, own accounts.

Works as root and as an ordinary user, several at a time, and knows nothing of popcl. The machine's own Dovecot, its configuration and its
mail are not touched. What was started is ended by process id, and the folder is removed, whatever happens inside the block.

    with Dovecot() as server:
        account = server.account()
        account.deliver([b"Subject: hello\\n\\nworld\\n"])
        ... connect to ("127.0.0.1", server.port) as account.name, account.password

    with Dovecot(certificate=pki.root().issue(san=["localhost"])) as server:       server.port has STLS, server.tls_port is POP3S
"""
import itertools
import os
import pathlib
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time

START_SECONDS = 30  # far more than a start takes: only says when to give up
STOP_SECONDS = 15
SPARE_ACCOUNTS = 64  # Dovecot looks at its user file once a second at most, so all accounts stand there before it starts

# Without anvil-auth-penalty a wrong password slows down every later login from this address.
CONFIG = """
base_dir = {root}/run
state_dir = {root}/state
log_path = {root}/log
protocols = pop3
listen = {listen}
{ssl}
login_greeting = {greeting}
default_internal_user = {internal_user}
{internal_group}
default_login_user = {login_user}
default_process_limit = 500
default_client_limit = 2000
default_vsz_limit = 0
first_valid_uid = 1
first_valid_gid = 0
auth_mechanisms = plain login apop
auth_failure_delay = 0
disable_plaintext_auth = no
mail_location = maildir:~/Maildir
mail_fsync = never
mail_max_userip_connections = 1000
pop3_no_flag_updates = yes
passdb {{
  driver = passwd-file
  args = {root}/users
}}
userdb {{
  driver = passwd-file
  args = {root}/users
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {port}
  }}
  inet_listener pop3s {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
{more}
"""


NO_TLS = "ssl = no"
WITH_TLS = """ssl = yes
ssl_cert = <{certificate.chain_file}
ssl_key = <{certificate.key_file}"""


class DovecotError(RuntimeError):
    """Dovecot is not installed, or does not start; the text holds its own words."""


class Account:
    """A user of a private server, and the Maildir behind it."""

    def __init__(self, name, password, home, owner, folder="Maildir"):
        self.name = name
        self.password = password
        self.maildir = home / folder
        self._owner = owner
        self._serial = itertools.count(1)
        for folder in (home, self.maildir, *(self.maildir / part for part in ("cur", "new", "tmp"))):
            folder.mkdir(mode=0o700)
            self._give(folder)

    def _give(self, path):
        if os.geteuid() == 0:
            os.chown(path, *self._owner)

    def deliver(self, messages):
        """Puts messages (octets, or an iterable of pieces for a large one) behind those that are there, in this order."""
        for message in messages:
            name = self.maildir / "new" / f"{1600000000 + next(self._serial)}.M0P1.test"
            with open(name, "wb") as file:
                file.writelines([message] if isinstance(message, bytes) else message)
            self._give(name)

    def __len__(self):
        return sum(1 for part in ("cur", "new") for _ in (self.maildir / part).iterdir())


def existing_user(*names):
    for name in names:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise DovecotError(f"none of these users exists: {', '.join(names)}")


def has_ipv6():
    """Whether ::1 can be listened on here."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def free_port(hosts, but=None):
    """A port that is free on all hosts just now, and not `but`. Another process may still take it first: the caller tries again then."""
    for _ in range(100):
        taken = []
        try:
            port = 0
            for host in hosts:
                listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
                taken.append(listener)
                listener.bind((host, port))
                port = listener.getsockname()[1]
            if port != but:
                return port
        except OSError:
            continue
        finally:
            for listener in taken:
                listener.close()
    raise DovecotError("no port is free on " + ", ".join(hosts))


class Dovecot:
    """The server itself. `named`: accounts of given names and passwords; `certificate`: what pki.py made (None: no TLS); `more`: further
    lines of dovecot.conf; `hosts`: where it listens (default: all of loopback); `stored`: the field of
    the user file for accounts of `named` whose password is not kept as it is: {name: "{SCHEME}hash"}."""

    def __init__(self, named=None, more="", certificate=None, hosts=None, stored=None):
        self._stored = dict(stored or {})
        self._named = dict(named or {})
        self._more = more
        self._certificate = certificate
        self._process = None
        self._root = None
        self.hosts = hosts or ["127.0.0.1"] + (["::1"] if has_ipv6() else [])
        self.port = None
        self.tls_port = 0

    # ---- start ----

    def __enter__(self):
        try:
            self._root = pathlib.Path(tempfile.mkdtemp(prefix="pop"))  # short: a socket's path has room for 107 octets
            self._root.chmod(0o755)                                    # Dovecot's own users have to enter
            self._write_accounts()
            for _ in range(5):
                if self._start():
                    return self
            raise DovecotError("Dovecot does not start:\n" + self.log())
        except BaseException:
            self.stop()
            raise

    def _write_accounts(self):
        self._spare = [f"user{n:02}" for n in range(SPARE_ACCOUNTS)]
        owner = existing_user("mail", "nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self._owner = (owner.pw_uid, owner.pw_gid)
        (self._root / "mail").mkdir(mode=0o755)
        (self._root / "state").mkdir(mode=0o755)
        self._passwords = {name: secrets.token_hex(8) for name in self._spare}
        self._passwords.update(self._named)
        stored = {name: "{PLAIN}" + password for name, password in self._passwords.items()} | self._stored
        lines = (f"{name}:{field}:{owner.pw_uid}:{owner.pw_gid}::{self._root}/mail/{name}::\n" for name, field in stored.items())
        users = self._root / "users"
        users.write_text("".join(lines), encoding="utf-8")
        users.chmod(0o644)  # of a throw-away server: its auth process runs as yet another user

    def _start(self):
        """True once it greets. False if somebody else was faster with the port."""
        binary = shutil.which("dovecot", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if binary is None:
            raise DovecotError("dovecot is not installed (Debian: dovecot-pop3d)")
        self.port = free_port(self.hosts)
        self.tls_port = free_port(self.hosts, but=self.port) if self._certificate else 0
        token = secrets.token_hex(8)
        config = self._root / "dovecot.conf"
        config.write_text(CONFIG.format(
            root=self._root, port=self.port, tls_port=self.tls_port, listen=", ".join(self.hosts), greeting=f"ready {token}", more=self._more,
            ssl=(WITH_TLS if self._certificate else NO_TLS).format(certificate=self._certificate), **self._users()))
        (self._root / "log").write_text("")
        # If this Python dies without a chance to clean up, the kernel tells Dovecot.
        leash = ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []
        self._process = subprocess.Popen(
            [*leash, binary, "-F", "-c", str(config)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            start_new_session=True, cwd="/")
        give_up = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < give_up:
            if all(self._greets(host, token) for host in self.hosts):
                return True
            time.sleep(0.02)
        self._end_processes()
        if "Address already in use" in self.log():
            return False
        raise DovecotError("Dovecot does not start:\n" + self._said + self.log())

    def _users(self):
        if os.geteuid() != 0:
            me = pwd.getpwuid(os.geteuid()).pw_name
            return {"internal_user": me, "login_user": me, "internal_group": f"default_internal_group = {_group_name()}"}
        return {"internal_user": existing_user("dovecot", "nobody").pw_name,
                "login_user": existing_user("dovenull", "nobody").pw_name,
                "internal_group": ""}

    def _greets(self, host, token):
        try:
            with socket.create_connection((host, self.port), timeout=5) as probe:
                probe.settimeout(5)
                return token.encode() in probe.recv(512)
        except OSError:
            return False

    # ---- use ----

    def account(self, name=None):
        """An account with an empty mailbox: one of `named`, or a fresh one."""
        name = name if name is not None else self._spare.pop(0)
        return Account(name, self._passwords[name], self._root / "mail" / name, self._owner)

    def log(self):
        try:
            return (self._root / "log").read_text(errors="replace")
        except OSError:
            return ""

    # ---- end ----

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Ends it and removes everything. May be called twice."""
        try:
            self._end_processes()
        finally:
            if self._root is not None:
                shutil.rmtree(self._root, ignore_errors=True)

    _said = ""

    def _end_processes(self):
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            self._said = process.communicate(timeout=STOP_SECONDS)[1].decode(errors="replace")
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        finally:
            end_session(process.pid)


def _group_name():
    import grp
    return grp.getgrgid(os.getegid()).gr_name


def end_session(leader):
    """Ends what is left of the session that `leader` began (start_new_session): workers that outlived Dovecot's master."""
    give_up = time.monotonic() + STOP_SECONDS
    while (left := [pid for pid in _pids() if _session_of(pid) == leader]) and time.monotonic() < give_up:
        for pid in left:
            try:
                os.kill(pid, 9)
            except OSError:
                pass
        time.sleep(0.02)


def _pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _session_of(pid):
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return int(fields[3]) if fields[0] != b"Z" else -1
    except (OSError, IndexError, ValueError):
        return -1
