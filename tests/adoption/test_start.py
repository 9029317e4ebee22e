# SPDX-License-Identifier: MIT
"""docs/START.md: each block with the mark `tested` is run or compiled as it stands there. A program fetches from a throw-away Dovecot;
a fragment for a device compiles with the code around it that is a user's."""
import re
import shutil
import unittest

from consumer import HERE, ROOT, ConsumerCase, shown
from dovecot import Dovecot
from test_esp_idf import lwip
import test_zephyr

PAGE = "docs/START.md"
CONFIG = '#include "popcl_fetch.h"\nextern popcl_fetch_config config;\npopcl_err fetch_mail(void);\n'
# What is around a fragment, the folders of headers, and what makes it wrong: a compiler that takes anything would not notice.
FRAGMENTS = {
    "lwIP": ('#include <lwip/sys.h>\n#include <lwip/timeouts.h>\n#include "popcl_lwip_raw.h"\nvoid drive_netif(void);\nvoid sleep_at_most(uint32_t ms);\n',
             ["port/lwip", "tests/lwip"], ["-DNO_SYS=1"], "start(&net, &job.session)", "start(&job.session, &net)"),
    "ESP-IDF": ('#include "esp_random.h"\n#include "popcl_lwip_sockets.h"\n', ["port/lwip", "tests/lwip"],
                ["-DNO_SYS=0", "-DLWIP_TIMEVAL_PRIVATE=0", "-DSSIZE_MAX=LONG_MAX", f"-isystem{HERE}/esp_idf/stub"], "seed = &seed", "seed = &net"),
    "Zephyr": ('#include "popcl_zephyr.h"\n', ["port/zephyr"],
               [f"-isystem{ROOT}/tests/port/zephyr/stub", "-DCONFIG_NET_IPV4=1", "-DCONFIG_DNS_RESOLVER=1"], "&popcl_zephyr, &net", "&net, &popcl_zephyr"),
    "callbacks": ('#include "popcl_callbacks.h"\nextern const popcl_callbacks_stack my_stack;\nextern uint32_t my_number;\nextern popcl_fetch job;\n'
                  'void on_octets(const void *p, size_t n);\nvoid on_end(void);\nvoid on_reset(int code);\n',
                  ["port/callbacks"], [], "my_number, p, n", "p, my_number, n"),
}


class Programs(ConsumerCase):
    """As an ordinary user's folder: the sources beside the program, and a home of its own."""

    def setUp(self):
        self.place = self.folder / self._testMethodName
        self.place.mkdir()
        names = ("build", ".git", "out", "auth")
        shutil.copytree(ROOT, self.place / "popcl", ignore=lambda where, there: set(names) & set(there) if where == str(ROOT) else set())

    def run_shown(self, name, server, account):
        """pop.example.org is the server."""
        text = shown(name, PAGE)
        for old, new in (("pop.example.org 110", f"127.0.0.1 {server.port}"), (" you ", f" {account.name} "), ("secret'", f"{account.password}'")):
            text = text.replace(old, new)
        (self.place / "password").write_text(account.password + "\n")
        return self.run_program("sh", "-euc", text, cwd=self.place, env={"HOME": str(self.place), "CFLAGS": "-O0"})

    def test_linux_library(self):
        with Dovecot() as server:
            account = server.account()
            account.deliver([b"Subject: one\n\nfirst body\n", b"Subject: two\n\nsecond body\n"])
            out = self.run_shown("Linux library", server, account)
        self.assertRegex(out, r"(?s)--- 1 .*first body.*--- 2 .*second body")

    def test_many_sessions(self):
        with Dovecot() as server:
            account = server.account()
            account.deliver([b"Subject: one\n\nbody\n"] * 3)
            out = self.run_shown("many sessions", server, account)
        self.assertRegex(out, r"1 sessions, 0 failed; 3 messages, ")

    def test_cmake(self):
        shutil.copy(ROOT / "examples/minimal.c", self.place / "app.c")
        (self.place / "CMakeLists.txt").write_text(shown("CMake", PAGE))
        self.run_program("cmake", "-S", self.place, "-B", self.place / "out")
        self.run_program("cmake", "--build", self.place / "out", "-j2")
        self.check_program(self.place / "out/app")


class Fragments(ConsumerCase):
    def test_each_compiles(self):
        """And does not with two arguments exchanged, or of a wrong type."""
        for name, (before, folders, words, right, wrong) in FRAGMENTS.items():
            with self.subTest(name):
                headers = [f"-isystem{lwip()}"] if "port/lwip" in folders else []
                text = CONFIG + before + shown(name, PAGE)
                self.assertIn(right, text)
                for source, code in ((text, 0), (text.replace(right, wrong), None)):
                    file = self.folder / "fragment.c"
                    file.write_text(source)
                    self.run_program("gcc", "-std=gnu17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{ROOT}/include",
                                     *(f"-I{ROOT}/{folder}" for folder in folders), *words, *headers, file, code=code)

    @unittest.skipUnless(test_zephyr.kconfiglib, "python3-kconfiglib is not installed")
    def test_settings_of_zephyr(self):
        """They are enough to have popcl, and each names a symbol that exists."""
        given = dict(re.findall(r"^CONFIG_(\w+)=(\w+)$", shown("Zephyr settings", PAGE), re.M))
        self.assertEqual(len(given), 6)
        tree, warnings = test_zephyr.settings(self.folder, **given)
        self.assertEqual(warnings, [])
        self.assertEqual({name: tree.syms[name].str_value for name in given}, given)
        for name in ("NETWORKING", "NET_TCP", "NET_SOCKETS"):
            tree, _ = test_zephyr.settings(self.folder, **{**given, name: "n"})
            self.assertEqual(tree.syms["POPCL"].str_value, "n", name)


if __name__ == "__main__":
    unittest.main()
