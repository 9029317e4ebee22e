# SPDX-License-Identifier: MIT
"""Runs docs/RECIPES.md as it stands there: each section in a home directory of its own, against throw-away servers that play those of the page. Reads
the Dovecot, the SOCKS server and the authority of tests/interop, and has an LMTP server and a sendmail of its own. readme.py takes its results.

The comment on the line before a block says what it is. A block without one is an error:
    <!-- run -->               commands of a shell, which must succeed
    <!-- cron -->              a crontab: its lines run as cron runs them
    <!-- file: PATH -->        a file below the home directory; a script of bin/ is executable
    <!-- unit: NAME -->        a unit of systemd for the user: verified, and the command of a service runs
    <!-- prints -->            what the last commands printed
    <!-- then, CONDITION -->   the last commands run again under a condition of CONDITIONS, and print this
    <!-- not run: REASON -->   it needs another machine
After the others there may be `exit CODE` (default: 0), `silent` (nothing is printed) and `with CONDITION`. The commands of <!-- run --> in the first section come
first in each of the others. Servers, ports, home directory and paths of the page are replaced before a run, and put back in what it prints.
"""
import contextlib
import os
import pathlib
import re
import shlex
import shutil
import socketserver
import subprocess
import sys
import tempfile
import threading
import types

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "interop"))
import pki  # noqa: E402
from dovecot import Dovecot  # noqa: E402
from introspection import Introspection  # noqa: E402
from socks import Socks  # noqa: E402

PAGE = "docs/RECIPES.md"
HOME, USERS, PASSWORD = "/home/alice", ("alice", "bob"), "secret"
SERVER, OWN, TOKENS = "mail.example.org", "nas.example.org", "outlook.office365.com"
SECONDS = 60
COUNT = 3  # messages in each maildrop when a section begins
PART = re.compile(r"^## ([^\n]*)$|^(?:<!-- ([^\n]*) -->\n)?```\w+\n(.*?)^```$", re.M | re.S)
OAUTH = "auth_mechanisms = plain xoauth2 oauthbearer\n"
FINGERPRINT = "sha256:4bf0327288b681e7bcf4de007a475e2fc27ab42343818902be24a34e7fcba1ef"  # for each one that is printed
# Stands in for a program that takes mail: the real sendmail sends it, and procmail makes an empty mailbox in /var/mail.
AGENT = """#!/bin/sh
printf '%s\\n' "$*" >> ~/agent.arguments
cat >> ~/agent.mail
"""


def message(subject, sender="carol@example.net"):
    return f"Return-Path: <{sender}>\nFrom: Carol <{sender}>\nTo: alice@example.org\nSubject: {subject}\n\nHello.\n".encode()


class Lmtp(socketserver.ThreadingTCPServer):
    """Takes each message (RFC 2033), and keeps (recipient, octets) in `taken`; refuses all while `full` is set."""
    allow_reuse_address = daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), LmtpSession)
        self.taken, self.full, self.port = [], False, self.server_address[1]
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class LmtpSession(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        self.say("220 mail.example.org LMTP")
        recipients = []
        while line := self.rfile.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            if verb.upper() == "QUIT":
                self.say("221 bye")
                return
            if verb.upper() == "RCPT":
                recipients.append(rest)
            if verb.upper() == "DATA":
                self.say("354 go on")
                octets = b""
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    octets += line.removeprefix(b".")
                for recipient in recipients:
                    if self.server.full:
                        self.say("452 4.2.2 the mailbox is full")
                        continue
                    self.server.taken.append((recipient, octets))
                    self.say("250 stored")
                continue
            self.say("250 ok")


class Recipe:
    """A section: its home directory, and the servers that play for it."""

    def __init__(self, folder, servers, build):
        self.home, self.servers, self.build = folder, servers, build
        self.last, self.printed = None, ""
        self.accounts = {}
        (folder / "bin").mkdir(parents=True)
        (folder / "sbin").mkdir()
        for agent in ("sendmail", "procmail"):
            self._write(folder / "sbin" / agent, AGENT, 0o755)
        self._refill()

    def _refill(self):
        for account in self.servers.accounts:
            for part in ("cur", "new"):
                for old in (account.maildir / part).iterdir():
                    old.unlink()
            account.deliver(message(f"message {n}") for n in range(1, COUNT + 1))
        self.servers.lmtp.full = False

    def _write(self, path, text, mode=0o644):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)

    # ---- words of the page ----

    def _words(self):
        """(on the page, here, what a run prints, what the page has for it)"""
        s = self.servers
        for name, port in ((OWN, s.own.tls_port), (SERVER, s.main.tls_port), (TOKENS, s.tokens.tls_port)):
            yield name, f"127.0.0.1:{port}", f"127.0.0.1:{port}", f"{name}:995"
        yield "127.0.0.1:9050", f"127.0.0.1:{s.socks.port}", None, None
        yield '"localhost", 24', f'"127.0.0.1", {s.lmtp.port}', None, None
        yield "/usr/sbin/sendmail", f"{self.home}/sbin/sendmail", None, None
        yield "/sys/class/leds/mail/brightness", f"{self.home}/brightness", None, None
        yield "/usr/local/bin/popcl", f"{self.build}/popcl", None, None
        yield HOME, str(self.home), str(self.home), HOME

    def here(self, text):
        for page, here, _, _ in self._words():
            if page == SERVER and "--socks" in text:  # the SOCKS server gets the name
                continue
            text = text.replace(page, here)
        return text

    def page(self, text):
        for _, _, printed, page in self._words():
            if printed:
                text = text.replace(printed, page)
        return re.sub("sha256:[0-9a-f]{64}", FINGERPRINT, text)

    # ---- commands ----

    def environment(self):
        env = {name: os.environ[name] for name in ("LANG", "LC_ALL", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LD_LIBRARY_PATH") if name in os.environ}
        return {**env, "HOME": str(self.home), "LOGNAME": "alice", "USER": "alice", "SSL_CERT_FILE": str(self.servers.root.file), "SSL_CERT_DIR": "",
                "PATH": f"{self.build}:{self.home}/bin:{self.home}/sbin:{os.environ['PATH']}"}

    def shell(self, script, env=None):
        """Runs it; returns its exit code."""
        self.last = script, env
        done = subprocess.run(["sh", "-eu", "-c", self.here(script)], cwd=self.home, env={**self.environment(), **(env or {})},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS, check=False)
        self.printed = self.page(done.stdout)
        return done.returncode

    def cron(self, table):
        """cron's own PATH has no /usr/local/bin: the crontab has to set it."""
        env, lines = {}, []
        for line in table.splitlines():
            name, is_setting, value = line.partition("=")
            if re.fullmatch(r"\w+", name) and is_setting:
                env[name] = value
            elif line and not line.startswith("#"):
                lines.append(re.sub(r"^(@\w+|(\S+ ){4}\S+) ", "", line))
        if "/usr/local/bin" not in env.get("PATH", "").split(":"):
            raise AssertionError("the crontab sets no PATH with /usr/local/bin")
        if any("%" in line for line in lines):
            raise AssertionError("cron takes a % for a line end")
        env["PATH"] = f"{self.build}:{self.home}/bin:{env['PATH']}"
        return self.shell("\n".join(lines), env)

    def unit(self, name, text):
        path = self.home / ".config/systemd/user" / name
        self._write(path, self.here(text))
        service = path.with_suffix(".service")
        if shutil.which("systemd-analyze"):
            done = subprocess.run(["systemd-analyze", "--user", "verify", str(path)], capture_output=True, text=True, check=False,
                                  env={**self.environment(), "XDG_RUNTIME_DIR": str(self.home)}, timeout=SECONDS)
            complaints = [line for line in done.stderr.splitlines() if str(path) in line or name in line]
            if complaints:
                raise AssertionError("\n".join(complaints))
        if path != service:
            return 0 if service.exists() else 1
        command = re.search(r"^ExecStart=(.*)$", text, re.M).group(1)
        return self.shell(shlex.join(shlex.split(command.replace("%h", HOME))))

    # ---- conditions ----

    def wrong_password(self):
        file = self.home / ".config/popcl/auth"
        kept = file.read_text()
        file.write_text(kept.replace(PASSWORD, "sceret"))
        return lambda: file.write_text(kept)

    def a_new_message(self):
        for account in self.servers.accounts:
            account.deliver([message("lunch")])

    def spam(self):
        """One in the maildrop, and some of both kinds to learn from."""
        pills = b"Buy cheap pills, cheap watches, a casino bonus, and lose weight now.\n"
        for folder, octets in (("good", message("lunch")), ("junk", message("cheap pills", "shop@example.com") + pills)):
            path = self.home / "Mail" / folder
            for part in ("cur", "new", "tmp"):
                (path / part).mkdir(parents=True)
            for n in range(20):
                (path / "cur" / f"{n}.M0P1.test:2,S").write_bytes(octets)
        self.servers.account.deliver([message("cheap pills", "shop@example.com") + pills])

    def hostile_sender(self):
        self.servers.account.deliver([message("x", "-d;touch pwned")])

    def full_mailbox(self):
        self.servers.lmtp.full = True

    def another_key(self):
        """Somebody else answers for the server."""
        old = self.servers.own
        self.servers.own = self.servers.main
        return lambda: setattr(self.servers, "own", old)

    def server_away(self):
        main = self.servers.main
        self.servers.main = types.SimpleNamespace(tls_port=1)  # nobody listens there
        return lambda: setattr(self.servers, "main", main)

    def token_command(self):
        """oama, and the token that it prints."""
        token = self.servers.authority.issue("alice@example.org")
        self._write(self.home / "bin" / "oama", f'#!/bin/sh\n[ "$*" = "access alice@example.org" ] && echo {token}\n', 0o755)

    def bad_token(self):
        self._write(self.home / "bin" / "oama", "#!/bin/sh\necho gone\n", 0o755)

    def a_program_that_fails(self):
        self._write(self.home / "bin" / "oama", "#!/bin/sh\necho 'oama: log in again' >&2\nexit 1\n", 0o755)

    CONDITIONS = {"nothing new": lambda self: None, "a wrong password": wrong_password, "a new message": a_new_message, "spam": spam, "a hostile sender": hostile_sender,
                  "a full mailbox": full_mailbox, "another key": another_key, "a server that is away": server_away, "oama": token_command, "a bad token": bad_token,
                  "an oama that fails": a_program_that_fails}

    # ---- what a section leaves ----

    def agent_has(self, *arguments):
        """What the agent was called with, and that it got each message whole."""
        got = (self.home / "agent.arguments").read_text().splitlines()
        mails = (self.home / "agent.mail").read_text().count("\n\nHello.\n")
        return "" if got == list(arguments) and mails == len(arguments) else f"the agent has {mails} messages, and the arguments {got}"

    def lmtp_has_three(self):
        got, self.servers.lmtp.taken[:] = list(self.servers.lmtp.taken), []
        whole = [octets for recipient, octets in got if recipient == "TO:<alice>" and octets.endswith(b"\r\n\r\nHello.\r\n")]
        return "" if len(whole) == len(got) == COUNT else f"the LMTP server has {got}"

    def tor_has_the_name(self):
        got = self.servers.socks.requests
        return "" if got and all(SERVER.encode() in request for request in got) else f"the SOCKS server has {got}"

    def mutt_fetches(self):
        """G of mutt, with the .muttrc of the page."""
        self.a_new_message()
        self._write(self.home / "wrapper", 'source ~/.muttrc\nset wait_key=no quit=yes header_cache=""\npush "G<quit>"\n')
        env = {**self.environment(), "TERM": "xterm", "LC_ALL": "C"}
        done = subprocess.run(["script", "-qec", f"mutt -n -F {self.home}/wrapper", "/dev/null"], cwd=self.home, env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
        count = sum(len(list((self.home / "Mail/inbox" / part).iterdir())) for part in ("new", "cur"))
        return "" if count == COUNT + 1 and b"Error in" not in done.stdout else f"mutt has {count} messages\n{done.stdout.decode(errors='replace')}"

    LEFT = {"mutt": mutt_fetches,
            "procmail and the sender": lambda self: self.agent_has(*["-f carol@example.net"] * COUNT, "-f MAILER-DAEMON"),
            "The local mail server": lambda self: self.agent_has(*["-i -f alice alice"] * COUNT),
            "LMTP": lmtp_has_three, "Tor": tor_has_the_name}

    # ---- blocks ----

    def take(self, how, body):
        """Returns what is wrong with a block, or ""."""
        words = how.split(", ")
        kind, _, name = words[0].partition(": ")
        code = next((int(word.removeprefix("exit ")) for word in words[1:] if word.startswith("exit ")), 0)
        undo = None
        try:
            for word in words[1:]:
                if word != "silent" and not word.startswith("exit "):
                    undo = self.CONDITIONS[word.removeprefix("with ")](self)
            wrong = self._take(kind, name, body, code)
            return wrong or (f"it prints\n{self.printed}" if "silent" in words and self.printed else "")
        except (OSError, KeyError, AssertionError, subprocess.SubprocessError) as e:
            return f"{type(e).__name__}: {e}"
        finally:
            if undo:
                undo()

    def _take(self, kind, name, body, code):
        if kind == "not run":
            return "" if name else "no reason is given"
        if kind == "file":
            path = self.home / name
            self._write(path, self.here(body), 0o755 if name.startswith("bin/") else 0o600)
            return ""
        if kind == "prints":
            return "" if self.printed == body else f"it prints\n{self.printed}"
        if kind == "unit":
            done = self.unit(name, body)
        elif kind == "cron":
            done = self.cron(body)
        elif kind == "then":
            done = self.shell(*self.last)
            if self.printed != body:
                return f"exit code {done}; it prints\n{self.printed}"
        elif kind == "run":
            done = self.shell(body)
        else:
            return f"the comment says {kind}: see tests/recipes.py"
        return "" if done == code else f"exit code {done}, and not {code}; it prints\n{self.printed}"


class Servers:
    """The servers of the page, for as long as a `with` block."""

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            authorities, named = pki.shared(), dict.fromkeys((*USERS, "alice@example.org"), PASSWORD)
            self.root = authorities.root()
            certificate = self.root.issue("recipes", san=[SERVER, "127.0.0.1"])
            self.authority = stack.enter_context(Introspection())
            oauth = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="popcl-recipes-"))) / "oauth"
            self.main = stack.enter_context(Dovecot(named, certificate=certificate))
            self.own = stack.enter_context(Dovecot(named, certificate=authorities.make(OWN, None, san=[OWN])))
            self.tokens = stack.enter_context(Dovecot(named, certificate=certificate, more=OAUTH + self.authority.settings(oauth)))
            self.accounts = [server.account(name) for server in (self.main, self.own, self.tokens) for name in named]
            self.account = self.accounts[0]
            self.lmtp = stack.enter_context(Lmtp())
            self.socks = stack.enter_context(Socks(self.main.tls_port))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exit):
        return self._stack.__exit__(*exit)


def sections(text):
    """(title, [(line, comment, body)]). A block without a comment has the comment ""."""
    found = [("", [])]
    for match in PART.finditer(text):
        title, how, body = match.groups()
        if title:
            found.append((title, []))
        else:
            found[-1][1].append((text.count("\n", 0, match.start()) + 1, how or "", body))
    return found


def checks(build):
    """(name, what is wrong or "") for each block."""
    (_, first), *rest = [section for section in sections((ROOT / PAGE).read_text(encoding="utf-8")) if section[1]]
    with Servers() as servers, tempfile.TemporaryDirectory(prefix="popcl-recipes-") as folder:
        for number, (title, parts) in enumerate(rest):
            recipe = Recipe(pathlib.Path(folder) / str(number), servers, build)
            for line, how, body in [part for part in first if part[1] == "run"] + parts:
                yield f"{PAGE}:{line}: {title}: {how}", recipe.take(how, body) if how else "no comment says what it is: see tests/recipes.py"
            if title in Recipe.LEFT:
                yield f"{PAGE}: {title}: what was delivered", Recipe.LEFT[title](recipe)
        missing = set(Recipe.LEFT) - {title for title, _ in rest}
        yield f"{PAGE} has each section that is looked at", ", ".join(sorted(missing))


if __name__ == "__main__":
    from results import Results
    results = Results()
    results.add_all(checks(os.path.dirname(os.path.abspath(os.environ.get("POPCL", ROOT / "build" / "popcl")))))
    sys.exit(results.end())
