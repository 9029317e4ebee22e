# SPDX-License-Identifier: MIT
"""A new machine: a bare root of Debian 12 in a temporary folder, and in it what README.md and docs/ADOPTION.md tell a newcomer to type. It clones
HEAD, runs `make demo`, `make deps`, `make check` and `make install`, and then builds examples/minimal.c by each way in (ways_in.py).

    bare_root.py [PART...]        PART: a part of `make check`; without one all of them, which takes as long as `make check` does

The packages come from where this machine has its own. The steps that need none run with loopback alone. Each step has processes, mounts and
host name of its own: whatever ends it ends all of them, and nothing is left to unmount. Prints TAP: a line a step, with its seconds, and of a
step that failed the end of what it printed. All of that is in B/bare-root. It needs root, or a user with subordinate ids, and skips without."""
import ctypes
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent))
from results import Results  # noqa: E402

SUITE = "bookworm"
SECONDS = {"make check": 7200}  # these say only when to give up on a step that hangs
USUAL_SECONDS = 1800
SHOWN = 60  # lines of a step that failed
CLONE, WAYS = "~/popcl", "python3 tests/adoption/ways_in.py"
LOGS = pathlib.Path(os.environ.get("B", ROOT / "build")).resolve() / "bare-root"
NEW_PROCESSES, DEATH_SIGNAL = 0x20000000, 1  # CLONE_NEWPID, PR_SET_PDEATHSIG
DEVICES = "null zero full random urandom tty net/tun".split()
# Debian's installer writes it; without it localhost is no name.
HOSTS = "127.0.0.1 localhost\n::1 localhost\n"
# (title, whether it has a network, what is typed in the folder of the clone, whether the next steps need it)
STEPS = (
    ("git clone", False, f"git clone -q ~/popcl.bundle {CLONE}", True),
    ("make demo", True, "make demo", False),
    ("make deps", True, "make deps deps-sources && sh tests/setup.sh ways", True),
    ("make check", False, "make check", False),
    ("make install", False, "make install && popcl --version && popcl-ta --help > /dev/null", True),
    ("pkg-config", False, f"{WAYS} Installed.test_pkg_config", False),
    ("Meson", False, f"{WAYS} Installed.test_meson", False),
    ("cmake --install", False, "cmake -S . -B build/cmake && cmake --build build/cmake -j2 && cmake --install build/cmake", False),
    ("find_package", False, f"{WAYS} Installed.test_find_package", False),
    ("add_subdirectory", False, f"{WAYS} Sources.test_add_subdirectory", False),
    ("FetchContent", False, f"{WAYS} Sources.test_fetch_content", False),
    ("make uninstall", False, "make uninstall && ! command -v popcl", False),
)


class CannotBe(Exception):
    """Why this machine can have no bare root, in one line."""


class Failed(Exception):
    """What is wrong with a step."""


# ---- inside: processes of their own ----

def inside(root, network, *words):
    """Runs a program as the only child of a first process, which sees no other; in the root, if one is named. Returns its exit status."""
    system = ctypes.CDLL(None, use_errno=True)
    system.prctl(DEATH_SIGNAL, signal.SIGTERM)
    if system.unshare(NEW_PROCESSES):
        raise OSError(ctypes.get_errno(), "unshare")
    first = os.fork()
    if not first:
        system.prctl(DEATH_SIGNAL, signal.SIGKILL)
        os._exit(be_first(root, network, words))
    # The end of the first process is the end of all others, and of what it mounted.
    signal.signal(signal.SIGTERM, lambda *_: os.kill(first, signal.SIGKILL))
    return os.waitstatus_to_exitcode(os.waitpid(first, 0)[1])


def mount(*words):
    subprocess.run(["mount", *words], check=True)


def mount_all(root):
    """What a kernel gives to a system. Devices are this machine's, each by itself: a user may make none."""
    mount("-t", "proc", "proc", f"{root}/proc")
    mount("--rbind", "/sys", f"{root}/sys")
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", f"{root}/dev")  # not sticky: its devices may be those of somebody else
    for name in ("net", "pts", "shm"):
        os.mkdir(f"{root}/dev/{name}")
    for name in DEVICES:
        if os.path.exists(f"/dev/{name}"):
            pathlib.Path(root, "dev", name).touch()
            mount("--bind", f"/dev/{name}", f"{root}/dev/{name}")
    mount("-t", "devpts", "-o", "newinstance,ptmxmode=0666", "devpts", f"{root}/dev/pts")
    mount("-t", "tmpfs", "tmpfs", f"{root}/dev/shm")
    os.chmod(f"{root}/dev/shm", 0o1777)
    for name, target in (("ptmx", "pts/ptmx"), ("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        os.symlink(target, f"{root}/dev/{name}")


def be_first(root, network, words):
    if root:
        mount_all(root)
    else:
        mount("-t", "proc", "proc", "/proc")
    if network == "loopback":
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    program = os.fork()
    if not program:
        environment = dict(os.environ)
        if root:
            os.chroot(root)
            os.chdir("/root")
            environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "TERM": "dumb"}
            environment.update((name, value) for name, value in os.environ.items() if name.lower() in ("http_proxy", "https_proxy", "no_proxy"))
        os.execvpe(words[0], words, environment)
    while True:  # orphans are ours too
        ended, status = os.wait()
        if ended == program:
            return os.waitstatus_to_exitcode(status) % 256


# ---- outside ----

def as_root():
    """The begin of a command that runs as root, with ids enough for a system."""
    if os.geteuid() == 0:
        words = []
    else:
        words = ["unshare", "--map-root-user", "--map-auto"]
    done = subprocess.run([*words, "unshare", "--mount", "--net", "true"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotBe("this user may have no namespaces: run it as root, or give the user subordinate ids (uidmap, /etc/subuid)")
    return words


def places():
    """Lines of sources.list with the places of Debian 12 that this machine has its packages from."""
    asked = ["apt-get", "indextargets", "--format", "$(ORIGIN) $(CODENAME) $(COMPONENT) $(REPO_URI)", "Created-By: Packages"]
    rows = [line.split() for line in subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines()]
    found = {f"deb {row[3]} {row[1]} main" for row in rows if row[0] == "Debian" and row[1].startswith(SUITE) and row[2] == "main"}
    if not any(f" {SUITE} " in line for line in found):
        raise CannotBe("apt-get has no lists of Debian 12: run apt-get update, or use a machine with Debian 12")
    place = next(line for line in found if f" {SUITE} " in line).split()[1].rstrip("/")
    with tempfile.TemporaryDirectory() as folder:  # through apt-get's own proxy
        asked = ["/usr/lib/apt/apt-helper", "download-file", f"{place}/dists/{SUITE}/InRelease", f"{folder}/InRelease"]
        if subprocess.run(asked, capture_output=True, check=False).returncode:
            raise CannotBe("no network: the place of this machine's packages does not answer")
    return sorted(found)


def settings():
    """How this machine fetches packages: a proxy, or a clock that is not trusted."""
    lines = subprocess.run(["apt-config", "dump", "--no-empty"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in lines if line.startswith("Acquire::") and ("Proxy" in line or "::Check-" in line)]


class BareRoot:
    """The folder with the root, and the step that runs in it."""

    def __init__(self, results):
        if not (ROOT / ".git").exists():
            raise CannotBe("it clones this repository, and this is no clone")
        missing = [name for name in ("mmdebstrap", "apt-get", "unshare", "ip", "git") if not shutil.which(name)]
        if missing:
            raise CannotBe(f"missing: {' '.join(missing)}. Run: make deps-adoption")
        self.results, self.prefix, self.sources, self.settings = results, as_root(), places(), settings()
        self.child = None

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="popcl-bare-"))
        self.folder.chmod(0o755)
        self.root = self.folder / "root"
        shutil.rmtree(LOGS, ignore_errors=True)
        LOGS.mkdir(parents=True)
        return self

    def __exit__(self, *_):
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        self.end()
        # Each step had its mounts for itself. One file system, in case that ever changes.
        subprocess.run([*self.prefix, "rm", "-rf", "--one-file-system", str(self.folder)], check=False)

    def end(self):
        if self.child and self.child.poll() is None:
            self.child.terminate()
            self.child.wait()

    @staticmethod
    def log(title):
        return LOGS / (title.replace(" ", "-") + ".log")

    def run(self, title, root, network, *words):
        """A step's program, with a log."""
        log = self.log(title)
        own = ["unshare", "--mount", "--uts", "--ipc", *([] if network else ["--net"])]
        with open(log, "wb") as out:
            # A session of its own: a key that interrupts reaches this process alone, which then ends the step.
            self.child = subprocess.Popen([*self.prefix, *own, sys.executable, __file__, "--inside", root, "all" if network else "loopback", *words],
                                          stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=self.folder, start_new_session=True)
            try:
                code = self.child.wait(SECONDS.get(title, USUAL_SECONDS))
            except subprocess.TimeoutExpired:
                self.end()
                code = "none: it hangs"
        if code:
            lines = log.read_text(errors="replace").splitlines()
            raise Failed("\n".join([f"exit status {code}; all of its {len(lines)} lines are in {log}", *lines[-SHOWN:]]))

    def step(self, title, work, needed):
        """One line of results. Returns whether the run goes on."""
        self.results.say(f"{title} ...")
        began, why = time.monotonic(), ""
        try:
            work(title)
        except Failed as failed:
            why = str(failed)
        self.results.add(f"bare root: {title} ({time.monotonic() - began:.0f} s)", why)
        if title == "make check" and not why:
            lines = self.log(title).read_text(errors="replace").splitlines()
            self.results.say("\n".join([*(line for line in lines if "# SKIP" in line), lines[-1]]))
        return not (why and needed)

    def bootstrap(self, title):
        self.run(title, "", True, "mmdebstrap", "--mode=root", "--variant=minbase", "--include=git,make", "--dpkgopt=force-unsafe-io",
                 *(f"--aptopt={line}" for line in self.settings), SUITE, str(self.root), *self.sources)
        bundle = self.folder / "popcl.bundle"
        subprocess.run(["git", "-C", str(ROOT), "bundle", "create", "-q", str(bundle), "HEAD"], check=True)
        for octets, target in ((bundle.read_bytes(), "root/popcl.bundle"), (HOSTS.encode(), "etc/hosts")):
            subprocess.run([*self.prefix, "tee", str(self.root / target)], input=octets, stdout=subprocess.DEVNULL, check=True)

    def shell(self, title, network, script):
        self.run(title, str(self.root), network, "sh", "-ec", f"mkdir -p {CLONE}\ncd {CLONE}\n{script}")

    def steps(self, parts):
        """(title, its work, whether the next steps need it)"""
        yield "root", self.bootstrap, True
        for title, network, script, needed in STEPS:
            if title == "make check" and parts:
                script += f" PARTS={shlex.quote(' '.join(parts))}"
            yield title, lambda title, network=network, script=script: self.shell(title, network, script), needed


def main(words):
    if words[:1] == ["--inside"]:
        return inside(*words[1:])
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    results = Results()
    try:
        with BareRoot(results) as place:
            for title, work, needed in place.steps(words):
                if not place.step(title, work, needed):
                    results.say("the steps after it need it: they are left out")
                    break
    except CannotBe as why:
        results.add("bare root", skip=str(why))
    except KeyboardInterrupt:
        return 130
    return results.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
