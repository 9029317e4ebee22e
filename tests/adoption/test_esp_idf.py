# SPDX-License-Identifier: MIT
"""popcl as components of ESP-IDF. ESP-IDF is not at hand: its headers are stubs (esp_idf/stub, each names its file and version), only lwIP's are
lwIP's own. All files of both examples compile, and a wrong argument does not. make check-port PORT=esp-tls runs the port over esp_tls."""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = pathlib.Path(os.environ.get("B", ROOT / "build"))
IDF = ROOT / "packaging/esp-idf"
SETTINGS = {"MAIL_HOST": '"pop.example.org"', "MAIL_USER": '"user"', "MAIL_PASSWORD": '"secret"', "MAIL_SNTP": '"pool.ntp.org"', "MAIL_MINUTES": 5,
            "MBEDTLS_HAVE_TIME_DATE": 1}
FILES = ["port/lwip/sockets.c", "port/esp-tls/net.c", "packaging/esp-idf/examples/common/mail/mail.c", "packaging/esp-idf/examples/pop3/main/main.c",
         "packaging/esp-idf/examples/pop3_esp_tls/main/main.c"]
# A file, a part of it, and what is wrong when it is replaced: a stub that takes anything would not notice.
FAULTS = [
    ("port/esp-tls/net.c", "esp_tls_conn_read(n->tls, p, len)", "esp_tls_conn_read(&n->tls, p, len)"),
    ("port/esp-tls/net.c", "esp_tls_get_conn_sockfd(n->tls, &n->fd)", "esp_tls_get_conn_sockfd(n->tls, n->fd)"),
    ("port/esp-tls/net.c", "lwip_poll(p, 1, limit_ms)", "lwip_poll(&p, 1, limit_ms)"),
    ("port/lwip/sockets.c", "lwip_getsockname(n->fd, &own.any, &len)", "lwip_getsockname(n->fd, &own, &len)"),
    ("port/lwip/sockets.c", "sys_sem_signal(&n->heard)", "sys_sem_signal(n)"),
    ("packaging/esp-idf/examples/common/mail/mail.c", '"seen", b.octets, &b.len', '"seen", b.octets, b.len'),
    ("packaging/esp-idf/examples/pop3/main/main.c", "popcl_lwip_sockets.wait(ctx, want, piece)", "popcl_lwip_sockets.wait(want, ctx, piece)"),
    ("packaging/esp-idf/examples/pop3_esp_tls/main/main.c", "popcl_esp_tls net =", "popcl_esp_tls_net net ="),
]


def lwip():
    done = subprocess.run(["sh", str(ROOT / "tests/source.sh"), "lwip", str(BUILD)], capture_output=True, text=True)
    if done.returncode:
        raise unittest.SkipTest(done.stderr.strip())
    return done.stdout.strip() + "/src/include"


class Compiled(unittest.TestCase):
    """Each file of the components and the examples that touches ESP-IDF."""

    def compile(self, path, text):
        bearssl = [f"-isystem{one}" for one in ("/usr/include/bearssl", os.environ.get("BEARSSL_INC") or "/usr/local/include/bearssl")]
        where = [f"-I{ROOT}/{one}" for one in ("include", "port/lwip", "port/esp-tls", "packaging/esp-idf/examples/common/mail")]
        words = ["gcc", "-std=gnu17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-DNO_SYS=0", "-DLWIP_TIMEVAL_PRIVATE=0", "-DSSIZE_MAX=LONG_MAX",
                 *where, f"-I{(ROOT / path).parent}", f"-isystem{HERE}/esp_idf/stub", f"-I{ROOT}/tests/lwip", f"-isystem{lwip()}", *bearssl,
                 *(f"-DCONFIG_{name}={value}" for name, value in SETTINGS.items()), "-x", "c", "-"]
        return subprocess.run(words, input=text, capture_output=True, text=True)

    def test_files(self):
        for path in FILES:
            with self.subTest(path):
                self.assertEqual(self.compile(path, (ROOT / path).read_text()).stderr, "")

    def test_wrong_arguments(self):
        for path, right, wrong in FAULTS:
            with self.subTest(wrong):
                text = (ROOT / path).read_text()
                self.assertIn(right, text)
                self.assertNotEqual(self.compile(path, text.replace(right, wrong)).returncode, 0)

    def test_no_dates(self):
        """Without Mbed TLS's dates no connection is vouched for."""
        text = (ROOT / "port/esp-tls/net.c").read_text()
        self.assertRegex(text, r"(?s)esp_secured\(void \*ctx\) \{\n#ifdef CONFIG_MBEDTLS_HAVE_TIME_DATE\n.*?#else\n.*?return 0;\n#endif")
        self.assertIn("CONFIG_MBEDTLS_HAVE_TIME_DATE=y", (IDF / "examples/pop3_esp_tls/sdkconfig.defaults").read_text())


class Components(unittest.TestCase):
    """The CMake files, with idf_component_register as a function that notes what it is given."""

    def register(self, folder, **environment):
        with tempfile.TemporaryDirectory() as work:
            script = pathlib.Path(work) / "run.cmake"
            script.write_text(f'''
function(idf_component_register)
  cmake_parse_arguments(GOT "" "" "SRCS;INCLUDE_DIRS;PRIV_INCLUDE_DIRS;REQUIRES" ${{ARGN}})
  message("UNKNOWN=${{GOT_UNPARSED_ARGUMENTS}}")
  foreach(name SRCS INCLUDE_DIRS PRIV_INCLUDE_DIRS REQUIRES)
    message("${{name}}=${{GOT_${{name}}}}")
  endforeach()
endfunction()
function(target_compile_options)
endfunction()
function(target_compile_definitions)
endfunction()
include({folder}/CMakeLists.txt)
''')
            done = subprocess.run(["cmake", "-P", str(script)], capture_output=True, text=True, env={**os.environ, **environment})
        return done, dict(re.findall(r"^(\w+)=(.*)$", done.stderr, re.M))

    def paths(self, folder, value):
        return [(folder / one).resolve() for one in value.split(";") if one]

    def test_popcl(self):
        """Its sources are all of the core, logins, TLS and both ports; each file and folder exists."""
        done, got = self.register(IDF / "popcl")
        self.assertEqual((done.returncode, got["UNKNOWN"]), (0, ""), done.stderr)
        wanted = [path.resolve() for folder in ("src/core", "src/auth", "src/tls", "port/esp-tls") for path in (ROOT / folder).glob("*.c")]
        self.assertEqual(sorted(self.paths(IDF / "popcl", got["SRCS"])), sorted([*wanted, (ROOT / "port/lwip/sockets.c").resolve()]))
        for folder in self.paths(IDF / "popcl", got["INCLUDE_DIRS"]):
            self.assertTrue(folder.is_dir(), folder)
        self.assertEqual(got["REQUIRES"].split(";"), ["lwip", "bearssl", "esp-tls"])

    def test_bearssl(self):
        with tempfile.TemporaryDirectory() as tree:
            done, _ = self.register(IDF / "bearssl", BEARSSL_SRC=tree)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("is no source tree of BearSSL", done.stderr)
            for name in ("inc/bearssl.h", "src/a.c", "src/hash/b.c"):
                (pathlib.Path(tree) / name).parent.mkdir(exist_ok=True)
                (pathlib.Path(tree) / name).touch()
            done, got = self.register(IDF / "bearssl", BEARSSL_SRC=tree)
            self.assertEqual(sorted(got["SRCS"].split(";")), [f"{tree}/src/a.c", f"{tree}/src/hash/b.c"])

    def test_examples(self):
        """Each names files that are there, except the anchors, which popcl-ta writes; and settings that its source reads."""
        for main in IDF.glob("examples/*/main"):
            _, got = self.register(main)
            for path in self.paths(main, got["SRCS"]):
                self.assertTrue(path.is_file() or path.name == "anchors.c", path)
            declared = set(re.findall(r"config (\w+)", (IDF / "examples/common/mail/Kconfig.projbuild").read_text()))
            self.assertEqual(declared, set(re.findall(r"CONFIG_(MAIL_\w+)", (main / "main.c").read_text())))


if __name__ == "__main__":
    unittest.main()
