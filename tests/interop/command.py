# SPDX-License-Identifier: MIT
"""Runs the built popcl as a user does, in a place of its own, and checks after every run what must hold after every run.

POPCL names the command (default: build/popcl of this tree). Nothing here knows how popcl works inside; the sentences of its errors are
read from include/popcl_errors.h and src/tools/popcl/sentences.c, the lists that they are made from.
"""
import base64
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import tempfile

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
POPCL = os.path.abspath(os.environ.get("POPCL", REPOSITORY / "build" / "popcl"))
STRIDE = int(os.environ.get("STRIDE", "1"))  # of loops over every octet: a slow build of the command takes one of so many
HANGS = 120  # seconds: says only that a run did not end at all; the machine may be busy

EXIT_CODES = {"DONE": {0}, "USAGE": {64}, "HOST": {68}, "UNAVAILABLE": {69}, "DISK": {73, 74}, "LATER": {75}, "PROTOCOL": {76},
              "LOGIN": {77}, "CONFIG": {78}, "CERT": {79}, "TLS": {80}, "STOPPED": {130, 143}}
FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.,=+@%~-]{0,254}")
COUNT_LINE = re.compile(r"(\d+) (new )?(messages?) downloaded\.\n")


def _joined(text):
    """C source with neighbouring strings made one."""
    return re.sub(r'"\s*\\?\n\s*"', "", text).replace("\\\n", "\n")


def error_rows():
    """(name, class, what failed, likely cause, what to try) of every result of the library, in the command's words: with its options for
    settings, and its own sentences where it has some. A result has several rows where the system's error number says more, or where a signed
    set is the trust."""
    library = _joined((REPOSITORY / "include" / "popcl_errors.h").read_text())
    own, _, of_set = _joined((REPOSITORY / "src/tools/popcl/sentences.c").read_text()).partition("own of_set[] = {")
    word, sentence, or_null = r"\s*(\w+)\s*,", r"\s*\"((?:[^\"\\]|\\.)*)\"\s*", r'\s*(NULL|"[^"]*")\s*'
    for setting, option in re.findall(r'\{"([\w. ]+)",\s*"([^"]+)"\}', own):
        library = library.replace(setting, option)
    rows = []
    for name, group, *library_s in re.findall(rf"X\(\d+,{word}{word}{sentence},{sentence},{sentence}\)", library):
        by_default = (re.findall(rf"\{{POPCL_{name},{or_null},{or_null},{or_null}\}}", own) or [("NULL",) * 3])[0]
        by_number = re.findall(rf"\{{POPCL_{name},\s*(?:E\w+|POPCL_POSIX_[\w +]+),{or_null},{or_null},{or_null}\}}", own)
        by_number += re.findall(rf"\{{POPCL_{name},{or_null},{or_null},{or_null}\}}", of_set)
        if group == "DISK":
            by_number += [(by_default[0], *words) for words in re.findall(r'\{E\w+,\s*("[^"]*"),\s*("[^"]*")\}', own)]
        for words in [by_default, *by_number]:
            rows.append((name, group, *(by_library if by_command == "NULL" else by_command[1:-1]
                                        for by_library, by_command in zip(library_s, words))))
    return rows


class Result:
    """What a run left: its exit code, stdout and stderr, and the number of its count line (None: there is none)."""

    def __init__(self, args, code, out, err):
        self.args, self.code, self.out, self.err = args, code, out, err
        line = COUNT_LINE.fullmatch(out)
        self.count = int(line.group(1)) if line else None

    def __str__(self):
        return f"$ popcl {' '.join(self.args)}\nexit {self.code}\nstdout: {self.out!r}\nstderr:\n{self.err}"


class Place:
    """A folder with an output directory, an auth file, and a state of its own: `out`, `auth`, `state`."""

    def __init__(self, user="user", password="secret", owner=None):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="popcl-test-"))
        self.out = self.root / "out"
        self.state = self.root / "state"
        self.auth_file = self.root / "auth"
        self.owner = owner
        self.umask = None
        self.command, self.wrapper = POPCL, []
        self.environment = {}  # further variables
        for folder in (self.state, self.root / "home"):
            folder.mkdir()
        self.auth(user, password)
        if owner is not None:
            self.command = shutil.copy(POPCL, self.root / "popcl")  # the built one may be in a folder that only root can enter
            for path in (self.root, self.state, self.root / "home", self.auth_file):
                os.chown(path, owner, owner)

    def auth(self, user, password):
        self.user, self.password = user, password
        self.response = base64.b64encode(f"\0{user}\0{password}".encode()).decode()  # SASL PLAIN's
        if self.auth_file.exists():
            self.auth_file.unlink()
        descriptor = os.open(self.auth_file, os.O_CREAT | os.O_WRONLY, 0o600)
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(f"username = {user}\npassword = {password}\n")

    def remove(self):
        for folder, _, _ in os.walk(self.root):
            os.chmod(folder, 0o700)
        shutil.rmtree(self.root, ignore_errors=True)

    # ---- running ----

    def ask_no_name_server(self, then="true"):
        """From here on a run finds names in /etc/hosts alone, by a file of its own in place of /etc/nsswitch.conf. `then` are words of the shell
        before it. Returns whether this user may do that."""
        switch = self.root / "nsswitch.conf"
        switch.write_text("hosts: files\n")
        switch.chmod(0o644)
        is_root = os.geteuid() == 0 and self.owner is None
        alone = ["unshare", *([] if is_root else ["--map-root-user"]), "--mount", "--", "sh", "-c"]
        mount = f"mount --bind {switch} /etc/nsswitch.conf"
        self.wrapper = [*alone, f'{mount} || exit 1; {then}; exec "$@"', "sh"]
        return subprocess.run([*alone, mount], capture_output=True, check=False, **self._rights()).returncode == 0

    def _rights(self):
        return {} if self.owner is None else {"user": self.owner, "group": self.owner, "extra_groups": []}

    def arguments(self, port, options=(), server="127.0.0.1", out=None):
        return [server, "-p", str(port), "-a", str(self.auth_file), "-o", str(out or self.out), *options]

    def start(self, args):
        environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(self.root / "home"), "LC_ALL": "C",
                       "XDG_STATE_HOME": str(self.state), **self.environment}
        rights = self._rights()
        if self.umask is not None:
            rights["umask"] = self.umask
        return subprocess.Popen([*self.wrapper, self.command, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=environment, cwd=self.root, **rights)

    def finish(self, process, args, seconds=HANGS):
        """Waits for the end, and checks what must hold after every run."""
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            result = Result(args, "none", out.decode(errors="replace"), err.decode(errors="replace"))
            raise AssertionError(f"did not end within {seconds} s\n{result}") from None
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        result = Result(args, process.returncode, out.decode("utf-8", "backslashreplace"), err.decode("utf-8", "backslashreplace"))
        self.check(result)
        return result

    def run(self, port, *options, code=0, server="127.0.0.1", out=None, seconds=HANGS):
        """Runs to the end; the exit code must be `code`, or one of them."""
        args = self.arguments(port, options, server, out)
        result = self.finish(self.start(args), args, seconds)
        expect(result.code in ([code] if isinstance(code, int) else code), f"the exit code should be {code}", result)
        return result

    # ---- what must hold after every run ----

    def check(self, result):
        if result.code == -signal.SIGKILL:
            return
        expect(result.code >= 0, "died by a signal", result)
        if {"--config", "--poll"} & set(result.args):
            return self.check_secrets(result)
        listing = {"--list", "--check", "--top", "--dry-run", "--catch-up", "--json", "--info", "--record", "--forget", "--help", "--version", "-h", "-V"} & set(result.args)
        if not listing:
            expect(result.out == "" or result.count is not None, "stdout is not the count line", result)
        if result.count is not None:
            form = COUNT_LINE.fullmatch(result.out)
            expect((form.group(3) == "message") == (result.count == 1), "singular and plural", result)
            new = any(re.fullmatch(r"-[A-Za-z]*n[A-Za-z]*", arg) and "p" not in arg for arg in result.args)
            new |= bool({"--pipe", "maildir", "mbox"} & set(result.args)) and "--all" not in result.args
            expect(bool(form.group(2)) == new, "'new' stands in the line exactly with -n, which some stores imply", result)
        quiet = any(re.fullmatch(r"-[A-Za-z]*q[A-Za-z]*|--quiet", arg) for arg in result.args)
        if result.code == 0 and not listing and not quiet:
            expect(result.count is not None, "success without a count line", result)
        self.check_secrets(result)
        if result.code not in (0, 1):
            expect_three_parts(result)

    def check_secrets(self, result):
        for text in (result.out, result.err):  # [E13]
            expect(self.password not in text, "the password was shown", result)
            expect(self.response not in text, "the password was shown, in base64", result)
            expect(not re.search(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]", text), "control characters were shown", result)  # [L6]

    def names(self):
        """Final names in the output directory. Whatever else stands there is a fault."""
        if not self.out.is_dir():
            return []
        names = sorted(os.listdir(self.out))
        for name in names:
            path = self.out / name
            if not FILE_NAME.fullmatch(name):
                raise AssertionError(f"left in the output directory: {name!r}")
            if not stat.S_ISREG(path.lstat().st_mode) or stat.S_IMODE(path.lstat().st_mode) != 0o600:
                raise AssertionError(f"{name}: should be a file of mode 0600, is {stat.filemode(path.lstat().st_mode)}")
        if len({name.lower() for name in names}) != len(names):
            raise AssertionError(f"names differ only by case: {names}")
        return names

    def contents(self):
        """The octets of all files, sorted: files are named by UID, not by order."""
        return sorted((self.out / name).read_bytes() for name in self.names())


def expect(holds, what, result):
    if not holds:
        raise AssertionError(f"{what}\n{result}")


def expect_three_parts(result):
    """[I8 L7] Every error says what failed, the likely cause, and what to try. One of the library's fits the exit code, and its sentences
    stand together as the lists have them. A wrong command line has no cause but itself; a signal is no error."""
    if result.code in (130, 143):
        return
    lines = [line for line in result.err.splitlines() if not line.startswith("popcl: warning: ")]
    cause = [line for line in lines if line.startswith("popcl: likely cause: ")]
    advice = [line for line in lines if line.startswith("popcl: what to try: ")]
    expect(len(advice) == 1 and (len(cause) == 1 or result.code == 64 and not cause), "the error should come in three parts, once", result)
    before = lines[:lines.index((cause or advice)[0])]
    expect(any(line.startswith("popcl: ") for line in before), "the error should say what failed", result)
    if result.code in (64, 66, 73, 78):  # found by the command itself
        return
    if result.code == 75 and re.search(r"--pipe|is locked", before[-1]):  # likewise: another program's failure
        return
    if result.code == 79 and "nothing else is trusted instead" in advice[0]:  # likewise: what -c or -C names is of no use
        return
    if result.code == 79 and re.fullmatch(r"popcl: the file of --tofu, .*, (is|has|does|cannot) .*", before[-1]):  # likewise
        return
    fits = [1 for _, group, what, why, hint in error_rows()
            if result.code in EXIT_CODES.get(group, ()) and what in result.err and why in cause[0] and hint in advice[0]]
    expect(fits or result.code == 74, "the error's sentences should be those of one result that fits the exit code", result)


def peak_memory(pid):
    """VmHWM in octets: the peak of the program that runs as `pid` now, since its exec; what its parent held before is not in it."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024


def program_size(pid):
    """Octets of the program's own file that are mapped, code and constants: no more of it can be in memory. How much is depends on where the
    kernel maps it: code comes by pieces of 64 KB."""
    name = os.path.realpath(f"/proc/{pid}/exe")
    mapped = re.findall(r"(?m)^([0-9a-f]+)-([0-9a-f]+) r-.p \S+ \S+ \S+ +" + re.escape(name) + "$", pathlib.Path(f"/proc/{pid}/maps").read_text())
    return sum(int(end, 16) - int(begin, 16) for begin, end in mapped)


def own_memory(pid):
    """What the program has now without the pages of files (itself, the C library), of which the kernel maps some by chance."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+) kB", status).group(1)) * 1024
