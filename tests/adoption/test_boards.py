# SPDX-License-Identifier: MIT
"""popcl for the package systems of boards: the Arduino library, library.json of PlatformIO, and the CMSIS pack. Arduino's headers are stubs
(arduino/stub, each names its file and version); the sketches run on this machine against Dovecot."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent / "interop"), str(ROOT / "packaging")]

import consumer  # noqa: E402
import embedded  # noqa: E402
import mailboxes  # noqa: E402
import project  # noqa: E402
from dovecot import Dovecot  # noqa: E402

STRICT = ["-Wall", "-Wextra", "-Werror", "-Os"]


def gcc(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(done.stderr[-4000:])


class Arduino(unittest.TestCase):
    """The zip, unpacked and compiled as Arduino does it: each source below src/, with src/ alone in the path."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.tree = consumer.bearssl_tree()
        with zipfile.ZipFile(embedded.arduino(cls.folder, cls.tree)) as archive:
            archive.extractall(cls.folder)
        cls.library = next(cls.folder.glob("popcl-*-arduino"))
        cls.stubs = [f"-isystem{HERE}/arduino/stub", f"-I{ROOT}/tests/port"]
        objects = []
        for path in sorted(cls.library.glob("src/**/*.c*")):
            objects.append(cls.folder / (str(path.relative_to(cls.library)).replace("/", "_") + ".o"))
            kind = ["g++", "-std=gnu++11", *STRICT] if path.suffix == ".cpp" else ["gcc", "-std=gnu11", *([] if "bearssl" in path.parts else STRICT)]
            gcc(*kind, f"-I{cls.library}/src", *cls.stubs, "-c", path, "-o", objects[-1])
        gcc("gcc", *STRICT, *cls.stubs, "-c", ROOT / "tests/port/host_sockets/host.c", f"-I{ROOT}/include", "-o", cls.folder / "host.o")
        for name in ("board", "client"):
            gcc("g++", *STRICT, *cls.stubs, "-c", HERE / f"arduino/{name}.cpp", "-o", cls.folder / f"{name}.o")
        cls.objects = [*objects, *(cls.folder / f"{name}.o" for name in ("host", "board", "client"))]
        cls.server = cls.enterClassContext(Dovecot())

    def test_dates(self):
        """On a core that does not look at dates the sketch with TLS does not compile, unless its user accepts that."""
        (self.folder / "settings.h").write_text('#define SSID ""\n#define WIFI_PASSWORD ""\n#define HOST ""\n#define PORT 995\n#define USER ""\n'
                                                '#define PASSWORD ""\n#define AUTHORITY ""\n')
        words = ["g++", "-std=gnu++11", *STRICT, "-x", "c++", "-include", "Arduino.h", f"-I{self.folder}", f"-I{self.library}/src", *self.stubs, "-DESP32",
                 "-fsyntax-only", self.library / "examples/NewMail/NewMail.ino"]
        with self.assertRaisesRegex(AssertionError, "does not look at the dates"):
            gcc(*words)
        for given in ("CONFIG_MBEDTLS_HAVE_TIME_DATE", "ACCEPT_EXPIRED_CERTIFICATES"):
            gcc(*words, f"-D{given}=1")

    def sketch(self, name, account):
        work = self.folder / name
        work.mkdir()
        (work / "settings.h").write_text(f'#define SSID "net"\n#define WIFI_PASSWORD "x"\n#define HOST "127.0.0.1"\n#define PORT {self.server.port}\n'
                                         f'#define USER "{account.name}"\n#define PASSWORD "{account.password}"\n#define AUTHORITY "pem"\n')
        gcc("g++", "-std=gnu++11", *STRICT, "-x", "c++", "-include", "Arduino.h", f"-I{work}", f"-I{self.library}/src", *self.stubs, "-c",
            self.library / f"examples/{name}/{name}.ino", "-o", work / "sketch.o")
        gcc("g++", *self.objects, work / "sketch.o", "-o", work / "sketch")
        done = subprocess.run([work / "sketch"], capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done)
        return done.stdout

    def test_new_mail(self):
        """All mail, octet by octet."""
        account, messages = self.server.account(), mailboxes.sample_messages()
        account.deliver(messages)
        out = self.sketch("NewMail", account)
        self.assertEqual(re.split(rb"^--- \S+\n", out, flags=re.M)[1:-1], [mailboxes.delivered(one) for one in messages[:-1]])
        self.assertTrue(out.endswith(mailboxes.delivered(messages[-1]) + b"no more mail\n"))

    def test_lamp(self):
        account = self.server.account()
        self.assertEqual(self.sketch("Lamp", account), b"pin 2 mode 1\npin 2 is 0\n")
        account.deliver([b"Subject: one\r\n\r\nx\r\n"])
        (self.folder / "Lamp").rename(self.folder / "dark")
        self.assertEqual(self.sketch("Lamp", account), b"pin 2 mode 1\npin 2 is 1\n")

    def test_names(self):
        """No symbol of BearSSL's: a board may have a BearSSL of its own. The same zip twice."""
        for path in self.folder.glob("*.o"):
            done = subprocess.run(["nm", path], capture_output=True, text=True, check=True)
            self.assertNotRegex(done.stdout, r" br_\w")
        first = next(self.folder.glob("*.zip")).read_bytes()
        with tempfile.TemporaryDirectory() as again:
            self.assertEqual(embedded.arduino(pathlib.Path(again), self.tree).read_bytes(), first)

    def test_properties(self):
        """The fields that Arduino's library specification demands, and a known category."""
        fields = dict(line.split("=", 1) for line in (self.library / "library.properties").read_text().splitlines())
        self.assertLessEqual({"name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures"}, set(fields))
        self.assertEqual(fields["category"], "Communication")
        self.assertRegex(fields["version"], r"^\d+\.\d+\.\d+$")
        for name in fields["includes"].split(","):
            self.assertTrue((self.library / "src" / name).is_file(), name)

    def test_wrong_argument(self):
        """The stub of Client notices one."""
        text = (ROOT / "port/arduino/PopclClient.cpp").read_text()
        right = "n->client_.connect(host, port_number)"
        self.assertIn(right, text)
        done = subprocess.run(["g++", "-std=gnu++11", "-fsyntax-only", f"-I{ROOT}/include", f"-I{ROOT}/port/arduino", *self.stubs, "-x", "c++", "-"],
                              input=text.replace(right, "n->client_.connect(port_number, host)"), capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0)


class Packs(unittest.TestCase):
    """library.json and the pack description: well-formed, with values of project.mk, and with files that are there."""

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def test_platformio(self):
        """Of the core's ManifestSchema: known keys. The filter takes the sources of core, logins and TLS, and no main."""
        found = json.loads(embedded.platformio())
        self.assertLessEqual({"name", "version", "description", "license"}, set(found))
        self.assertEqual((found["version"], found["homepage"]), (project.values()["VERSION"], project.values()["URL"]))
        self.assertLessEqual(set(found["build"]), {"flags", "srcFilter", "includeDir", "srcDir", "libArchive", "unflags", "extraScript", "libLDFMode"})
        folders = [one[2:-2] for one in found["build"]["srcFilter"] if one.startswith("+")]
        self.assertEqual(folders, ["src/core", "src/auth", "src/tls", "bearssl/src"])
        component = (ROOT / "packaging/esp-idf/bearssl/CMakeLists.txt").read_text()  # BearSSL has the same settings there
        self.assertEqual({flag[2:] for flag in found["build"]["flags"] if flag.startswith("-DBR_")}, set(re.findall(r"\bBR_\w+=\d", component)))
        for name in found["headers"]:
            self.assertTrue((ROOT / found["build"]["includeDir"] / name).is_file(), name)

    def test_component(self):
        """idf_component.yml of ESP-IDF: lines of keys, with values and no placeholder."""
        text = embedded.component()
        self.assertNotIn("@", text)
        fields = dict(re.findall(r'^(\w+): "(.*)"$', text, re.M))
        self.assertEqual((fields["version"], fields["url"]), (project.values()["VERSION"], project.values()["URL"]))

    def test_cmsis(self):
        """xmllint reads it; each file is there, BearSSL's in its tree; every source of core, logins and TLS is in a component."""
        path = self.folder / "popcl.popcl.pdsc"
        path.write_text(embedded.cmsis())
        done = subprocess.run(["xmllint", "--noout", path], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        names = re.findall(r'category="\w+" name="([^"]+)"', path.read_text())
        self.assertEqual(len(names), len(set(names)) + names.count("port/lwip/") - 1)
        tree = consumer.bearssl_tree()
        for name in names:
            where = tree / name.removeprefix("bearssl/") if name.startswith("bearssl/") else ROOT / name
            self.assertTrue(where.exists(), name)
        for folder in ("core", "auth", "tls"):
            for source in (ROOT / "src" / folder).glob("*.c"):
                self.assertIn(str(source.relative_to(ROOT)), names)


if __name__ == "__main__":
    unittest.main()
