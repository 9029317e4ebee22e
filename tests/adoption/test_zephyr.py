# SPDX-License-Identifier: MIT
"""popcl as a module of Zephyr. A tree of Zephyr is not at hand: its CMake functions, its symbols of Kconfig and its headers are stubs
(zephyr/ beside this file, tests/port/zephyr/stub). The sample then runs on this machine against Dovecot."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "interop"))

import consumer  # noqa: E402
import mailboxes  # noqa: E402
import pki  # noqa: E402
from dovecot import Dovecot  # noqa: E402

BUILD = pathlib.Path(os.environ.get("B", ROOT / "build"))
SAMPLE = ROOT / "zephyr/samples/pop3"
try:
    import kconfiglib
except ImportError:
    kconfiglib = None
try:
    import yaml
except ImportError:
    yaml = None

# The symbols of Zephyr 3.7 that popcl's files name, with their types.
BOOLS = """NETWORKING NET_IPV4 NET_IPV6 NET_TCP NET_UDP NET_SOCKETS NET_SOCKETS_SOCKOPT_TLS DNS_RESOLVER ENTROPY_HAS_DRIVER ENTROPY_GENERATOR
    TEST_RANDOM_GENERATOR SNTP TLS_CREDENTIALS MBEDTLS MBEDTLS_ENABLE_HEAP MBEDTLS_HAVE_TIME_DATE POSIX_TIMERS NET_CONFIG_SETTINGS
    NET_CONFIG_NEED_IPV4""".split()
INTS = "MAIN_STACK_SIZE NET_SOCKETS_CONNECT_TIMEOUT MBEDTLS_HEAP_SIZE MBEDTLS_SSL_MAX_CONTENT_LEN".split()
STRINGS = "NET_CONFIG_MY_IPV4_ADDR NET_CONFIG_PEER_IPV4_ADDR".split()


def settings(folder, *files, **more):
    """The configuration of the sample with these files, and symbols set by hand: the Kconfig object, and what it warned of."""
    lines = [f'config {name}\n\t{kind} "{name}"\n' for kind, names in (("bool", BOOLS), ("int", INTS), ("string", STRINGS)) for name in names]
    (folder / "Kconfig.zephyr").write_text("\n".join(lines) + f'\nsource "{ROOT}/zephyr/Kconfig"\n')
    os.environ["srctree"] = str(folder)
    tree = kconfiglib.Kconfig(str(SAMPLE / "Kconfig"), warn_to_stderr=False)
    given = folder / "given.conf"
    given.write_text("".join(f"CONFIG_{name}={value}\n" for name, value in more.items()))
    for file in [*(SAMPLE / name for name in files), given]:
        tree.load_config(str(file), replace=False)
    return tree, [one for one in tree.warnings if "set more than once" not in one]


@unittest.skipUnless(kconfiglib, "python3-kconfiglib is not installed")
class Symbols(unittest.TestCase):
    """zephyr/Kconfig as kconfiglib reads it."""

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def value(self, name, *files, **more):
        tree, self.warnings = settings(self.folder, *files, **more)
        return tree.syms[name].str_value

    def test_defaults(self):
        """popcl needs TCP and sockets; TLS needs entropy."""
        sockets = {"NETWORKING": "y", "NET_TCP": "y", "NET_SOCKETS": "y", "POPCL": "y"}
        self.assertEqual(self.value("POPCL", NETWORKING="y", POPCL="y"), "n")
        self.assertEqual(self.value("POPCL", **sockets), "y")
        self.assertEqual(self.value("DNS_RESOLVER", **sockets), "y")
        self.assertEqual(self.value("POPCL_TLS", **sockets), "n")
        self.assertEqual(self.value("POPCL_TLS", **sockets, ENTROPY_HAS_DRIVER="y"), "y")
        self.assertEqual(self.value("POPCL_TEXT_KEEP", **sockets), "70")

    def test_dates_are_vouched_for_only_with_a_clock(self):
        below = {"NET_SOCKETS_SOCKOPT_TLS": "y", "POPCL_TLS_BELOW": "y"}
        self.assertEqual(self.value("POPCL_TLS_BELOW_DATES", "prj.conf", **below), "n")
        self.assertEqual(self.value("POPCL_TLS_BELOW_DATES", "prj.conf", **below, MBEDTLS_HAVE_TIME_DATE="y"), "y")

    def test_the_samples_files(self):
        """Each of its three ways gets the values that it asks for, and names no symbol that does not exist."""
        for files, name in ((["prj.conf"], "POPCL"), (["prj.conf", "tls.conf"], "POPCL_TLS"), (["prj.conf", "tls_below.conf"], "POPCL_TLS_BELOW_DATES")):
            self.assertEqual(self.value(name, *files, ENTROPY_HAS_DRIVER="y"), "y", files)
            self.assertEqual(self.warnings, [], files)

    def test_each_symbol_has_an_effect(self):
        """CMakeLists.txt, the port or the sample reads each symbol of zephyr/Kconfig, and no other one of this name."""
        text = "".join(path.read_text() for path in [ROOT / "zephyr/CMakeLists.txt", *(ROOT / "port/zephyr").glob("*.[ch]"), *SAMPLE.rglob("*.c")])
        declared = set(re.findall(r"config (POPCL\w*)", (ROOT / "zephyr/Kconfig").read_text()))
        self.assertEqual(declared, set(re.findall(r"CONFIG_(POPCL\w*)", text)))


@unittest.skipUnless(yaml, "python3-yaml is not installed")
class Module(unittest.TestCase):
    """module.yml and sample.yaml: keys of their schemas (scripts/schemas of Zephyr 3.7), and folders that exist."""

    def test_module(self):
        module = yaml.safe_load((ROOT / "zephyr/module.yml").read_text())
        self.assertLessEqual(set(module), {"name", "build", "samples", "tests", "boards", "security", "package-managers"})
        self.assertLessEqual(set(module["build"]), {"cmake", "kconfig", "depends", "settings"})
        self.assertTrue((ROOT / module["build"]["cmake"] / "CMakeLists.txt").is_file())
        self.assertTrue((ROOT / module["build"]["kconfig"]).is_file())
        for folder in module["samples"]:
            self.assertTrue(list((ROOT / folder).glob("*/sample.yaml")))

    def test_sample(self):
        sample = yaml.safe_load((SAMPLE / "sample.yaml").read_text())
        self.assertEqual(set(sample), {"sample", "common", "tests"})
        self.assertEqual(set(sample["sample"]), {"name", "description"})
        known = {"tags", "depends_on", "harness", "platform_allow", "integration_platforms", "min_ram", "min_flash", "extra_args", "extra_configs"}
        for one in [sample["common"], *sample["tests"].values()]:
            self.assertLessEqual(set(one), known)


@unittest.skipUnless(kconfiglib, "python3-kconfiglib is not installed")
class Sample(unittest.TestCase):
    """The sample, built through the module's CMakeLists.txt."""

    @classmethod
    def setUpClass(cls):
        cls.bearssl = consumer.bearssl_tree()
        cls.certificate = pki.shared().root().issue(san=["127.0.0.1"])
        cls.server = cls.enterClassContext(Dovecot(certificate=cls.certificate))
        cls.account = cls.server.account()
        cls.messages = [one for one in mailboxes.sample_messages() if b"\0" not in one]  # printk ends a text there
        cls.account.deliver(cls.messages)

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def build(self, *files, more=(), **symbols):
        symbols = {"SAMPLE_POP3_HOST": '"127.0.0.1"', "SAMPLE_POP3_USER": f'"{self.account.name}"',
                   "SAMPLE_POP3_PASSWORD": f'"{self.account.password}"', "SAMPLE_POP3_PORT": self.server.port,
                   "POPCL_BEARSSL_DIR": f'"{self.bearssl}"', **symbols}
        tree, warnings = settings(self.folder, *files, **symbols)
        self.assertEqual(warnings, [])
        tree.write_autoconf(str(self.folder / "autoconf.h"))
        values = {name: symbol.str_value for name, symbol in tree.syms.items() if symbol.str_value not in ("", "n") and not symbol.is_constant}
        (self.folder / "settings.cmake").write_text("".join(f'set(CONFIG_{name} "{value}")\n' for name, value in values.items()))
        out = self.folder / "out"
        for words in (["cmake", "-S", HERE / "zephyr", "-B", out, f"-DSETTINGS={self.folder}/settings.cmake",
                       f"-DAUTOCONF={self.folder}/autoconf.h", *more], ["cmake", "--build", out, "-j2"]):
            done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
            if done.returncode:
                return None, done.stdout[-4000:] + done.stderr[-4000:]
        return out / "sample", ""

    def run_sample(self, program):
        self.assertIsNotNone(program[0], program[1])
        done = subprocess.run([program[0]], capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done)
        return done.stdout

    def check(self, out):
        bodies = re.findall(rb"^--- \d+ \S+\n(.*?)--- end\n", out, re.M | re.S)
        self.assertEqual(bodies, [mailboxes.delivered(message) for message in self.messages])
        self.assertRegex(out, rb"popcl: %d new, %d in the maildrop\nsleeps 300000 ms\n$" % (len(bodies), len(bodies)))

    def test_clear(self):
        """All mail, octet by octet, in clear text."""
        self.check(self.run_sample(self.build("prj.conf")))

    def test_tls(self):
        """The same by TLS of popcl, and nothing from a server of another authority. BearSSL is a target of the image's."""
        for root, good in ((self.certificate.issuer, True), (pki.shared().root("another"), False)):
            anchors = self.folder / "anchors.c"
            subprocess.run([BUILD / "popcl-ta", "gen", "-q", "-o", anchors, root.file], check=True)
            out = self.run_sample(self.build("prj.conf", "tls.conf", ENTROPY_HAS_DRIVER="y", SAMPLE_POP3_PORT=self.server.tls_port,
                                             more=[f"-DMORE={anchors}", "-DIMAGES_BEARSSL=-lbearssl"]))
            if good:
                self.check(out)
            else:
                self.assertRegex(out, rb"^popcl: the server's certificate comes from no trusted authority: ")

    def test_tls_below_compiles(self):
        """Against the stubs alone: a handshake of secure sockets is in make check-port PORT=zephyr-tls."""
        (self.folder / "authority.inc").write_text("1, 2, 3\n")
        program, why = self.build("prj.conf", "tls_below.conf", ENTROPY_HAS_DRIVER="y", more=[f"-DEXTRA_INCLUDE={self.folder}", "-DIMAGES_BEARSSL=-lbearssl"])
        self.assertIsNotNone(program, why)

    def test_no_bearssl(self):
        """A wrong folder ends the build, with what to do."""
        program, why = self.build("prj.conf", POPCL_BEARSSL_DIR='"/nonexistent"')
        self.assertIsNone(program)
        self.assertIn('CONFIG_POPCL_BEARSSL_DIR="/nonexistent" is no source tree of BearSSL', why)


if __name__ == "__main__":
    unittest.main()
