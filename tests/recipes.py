# SPDX-License-Identifier: MIT
"""Runs docs/RECIPES.md and other pages (AT_HOME of blocks.py) as they stand there: each section in a home directory of its own, against throw-away
servers that play those of the page. Reads the Dovecot, the SOCKS server and the authority of tests/interop, and has an LMTP server and a sendmail of
its own. readme.py takes its results.

The comment on the line before a block says what it is:
    <!-- run -->               commands of a shell, which must succeed; on any other page: <!-- run: home -->, in a home directory of its own
    <!-- cron -->              a crontab: its lines run as cron runs them
    <!-- file: PATH -->        a file below the home directory; a script of bin/ is executable
    <!-- unit: NAME -->        a unit of systemd for the user: verified, and the command of a service runs
    <!-- accounts -->          a file of popcl --config, which runs
    <!-- prints -->            what the last commands printed
    <!-- json -->              the lines that popcl --json prints, with values of their own in MADE_UP
    <!-- then, CONDITION -->   the last commands run again under a condition of CONDITIONS, and print this
After the others there may be `exit CODE` (default: 0), `silent` (nothing is printed) and `with CONDITION`. The commands of <!-- run --> in the first section
of a page come first in each of its others. Servers, ports, home directory and paths of the page are replaced before a run, and put back in what it prints.
"""
import contextlib
import itertools
import json
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

import blocks

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "interop"))
import pki  # noqa: E402
from dovecot import Dovecot  # noqa: E402
from introspection import Introspection  # noqa: E402
from socks import Socks  # noqa: E402

HOME, USERS, PASSWORD = "/home/alice", ("alice", "bob", "alice@example.org"), "secret"
NAMED = {**dict.fromkeys(USERS, PASSWORD), "you@example.org": "app-password", "you@gmail.com": "app-password"}
SERVER, OWN, TOKENS = "mail.example.org", "nas.example.org", "outlook.office365.com"
PROVIDERS = "pop.gmail.com", "pop.mail.yahoo.com", "pop.gmx.net"
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
# A member of --json whose value another server or another mail changes.
MADE_UP = {"host", "port", "tls_suite", "capabilities", "octets", "size", "uid", "file"}
SECONDS = 60
COUNT = 3  # messages in each maildrop when a section begins
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

    def _words(self, line=""):
        """(on the page, here, what a run prints, what the page has for it). STLS has the other port of a server, and a token another server."""
        s, port = self.servers, "port" if re.search(r" (-S|--stls)\b", line) else "tls_port"
        main = s.tokens if "--token-command" in line else s.main
        for name, server in ((OWN, s.own), (SERVER, main), (TOKENS, s.tokens), *((name, main) for name in PROVIDERS)):
            here = f"127.0.0.1:{getattr(server, port)}"
            yield name, here, here, f"{name}:995"
        yield from (("HEX-OLD", "1" * 64, None, None), ("HEX-NEW", "2" * 64, None, None))  # pins of the page
        yield f"--bundle {BUNDLE}", f"--bundle {s.root.file}", None, None
        yield "127.0.0.1:9050", f"127.0.0.1:{s.socks.port}", None, None
        yield '"localhost", 24', f'"127.0.0.1", {s.lmtp.port}', None, None
        yield "/usr/sbin/sendmail", f"{self.home}/sbin/sendmail", None, None
        yield "/sys/class/leds/mail/brightness", f"{self.home}/brightness", None, None
        yield "/usr/local/bin/popcl", f"{self.build}/popcl", None, None
        yield HOME, str(self.home), str(self.home), HOME

    def here(self, text):
        return "".join(map(self._line_here, text.splitlines(keepends=True)))

    def _line_here(self, line):
        for page, here, _, _ in self._words(line):
            if page != SERVER or "--socks" not in line:  # the SOCKS server gets the name
                line = line.replace(page, here)
        return line

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

    def json(self, lines):
        """A run of two messages prints these members in this order, with values of these types, and equal ones except in MADE_UP."""
        done = self.shell("popcl mail.example.org -T -n --json -a auth -o mail")
        wanted, made = ([[(name, type(value) if name in MADE_UP else value) for name, value in json.loads(line).items()] for line in text.splitlines()
                         if line.startswith("{")] for text in (lines, self.printed))
        return "" if done == 0 and wanted == made else f"exit code {done}; it prints\n{self.printed}"

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
        """oama and pizauth, and the tokens that they print."""
        for program, words, user in (("oama", "access alice@example.org", "alice@example.org"), ("oama", "access you@example.org", "you@example.org"),
                                     ("pizauth", "show gmail", "you@gmail.com")):
            path = self.home / "bin" / program
            known = path.read_text() if path.exists() else "#!/bin/sh\n"
            self._write(path, f'{known}[ "$*" = "{words}" ] && echo {self.servers.authority.issue(user)} && exit\n', 0o755)

    def password_store(self):
        self._write(self.home / "bin" / "pass", f'#!/bin/sh\n[ "$*" = "show work" ] && echo {PASSWORD}\n', 0o755)

    def password_file(self):
        self._write(self.home / "auth", f"username = alice\npassword = {PASSWORD}\n", 0o600)

    def authority_and_spare_key(self):
        """The files that the page begins with: an authority, the chain of a server, and a public key whose other half is elsewhere."""
        shutil.copy(self.servers.root.file, self.home / "ca.pem")
        shutil.copy(self.servers.certificate.chain_file, self.home / "chain.pem")
        make = "openssl ecparam -genkey -noout -name prime256v1 | openssl pkey -pubout -out spare.pub"
        subprocess.run(["sh", "-euc", make], cwd=self.home, check=True, capture_output=True, timeout=SECONDS)

    def two_messages(self):
        for file in sorted((self.servers.account.maildir / "new").iterdir())[2:]:
            file.unlink()

    def bad_token(self):
        self._write(self.home / "bin" / "oama", "#!/bin/sh\necho gone\n", 0o755)

    def a_program_that_fails(self):
        self._write(self.home / "bin" / "oama", "#!/bin/sh\necho 'oama: log in again' >&2\nexit 1\n", 0o755)

    CONDITIONS = {"nothing new": lambda self: None, "a wrong password": wrong_password, "a new message": a_new_message, "spam": spam, "a hostile sender": hostile_sender,
                  "a full mailbox": full_mailbox, "another key": another_key, "a server that is away": server_away, "oama": token_command, "pass": password_store,
                  "auth": password_file, "files": authority_and_spare_key, "two messages": two_messages, "a bad token": bad_token,
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
        if kind == "file":
            path = self.home / name
            self._write(path, self.here(body), 0o755 if name.startswith("bin/") else 0o600)
            return ""
        if kind == "prints":
            return "" if self.printed == body else f"it prints\n{self.printed}"
        if kind == "json":
            return self.json(body)
        if kind == "accounts":
            path = self.home / "accounts"
            self._write(path, self.here(body), 0o600)
            done = self.shell(f"popcl --config {path}")
        elif kind == "unit":
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
            authorities, named = pki.shared(), NAMED
            self.root = authorities.root()
            self.certificate = certificate = self.root.issue("recipes", san=[SERVER, "127.0.0.1"])
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


def sections():
    """[(page, section, what comes first, its blocks)]. On a page that is not all of this test, each block is a section of its own."""
    ours = [block for block in blocks.every_block() if block.taker == blocks.RECIPES]
    for page, of_page in itertools.groupby(ours, key=lambda block: block.page):
        of_page = list(of_page)
        if page not in blocks.AT_HOME:
            yield from ((page, block.section, [], [block]) for block in of_page)
            continue
        parts = [(section, list(part)) for section, part in itertools.groupby(of_page, key=lambda block: block.section)]
        first = [block for block in parts[0][1] if block.mark == "run"]
        yield from ((page, section, first if number else [], part) for number, (section, part) in enumerate(parts))


def checks(build):
    """(name, what is wrong or "") for each block."""
    with Servers() as servers, tempfile.TemporaryDirectory(prefix="popcl-recipes-") as folder:
        seen = set()
        for number, (page, section, first, part) in enumerate(sections()):
            recipe = Recipe(pathlib.Path(folder) / str(number), servers, build)
            for block in first + part:
                yield f"{block.name}: {section}: {block.mark}", recipe.take(block.mark, block.body)
            if section in Recipe.LEFT:
                seen.add(section)
                yield f"{page}, {section}: what was delivered", Recipe.LEFT[section](recipe)
        yield "docs/RECIPES.md has each section that is looked at", ", ".join(sorted(set(Recipe.LEFT) - seen))


if __name__ == "__main__":
    from results import Results
    results = Results()
    results.add_all(checks(os.path.dirname(os.path.abspath(os.environ.get("POPCL", ROOT / "build" / "popcl")))))
    sys.exit(results.end())
