# SPDX-License-Identifier: MIT
"""make install as a packager and a user of pkg-config take it, the shared library, and builds from the archives of a release."""
import re

from consumer import ROOT, ConsumerCase, bearssl_tree, shown, without_network
import bearssl
import embedded
import project

FOLDERS = {"PREFIX": "/usr", "BINDIR": "/usr/some/bin", "LIBDIR": "/usr/lib/some-gnu", "INCLUDEDIR": "/usr/include/some", "MANDIR": "/usr/some/man"}


def files_of(folder):
    return sorted("/" + str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def declared():
    """The functions and tables that the installed headers declare, by the linker's names."""
    found = set()
    headers = [*ROOT.glob("include/*.h"), *ROOT.glob("port/posix/popcl_*.h"), *ROOT.glob("src/host/popcl_*.h")]
    text = "\n".join(path.read_text() for path in headers)
    renamed = dict.fromkeys(re.findall(r"POPCL_ABI\((popcl_\w+)\)", text))
    code = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    for statement in re.findall(r"^(?!typedef|#|static)[\w][^;{}#]*;", code, re.M):
        name = re.search(r"\b(popcl_\w+)\s*(\(|\[|;|,)", re.sub(r"^extern|^const", "", statement))
        if "(" in statement or statement.startswith("extern"):
            found |= {name[1]} if name and "(" in statement else set(re.findall(r"\b(popcl_\w+)(?=\s*[\[,;])", statement))
    return {name + "_text70" if name in renamed else name for name in found}


class Installed(ConsumerCase):
    """make install SHARED=1 into folders of a packager."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.root = cls.folder / "root"
        cls.words = ["B=" + str(cls.folder / "build"), "CFLAGS=-O1", "SHARED=1", f"DESTDIR={cls.root}", *(f"{name}={place}" for name, place in FOLDERS.items())]
        cls.make("install", *cls.words)

    def environment(self):
        return {"PKG_CONFIG_LIBDIR": str(self.root / "usr/lib/some-gnu/pkgconfig"), "PKG_CONFIG_SYSROOT_DIR": str(self.root)}

    def flags(self, *words):
        return self.run_program("pkg-config", *words, "popcl", env=self.environment()).split()

    def test_each_file_is_in_its_folder(self):
        found = files_of(self.root)
        for one in ("/usr/some/bin/popcl", "/usr/some/bin/popcl-ta", "/usr/lib/some-gnu/libpopcl.a", "/usr/lib/some-gnu/libpopcl.so",
                    "/usr/lib/some-gnu/libpopcl-0.1.so", "/usr/lib/some-gnu/pkgconfig/popcl.pc", "/usr/include/some/popcl.h",
                    "/usr/include/some/popcl_posix_trust.h", "/usr/some/man/man1/popcl.1", "/usr/some/man/man3/popcl.3",
                    "/usr/share/bash-completion/completions/popcl", "/usr/share/zsh/site-functions/_popcl",
                    "/usr/share/fish/vendor_completions.d/popcl.fish"):
            self.assertIn(one, found)
        for one in found:
            self.assertTrue(any(one.startswith(place + "/") for place in (*list(FOLDERS.values())[1:], "/usr/share")), one)
        self.assertIn("complete", (self.root / "usr/share/bash-completion/completions/popcl").read_text())

    def test_the_pkg_config_file(self):
        place = self.root / "usr/lib/some-gnu/pkgconfig"
        self.run_program("pkgconf", "--validate", "popcl", env={"PKG_CONFIG_LIBDIR": str(place)})
        text = (place / "popcl.pc").read_text()
        for line in ("prefix=/usr", "exec_prefix=${prefix}", "libdir=${prefix}/lib/some-gnu", "includedir=${prefix}/include/some", "License: MIT",
                     "URL: " + project.values()["URL"], "Libs: -L${libdir} -lpopcl", "Libs.private: -lbearssl -pthread"):
            self.assertIn(line, text.splitlines())

    def test_a_program_with_the_shared_library(self):
        program = self.project("shared", {}) / "app"
        self.run_program("sh", "-euxc", shown("pkg-config"), cwd=program.parent, env=self.environment())
        needed = self.run_program("readelf", "-d", program)
        self.assertIn("[libpopcl-0.1.so]", needed)
        self.assertNotIn("bearssl", needed)
        self.check_program(program, {"LD_LIBRARY_PATH": str(self.root / "usr/lib/some-gnu")})
        self.run_program(program, code=127, env={"LD_LIBRARY_PATH": ""})

    def test_a_program_with_the_archive(self):
        program = self.project("static", {}) / "app"
        libs = [("-l:libpopcl.a" if word == "-lpopcl" else word) for word in self.flags("--static", "--libs")]
        self.run_program("gcc", "-std=c99", program.with_suffix(".c"), *self.flags("--cflags"), "-o", program, *libs)
        self.assertNotIn("popcl", self.run_program("readelf", "-d", program))
        self.check_program(program)

    def test_the_shared_library_exports_what_headers_declare(self):
        library = self.root / "usr/lib/some-gnu/libpopcl-0.1.so"
        lines = self.run_program("nm", "-D", "--defined-only", library).splitlines()
        exported = {line.split()[-1] for line in lines}
        wanted = declared()
        self.assertGreater(len(wanted), 80)
        self.assertEqual(sorted(name for name in exported if not name.startswith("popcl_")), [])
        self.assertEqual((sorted(exported - wanted), sorted(wanted - exported)), ([], []))
        dynamic = self.run_program("readelf", "-d", library)
        self.assertIn("Library soname: [libpopcl-0.1.so]", dynamic)
        self.assertNotIn("TEXTREL", dynamic)

    def test_an_internal_function_does_not_link(self):
        source = self.folder / "internal.c"
        source.write_text("void popcl_zero(void *, unsigned long); int main(void) { popcl_zero(0, 0); }\n")
        said = self.run_program("gcc", source, "-o", self.folder / "internal", *self.flags("--libs"), code=1)
        self.assertIn("popcl_zero", said)

    def test_a_shared_library_has_the_default_settings(self):
        for words in (["CFLAGS=-DPOPCL_TEXT_KEEP=32"], ["NO_FORK=1"]):
            self.assertIn("a shared library has the default settings", self.make("shared", f"B={self.folder}/other", *words, code=2))

    def test_uninstall_leaves_nothing(self):
        place = self.folder / "again"
        words = [word for word in self.words if not word.startswith("DESTDIR")]
        self.make("install", *words, f"DESTDIR={place}")
        self.assertEqual(len(files_of(place)), len(files_of(self.root)))
        self.make("uninstall", *words, f"DESTDIR={place}")
        self.assertEqual(files_of(place), [])


class Parts(ConsumerCase):
    """What a build makes, and does not make."""

    def test_all_builds_no_tests_and_needs_no_network(self):
        """In a network namespace without an interface, as far as this user may have one."""
        alone = without_network()
        if not alone:
            self.skipTest("this user may not have a network namespace")
        self.run_program(*alone, "make", "-j2", "-C", ROOT, "all", f"B={self.folder}/all", "CFLAGS=-O0")
        made = [path.name for path in (self.folder / "all").iterdir()]
        self.assertIn("popcl", made)
        self.assertEqual([name for name in made if name in ("tests", "x509check", "chains", "below", "interop")], [])

    def test_the_library_alone(self):
        self.make("install-lib", f"B={self.folder}/lib", "CFLAGS=-O0", f"DESTDIR={self.folder}/root", "PREFIX=/p")
        found = files_of(self.folder / "root")
        self.assertIn("/p/lib/libpopcl.a", found)
        self.assertEqual([one for one in found if re.search(r"/bin/|\.so|man1|share/(?!man)", one)], [])

    def test_bearssl_of_a_tree_is_installed_too(self):
        """And a program takes that one: it links without the system's."""
        prefix = self.folder / "prefix"
        self.make("install-lib", f"B={self.folder}/tree", "CFLAGS=-O0", f"BEARSSL={bearssl_tree()}", f"PREFIX={prefix}")
        flags = self.run_program("pkg-config", "--cflags", "--libs", "popcl", env={"PKG_CONFIG_LIBDIR": str(prefix / "lib/pkgconfig")}).split()
        program = self.project("tree-app", {}) / "app"
        said = self.run_program("gcc", "-std=c99", program.with_suffix(".c"), "-o", program, *flags, "-Wl,-t", "-Wl,-Map=" + str(self.folder / "map"))
        self.assertNotRegex(said, r"(?m)^/(usr/)?lib\S*/libbearssl\.")
        self.assertIn(str(prefix / "lib/popcl"), (self.folder / "map").read_text())
        self.check_program(program)


class Musl(ConsumerCase):
    """As on OpenWrt and Alpine: musl in place of glibc, with BearSSL of a tree."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.words = ["CC=musl-gcc", f"BEARSSL={bearssl_tree()}", "CFLAGS=-Os"]

    def test_static_programs(self):
        """The example and popcl need no file of the system."""
        place = self.folder / "static"
        self.make("install", *self.words, "LDFLAGS=-static", f"B={place}/build", f"PREFIX={place}/prefix")
        program = self.project("static-app", {}) / "app"
        flags = self.run_program("pkg-config", "--cflags", "--libs", "popcl", env={"PKG_CONFIG_LIBDIR": str(place / "prefix/lib/pkgconfig")}).split()
        self.run_program("musl-gcc", "-static", "-std=c99", program.with_suffix(".c"), "-o", program, *flags)
        for one in (program, place / "prefix/bin/popcl"):
            self.assertNotIn("NEEDED", self.run_program("readelf", "-d", one))
        self.assertIn("TLS 1.2 by BearSSL", self.run_program(place / "prefix/bin/popcl", "--version"))
        self.check_program(program)

    def test_the_port(self):
        """The suite plays name service by dlsym, so this is a dynamic program."""
        said = self.make("check-port", "PORT=posix", *self.words, f"B={self.folder}/port")
        self.assertNotIn("not ok", said)


class Source(ConsumerCase):
    """tests/source.sh with an archive, and which BearSSL popcl takes."""

    def archive(self, name, change=None):
        tree = self.folder / name / "bearssl"
        self.run_program("cp", "-r", bearssl_tree(), tree.parent.mkdir() or tree)
        for file, old, new in change or ():
            text = (tree / file).read_text()
            self.assertIn(old, text)
            (tree / file).write_text(text.replace(old, new))
        made = self.folder / f"{name}.tar.gz"
        self.run_program("tar", "-czf", made, "-C", tree.parent, "bearssl")
        return tree, made, self.run_program("sha256sum", made).split()[0]

    def source(self, *words, code=0, **env):
        return self.run_program("sh", ROOT / "tests/source.sh", "bearssl", *words, code=code, env={"BEARSSL_SRC": "", **env})

    def test_an_archive_goes_by_its_hash(self):
        _, made, sha256 = self.archive("good")
        for place in (made, f"file://{made}"):
            self.assertIn(f"is another one (its SHA-256 is {sha256})", self.source(self.folder / "got", place, code=1))
            self.assertIn("is another one", self.source(self.folder / "got", place, code=1, SHA256=sha256[:-1] + "g"))
            self.assertFalse((self.folder / "got/bearssl").exists())
            out = self.source(self.folder / "got", place, SHA256=sha256).strip()
            self.assertEqual(out, str(self.folder / "got/bearssl"))
            self.run_program("rm", "-r", self.folder / "got")
        self.assertIn("there is no file", self.source(self.folder / "got", self.folder / "none.tar.gz", code=1))

    def test_a_bearssl_with_wrong_curves_is_refused(self):
        """Git between 0.6 and June 2022, and what is older than 0.6: by the script, and by the compiler."""
        declared_m64 = "extern const br_ec_impl br_ec_p256_m15;", "extern const br_ec_impl br_ec_p256_m15;\nextern const br_ec_impl br_ec_p256_m64;"
        cases = (("snapshot", [("inc/bearssl_ec.h", *declared_m64)], "from git between 0.6 and June 2022", "popcl_needs_BearSSL_0_6_or_git_of_June_2022_or_later"),
                 ("old", [("inc/bearssl_ec.h", "BR_EC_KBUF_PRIV_MAX_SIZE", "OTHER")], "older than BearSSL 0.6", "this one is older than 0.6"),
                 ("later", [("inc/bearssl_ec.h", *declared_m64), ("inc/bearssl_x509.h", "#define BR_X509_BUFSIZE_KEY", "#define BR_FEATURE_X509_TIME_CALLBACK 1\n#define BR_X509_BUFSIZE_KEY")], "", ""))
        for name, change, by_script, by_compiler in cases:
            with self.subTest(name):
                tree, made, sha256 = self.archive(name, change)
                code = 1 if by_script else 0
                self.assertIn(by_script, self.source(self.folder / "out" / name, made, code=code, SHA256=sha256))
                self.assertIn(by_script, self.source(code=code, BEARSSL_SRC=str(tree)))
                said = self.run_program("gcc", "-std=c99", "-fsyntax-only", "-I", ROOT / "include", "-I", tree / "inc", ROOT / "src/tls/profile.c", code=code)
                self.assertIn(by_compiler, said)


class Linked(ConsumerCase):
    def test_the_files_of_bearssl_are_those_that_are_linked(self):
        """And no others, except its licence and headers."""
        needed = bearssl.needed(bearssl_tree(), self.folder / "linked")
        self.assertEqual(needed, bearssl.listed())
        self.assertLess(len(needed), 110)


class Release(ConsumerCase):
    """make dist, and what is made from its archives."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        bearssl_tree()
        cls.archives, cls.again = cls.release("first"), cls.release("second")
        for path, _ in cls.archives:
            cls.run_program("tar", "-xzf", path, "-C", cls.folder)
        cls.plain, cls.with_bearssl = (cls.folder / path.name.removesuffix(".tar.gz") for path, _ in cls.archives)

    def test_two_runs_make_the_same_octets(self):
        self.assertEqual(len(self.archives), 2)
        for (path, sha256), (again, same) in zip(self.archives, self.again):
            self.assertEqual((path.name, sha256), (again.name, same))
            self.assertEqual(self.run_program("sha256sum", path).split()[0], sha256)

    def test_the_archive_has_what_git_has(self):
        listed = self.run_program("git", "ls-files", cwd=ROOT).split("\n")
        self.assertEqual(files_of(self.plain), sorted("/" + name for name in listed if name))

    def test_it_builds_with_its_own_bearssl(self):
        """No other is there: the compiler looks into no folder of the system's BearSSL."""
        place = self.with_bearssl
        self.assertTrue((place / "bearssl/LICENSE.txt").is_file())
        self.run_program("make", "-j2", "-C", place, "all", "CFLAGS=-O0")
        self.assertIn("TLS 1.2 by BearSSL", self.run_program(place / "build/popcl", "--version"))
        self.assertTrue((place / "build/bearssl/libbearssl.a").is_file())
        self.check_program(place / "build/examples/minimal")

    def test_files_for_boards(self):
        """Filled for this version, in the archive that has what they name."""
        for name, text in embedded.with_bearssl().items():
            self.assertEqual((self.with_bearssl / name).read_text(), text)
            self.assertNotRegex(text, r"@[A-Z_]+@")
            self.assertFalse((self.plain / name).exists())

    def test_a_shared_library_is_refused_with_a_way_out(self):
        """The archive's own BearSSL is no part of a shared library; the system's is taken if BEARSSL is empty."""
        said = self.run_program("make", "-n", "-C", self.with_bearssl, "install-lib", "SHARED=1", code=2)
        self.assertIn("give BEARSSL= (empty) too", said)
        said = self.run_program("make", "-n", "-C", self.with_bearssl, "install-lib", "SHARED=1", "BEARSSL=")
        self.assertIn("-lbearssl", said)
        self.assertNotIn("bearssl/libbearssl.a", said)

    def test_the_sbom_has_each_file_with_its_hash(self):
        place = self.with_bearssl
        text = (place / "SBOM.spdx").read_text()
        listed = dict(re.findall(r"^FileName: \./(\S+)\n.*\n.*\nFileChecksum: SHA256: ([0-9a-f]{64})$", text, re.M))
        there = {"bearssl" + name for name in files_of(place / "bearssl")}
        self.assertEqual(set(listed), there)
        for name, sha256 in listed.items():
            self.assertEqual(self.run_program("sha256sum", place / name).split()[0], sha256)
        for line in ("SPDXVersion: SPDX-2.3", "PackageLicenseDeclared: MIT", "Relationship: SPDXRef-popcl CONTAINS SPDXRef-bearssl"):
            self.assertIn(line, text.splitlines())
