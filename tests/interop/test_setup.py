# SPDX-License-Identifier: MIT
"""What tests/setup.sh installs is neither enabled nor started, and services that were there before are left alone. Nothing is installed here:
apt-get is a script that does what a package's postinst does."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

TESTS = pathlib.Path(__file__).resolve().parents[1]
TOOLS = "sh id sed sort grep mktemp chmod cp ln tr rm dirname cat sleep env".split()
REAL = "echo real \"${0##*/}\" \"$@\"\nexit 0\n"

# What debhelper writes into a postinst (dh_installsystemd, dh_installinit).
POSTINST = """
if deb-systemd-helper --quiet was-enabled '{0}.service'; then
    echo ENABLED; deb-systemd-helper enable '{0}.service'
else
    deb-systemd-helper update-state '{0}.service'
fi
systemctl --system daemon-reload
deb-systemd-invoke start '{0}.service'
update-rc.d {0} defaults
invoke-rc.d --skip-systemd-native {0} start
"""


class Scripts(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="setup"))
        self.addCleanup(shutil.rmtree, self.folder)

    def script(self, path, text):
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)


class NoStart(Scripts):
    """tests/no_start.sh under the names that it stands in for, before real ones that say that they were called."""

    def setUp(self):
        super().setUp()
        self.quiet, self.real = self.folder / "quiet", self.folder / "real"
        self.quiet.mkdir()
        self.real.mkdir()
        for name in "invoke-rc.d update-rc.d service deb-systemd-invoke deb-systemd-helper systemctl".split():
            self.script(self.real / name, REAL)
            shutil.copy(TESTS / "no_start.sh", self.quiet / name)
            (self.quiet / name).chmod(0o755)

    def call(self, words, before=()):
        """(exit status, what the real program was asked; None: it was not called)"""
        (self.quiet / "before").write_text("".join(f"{name}\n" for name in before))
        path = f"{self.quiet}:{self.real}:{os.environ['PATH']}"
        done = subprocess.run(["sh", "-c", words], env={"PATH": path}, capture_output=True, text=True, check=False)
        self.assertEqual(done.stderr, "")
        real = [line[5:] for line in done.stdout.splitlines() if line.startswith("real ")]
        return done.returncode, "\n".join(real) or None

    def test_a_new_service_is_neither_enabled_nor_started(self):
        for words in ("invoke-rc.d dovecot start", "invoke-rc.d --skip-systemd-native dovecot restart", "deb-systemd-invoke start dovecot.service",
                      "deb-systemd-invoke restart dovecot.socket", "deb-systemd-helper enable dovecot.service", "service dovecot start",
                      "systemctl --system enable dovecot.service", "systemctl start dovecot", "systemctl try-restart dovecot.service"):
            with self.subTest(words):
                self.assertEqual(self.call(words), (0, None))

    def test_its_package_is_told_that_it_is_not_enabled(self):
        self.assertEqual(self.call("deb-systemd-helper --quiet was-enabled dovecot.service"), (1, None))
        self.assertEqual(self.call("deb-systemd-helper debian-installed dovecot.socket"), (1, None))

    def test_what_starts_nothing_is_done(self):
        for words in ("deb-systemd-helper update-state dovecot.service", "deb-systemd-helper unmask dovecot.service", "invoke-rc.d dovecot stop",
                      "systemctl --system daemon-reload", "update-rc.d dovecot remove", "systemctl disable dovecot.service"):
            with self.subTest(words):
                self.assertEqual(self.call(words), (0, words))
        self.assertEqual(self.call("update-rc.d dovecot defaults"), (0, "update-rc.d dovecot defaults-disabled"))

    def test_a_service_that_was_here_is_its_own_business(self):
        for words in ("invoke-rc.d cron restart", "deb-systemd-invoke restart cron.service", "deb-systemd-helper enable cron.service",
                      "update-rc.d cron defaults", "systemctl restart cron"):
            with self.subTest(words):
                self.assertEqual(self.call(words, before=["cron"]), (0, words))
        self.assertEqual(self.call("deb-systemd-helper was-enabled cron.service", before=["cron"])[0], 0)

    def test_a_dovecot_that_was_here_keeps_its_state_and_is_not_restarted(self):
        for words in ("update-rc.d dovecot defaults", "deb-systemd-helper was-enabled dovecot.service", "systemctl is-active dovecot"):
            with self.subTest(words):
                self.assertEqual(self.call(words, before=["dovecot"]), (0, words))
        for words in ("invoke-rc.d dovecot restart", "deb-systemd-invoke start dovecot.service", "systemctl reload dovecot"):
            with self.subTest(words):
                self.assertEqual(self.call(words, before=["dovecot"]), (0, None))

    def test_where_there_is_no_such_program(self):
        (self.real / "service").unlink()
        shutil.copy(self.quiet / "service", self.quiet / "popcl-no-such-program")
        self.assertEqual(self.call("popcl-no-such-program cron start", before=["cron"]), (0, None))


class Setup(Scripts):
    """tests/setup.sh on a machine that lacks curl."""

    def setUp(self):
        super().setUp()
        self.programs = self.folder / "programs"
        self.programs.mkdir()
        for name in [*TOOLS, "python3", "openssl", "mpop", "fetchmail", "getmail", "valgrind"]:
            self.script(self.programs / name, f'exec {shutil.which(name) or "/bin/true"} "$@"\n')
        self.script(self.programs / "id", "echo 0\n")  # as root: no sudo
        self.script(self.programs / "apt-cache", "exit 0\n")
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir()

    def run_setup(self, *groups):
        environment = {"PATH": str(self.programs), "TMPDIR": str(self.temporary)}
        return subprocess.run(["/bin/sh", str(TESTS / "setup.sh"), *groups], env=environment, capture_output=True, text=True, check=False)

    def apt_get(self, after):
        """An apt-get that runs the postinst of popcl-new as dpkg would, and then `after`."""
        self.script(self.programs / "apt-get", f"""
for word in "$@"; do
    case $word in DPkg::Path=*) PATH=${{word#DPkg::Path=}}; export PATH ;; esac
done
{POSTINST.format("popcl-new")}
{after}
""")

    def test_a_package_with_a_service(self):
        self.apt_get(f"printf '#!/bin/sh\\n' > {self.programs}/curl; chmod 755 {self.programs}/curl")
        done = self.run_setup("bench")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("installing: curl\n", done.stdout)
        self.assertNotIn("ENABLED", done.stdout)
        for how in ("deb-systemd-invoke start", "invoke-rc.d start"):
            self.assertIn(f"setup.sh: popcl-new is left as it is ({how})\n", done.stdout)
        self.assertEqual(list(self.temporary.iterdir()), [])

    def test_where_all_is_there_nothing_is_done(self):
        self.script(self.programs / "curl", "exit 0\n")
        self.script(self.programs / "apt-get", "echo CALLED\n")
        done = self.run_setup("bench")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))


class Packages(Scripts):
    """tests/packages.sh with an apt-get and a dpkg-deb of a few lines."""

    TOOLS = "sh sed cat mkdir mktemp rm mv grep sort printf".split()
    APT_GET = """echo "$@" >> "$HOME/asked"
for word; do
    case $word in
    Dir::State::Lists=*) own=yes ;;
    install) echo "Inst libfoo1 (1 Debian)"; echo "Inst libclamav12 (1 Debian)"; echo "Inst exim4-base (4 Debian)"; exit ;;
    update) exit ;;
    download) [ "{needs}" = "${{own:-}}" ] || {{ echo "E: no such version" >&2; exit 100; }}; take=yes; continue ;;
    esac
    [ -z "${{take:-}}" ] || : > "$word.deb"
done
"""

    def setUp(self):
        super().setUp()
        self.programs = self.folder / "programs"
        self.programs.mkdir()
        for name in self.TOOLS:
            (self.programs / name).symlink_to(shutil.which(name) or "/bin/true")
        self.servers = self.folder / "servers"

    def fetch(self):
        done = subprocess.run(["/bin/sh", str(TESTS / "packages.sh"), "popa3d", str(self.servers)], capture_output=True, text=True, check=False,
                              env={"PATH": str(self.programs), "HOME": str(self.folder), "TMPDIR": str(self.folder)})
        return done.returncode, done.stdout, done.stderr

    def assertFetched(self):
        self.assertEqual(self.fetch(), (0, f"{self.servers}/popa3d\n", ""))
        self.assertEqual(os.listdir(self.servers), ["popa3d"])
        self.assertEqual((self.servers / "popa3d/packages").read_text().split(), ["libfoo1.deb", "libuid-wrapper.deb", "popa3d.deb"])
        self.assertEqual((self.servers / "popa3d/files/what").read_text(), "dpkg-deb\n")

    def apt(self, needs):
        """With `needs`, packages come only after an update of lists that are not this machine's."""
        self.script(self.programs / "apt-get", self.APT_GET.format(needs=needs))
        self.script(self.programs / "dpkg-deb", 'mkdir -p "$3" && echo dpkg-deb > "$3/what"\n')

    def test_server_and_libraries(self):
        """The server's packages and the libraries that are missing come, and nothing else; the next time nothing is fetched."""
        self.apt("")
        self.assertFetched()
        asked = (self.folder / "asked").read_text()
        self.assertNotIn(" update", asked)
        self.assertFetched()
        self.assertEqual((self.folder / "asked").read_text(), asked)

    def test_old_lists(self):
        """Where this machine's lists do not fit any more, new ones are fetched, and kept apart."""
        self.apt("yes")
        self.assertFetched()
        update, = [line for line in (self.folder / "asked").read_text().splitlines() if line.endswith(" update")]
        self.assertIn(f"Dir::State::Lists={self.servers}/fetch.", update)

    def test_nothing_to_be_had(self):
        """Without a network, and without apt-get: exit 1, one line, and nothing stays behind."""
        self.apt("never")
        self.assertEqual(self.fetch(), (1, "", "the server popa3d cannot be had: E: no such version\n"))
        self.assertEqual(os.listdir(self.servers), [])
        (self.programs / "apt-get").unlink()
        self.assertEqual(self.fetch(), (1, "", "the server popa3d cannot be had: this machine has no apt-get\n"))


if __name__ == "__main__":
    unittest.main()
