# SPDX-License-Identifier: MIT
"""popcl as a package of distributions. Debian's is built without the network, judged by lintian, and its own tests run on what is in the packages.

The others need a tree that is not here. Their recipes are filled for the archives of `make dist`, and their steps run on such an archive with this
machine's compiler. What their trees define is a few lines of make or shell here, each after the upstream file that it names.
"""
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest

from consumer import BUILD as B, HANGS, ROOT, without_network
import project

VERSION = project.values()["VERSION"]
QUICK = "-O0"

# package/pkg-generic.mk and package/Makefile.in of Buildroot 2024.02.
BUILDROOT = """
TARGET_MAKE_ENV = PATH="$(PATH)"
TARGET_CONFIGURE_OPTS = CC="gcc" AR="ar" CFLAGS="%(flags)s" CPPFLAGS="-D_LARGEFILE_SOURCE" LDFLAGS=""
define generic-package
$(BUILD)/.built:
	$$(POPCL_BUILD_CMDS)
$(BUILD)/.staged: $(BUILD)/.built
	$$(POPCL_INSTALL_STAGING_CMDS)
$(BUILD)/.installed: $(BUILD)/.staged
	$$(POPCL_INSTALL_TARGET_CMDS)
endef
include %(recipe)s
show:
	@echo '$(POPCL_SITE)/popcl-$(POPCL_VERSION).tar.gz $(POPCL_LICENSE) $(POPCL_LICENSE_FILES) $(POPCL_DEPENDENCIES)'
"""
# rules.mk and include/package-defaults.mk of OpenWrt 23.05.
OPENWRT_RULES = """
BUILD_DIR:=%(build)s
INSTALL_DIR:=install -d -m0755
INSTALL_BIN:=install -m0755
MAKE_FLAGS:=CC="gcc" AR="ar" CROSS="" ARCH="x86_64"
MAKE_VARS:=CFLAGS="%(flags)s" LDFLAGS=""
"""
OPENWRT_PACKAGE = """
define Build/Compile/Default
	+$(MAKE_VARS) $(MAKE) $(PKG_JOBS) -C $(PKG_BUILD_DIR)/$(MAKE_PATH) $(MAKE_FLAGS) $(1);
endef
define BuildPackage
$(eval $(call Package/$(1)))
compile:
	$$(Build/Compile)
dev: compile
	$$(call Build/InstallDev,$(BUILD_DIR)/dev)
install: dev
	$$(call Package/$(1)/install,$(BUILD_DIR)/target)
show:
	@echo '$(PKG_SOURCE_URL)/$(PKG_SOURCE) $(PKG_HASH) $(PKG_LICENSE) $(PKG_LICENSE_FILES) $(SECTION) $(DEPENDS)'
endef
"""
# meta/conf/bitbake.conf and meta/classes-global/base.bbclass of Yocto 4.0.
BITBAKE = {"prefix": "/usr", "bindir": "/usr/bin", "libdir": "/usr/lib", "includedir": "/usr/include", "mandir": "/usr/share/man", "datadir": "/usr/share",
           "PN": "popcl", "PV": VERSION}
# What nixpkgs gives to a package: lib, stdenv, fetchurl.
NIX = """
let
  lib = { licenses = { mit = "MIT"; }; platforms = { unix = [ ]; }; };
  stdenv = { mkDerivation = what: what; };
  made = import %s { inherit lib stdenv; fetchurl = what: what; bearssl = "bearssl"; };
in "${made.pname} ${made.version} ${made.src.url} ${made.src.sha256} ${made.meta.license} ${toString made.buildInputs} ${toString made.makeFlags} ${toString made.buildFlags}"
"""


def run(command, **more):
    """All output of a command that must succeed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=HANGS, **more)
    if done.returncode:
        raise AssertionError("\n".join([f"{command} ended with {done.returncode}", *done.stdout.splitlines()[-40:]]))
    return done.stdout


def needs(*programs):
    missing = [program for program in programs if not shutil.which(program)]
    return unittest.skipIf(missing, f"missing: {' '.join(missing)}")


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)


@needs("dpkg-buildpackage", "dh", "lintian")
class Debian(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # The tests that debian/rules runs are parts of `make check`, and take minutes.
        run([*without_network(), sys.executable, ROOT / "packaging/deb.py", cls.folder / "deb"], env={**os.environ, "DEB_BUILD_OPTIONS": "nocheck parallel=2"})
        cls.deb = cls.folder / "deb"
        cls.root = cls.folder / "root"
        for path in cls.packages():
            run(["dpkg-deb", "-x", path, cls.root])

    @classmethod
    def packages(cls):
        return sorted(path for path in cls.deb.glob("*.deb") if "dbgsym" not in path.name)

    def field(self, package, name):
        path, = [path for path in self.packages() if path.name.startswith(package + "_")]
        return run(["dpkg-deb", "-f", path, name]).strip()

    def test_three_packages_of_one_source(self):
        self.assertEqual({path.name.split("_")[0] for path in self.packages()}, {"libpopcl-dev", "popcl", "popcl-ta"})
        for package in ("libpopcl-dev", "popcl", "popcl-ta"):
            self.assertEqual((self.field(package, "Source") or package, self.field(package, "Homepage")), ("popcl" if package != "popcl" else package, project.values()["URL"]))
        self.assertEqual(self.field("libpopcl-dev", "Multi-Arch"), "same")
        self.assertIn("libbearssl0", self.field("popcl", "Depends"))
        self.assertTrue(list(self.deb.glob("*.dsc")))

    def test_lintian_has_no_warning(self):
        changes, = self.deb.glob("*.changes")
        self.assertNotRegex(run(["lintian", "--fail-on", "warning", changes]), r"(?m)^[EW]: ")

    def test_its_own_tests(self):
        """debian/tests, which autopkgtest runs where the packages are installed; here they are unpacked."""
        tests = sorted(path for path in (self.deb / f"popcl-{VERSION}/debian/tests").iterdir() if path.name != "control")
        self.assertEqual([path.name for path in tests], ["fetch", "library", "trust-anchors"])
        config, = self.root.glob("usr/lib/*/pkgconfig")
        scratch = self.folder / "scratch"
        scratch.mkdir()
        environment = {**os.environ, "PATH": f"{self.root}/usr/bin:{os.environ['PATH']}", "PKG_CONFIG_PATH": str(config), "PKG_CONFIG_SYSROOT_DIR": str(self.root),
                       "AUTOPKGTEST_TMP": str(scratch)}
        for path in tests:
            with self.subTest(path.name):
                self.assertTrue(os.access(path, os.X_OK))
                run([path], cwd=self.deb / f"popcl-{VERSION}", env=environment)

    def test_watch_finds_the_release(self):
        pattern = (self.deb / f"popcl-{VERSION}/debian/watch").read_text().split()[-1]
        self.assertEqual(re.fullmatch(pattern, f"popcl-{VERSION}.tar.gz").group(1), VERSION)
        self.assertIsNone(re.fullmatch(pattern, f"popcl-{VERSION}-with-bearssl.tar.gz"))


class Recipe(Case):
    """A recipe, and the archive that it is for, unpacked."""

    archive = f"popcl-{VERSION}"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with open(B / "recipes.lock", "w", encoding="utf-8") as lock:  # classes run at the same time
            fcntl.flock(lock, fcntl.LOCK_EX)
            run(["make", "--no-print-directory", "-C", ROOT, "recipes", f"B={B}"])
            shutil.copytree(B / "recipes", cls.folder / "recipes")
            with tarfile.open(B / "dist" / f"{cls.archive}.tar.gz") as tar:
                tar.extractall(cls.folder)
            cls.digest = hashlib.sha256((B / "dist" / f"{cls.archive}.tar.gz").read_bytes()).hexdigest()
        cls.tree = cls.folder / cls.archive

    def check_program(self, path):
        self.assertIn(VERSION, run([path, "--version"]))

    def make(self, text, *goals):
        makefile = self.folder / "Makefile"
        makefile.write_text(text)
        return run([*without_network(), "make", "-s", "-j2", "-f", makefile, f"BUILD={self.tree}", f"STAGING_DIR={self.folder}/staging", f"TARGET_DIR={self.folder}/target", *goals])


class Buildroot(Recipe):
    def text(self):
        return BUILDROOT % {"flags": QUICK, "recipe": self.folder / "recipes/buildroot/popcl.mk"}

    def test_it_builds_and_installs(self):
        self.make(self.text(), f"{self.tree}/.installed")
        self.check_program(self.folder / "target/usr/bin/popcl")
        self.check_program(self.folder / "target/usr/bin/popcl-ta")
        self.assertTrue((self.folder / "staging/usr/lib/libpopcl.a").exists())
        self.assertTrue((self.folder / "staging/usr/include/popcl_fetch.h").exists())
        self.assertFalse((self.folder / "target/usr/include").exists())

    def test_fields_and_hashes(self):
        values = project.values()
        self.assertEqual(self.make(self.text(), "show").strip(), f"{values['SOURCE_URL']}/popcl-{VERSION}.tar.gz {values['LICENSE']} LICENSE bearssl")
        rows = dict(reversed(line.split()[1:]) for line in (self.folder / "recipes/buildroot/popcl.hash").read_text().splitlines() if line[0] != "#")
        self.assertEqual(rows, {f"popcl-{VERSION}.tar.gz": self.digest, "LICENSE": hashlib.sha256((self.tree / "LICENSE").read_bytes()).hexdigest()})

    def test_the_form_of_config_in(self):
        """Of Buildroot's manual: one tab, the text of help with two spaces more, 72 columns with tabs of 8."""
        lines = (self.folder / "recipes/buildroot/Config.in").read_text().splitlines()
        self.assertEqual(lines[0], "config BR2_PACKAGE_POPCL")
        self.assertIn("\tselect BR2_PACKAGE_BEARSSL", lines)
        for line in lines[1:]:
            self.assertRegex(line, r"\A(\t(bool|depends on|select|help)\b.*|\t  \S.*|)\Z")
            self.assertLessEqual(len(line.expandtabs()), 80 if "://" in line else 72, line)


class OpenWrt(Recipe):
    archive = f"popcl-{VERSION}-with-bearssl"

    def make_recipe(self, *goals):
        tree = self.folder / "openwrt"
        (tree / "include").mkdir(parents=True, exist_ok=True)
        (tree / "rules.mk").write_text(OPENWRT_RULES % {"build": self.folder, "flags": QUICK})
        (tree / "include/package.mk").write_text(OPENWRT_PACKAGE)
        return run([*without_network(), "make", "-s", "-j2", "-f", self.folder / "recipes/openwrt/Makefile", f"TOPDIR={tree}", f"INCLUDE_DIR={tree}/include", *goals])

    def test_it_builds_with_the_bearssl_of_the_archive(self):
        self.make_recipe("install")
        program = self.folder / "target/usr/bin/popcl"
        self.check_program(program)
        self.assertNotIn("bearssl", run(["ldd", program]))
        self.assertTrue((self.folder / "dev/usr/lib/libpopcl.a").exists())
        self.assertTrue((self.folder / "dev/usr/lib/pkgconfig/popcl.pc").exists())

    def test_fields_and_hash(self):
        values = project.values()
        words = self.make_recipe("show").split()
        self.assertEqual(words, [f"{values['SOURCE_URL']}/{self.archive}.tar.gz", self.digest, values["LICENSE"], "LICENSE", "bearssl/LICENSE.txt", "mail", "+ca-bundle"])
        for name in words[3:5]:
            self.assertTrue((self.tree / name).is_file(), name)


class Yocto(Recipe):
    def recipe(self):
        """({variable: value}, {function: body}), with the few forms that this recipe has."""
        text = (self.folder / f"recipes/yocto/popcl_{VERSION}.bb").read_text()
        variables = dict(re.findall(r'^([\w:${}\[\]-]+) *\+?= *\+?"(.*)"$', text, re.M))
        functions = dict(re.findall(r"^(\w+)\(\) \{\n(.*?)^\}$", text, re.M | re.S))
        rest = re.sub(r"^\w+\(\) \{\n.*?^\}$", "", text, flags=re.M | re.S).splitlines()
        self.assertEqual([line for line in rest if line and line[0] != "#" and not re.match(r'[\w:${}\[\]-]+ *(\+=|=\+|=) *".*"$', line)], [])
        text_of = lambda value: re.sub(r"\$\{(\w+)\}", lambda name: BITBAKE.get(name[1], name[0]), value)  # noqa: E731
        return {name: text_of(value) for name, value in variables.items()}, {name: text_of(body) for name, body in functions.items()}

    def test_it_builds_and_installs(self):
        variables, functions = self.recipe()
        script = (f"set -e\noe_runmake() {{ make -s -j2 CFLAGS={QUICK} {variables['EXTRA_OEMAKE']} \"$@\"; }}\nD={self.folder}/image\n" +
                  functions["do_compile"] + functions["do_install"])
        run([*without_network(), "sh", "-c", script], cwd=self.tree)
        for name in ("popcl", "popcl-ta"):
            self.check_program(self.folder / "image/usr/bin" / name)
        self.assertTrue((self.folder / "image/usr/lib/libpopcl.a").exists())
        packed = [variables[name] for name in variables if name.startswith("FILES:")]
        beside = {path.name for path in (self.folder / "image/usr/share").iterdir()} - {"man"}  # bitbake packs manual pages by itself
        self.assertEqual({word.rsplit("/", 1)[1] for row in packed for word in row.split() if "/share/" in word}, beside)

    def test_fields_and_hashes(self):
        variables, _ = self.recipe()
        values = project.values()
        self.assertEqual(variables["SRC_URI"], f"{values['SOURCE_URL']}/popcl-{VERSION}.tar.gz")
        self.assertEqual(variables["SRC_URI[sha256sum]"], self.digest)
        self.assertEqual(variables["LIC_FILES_CHKSUM"], "file://LICENSE;md5=" + hashlib.md5((self.tree / "LICENSE").read_bytes()).hexdigest())
        self.assertEqual((variables["LICENSE"], variables["DEPENDS"], variables["HOMEPAGE"]), (values["LICENSE"], "bearssl", values["URL"]))


@needs("nix-instantiate")
class Nix(Recipe):
    def test_it_is_evaluated(self):
        values = project.values()
        environment = {**os.environ, **{f"NIX_{name}": str(self.folder / "nix") for name in ("STORE_DIR", "STATE_DIR", "LOG_DIR", "CONF_DIR")}}
        text = run(["nix-instantiate", "--eval", "--expr", NIX % (self.folder / "recipes/nix/default.nix")], env=environment).splitlines()[-1]
        self.assertEqual(text.replace("\\$", "$"), f'"popcl {VERSION} {values["SOURCE_URL"]}/popcl-{VERSION}.tar.gz {self.digest} {values["LICENSE"]} bearssl '
                         'PREFIX=$(out) BEARSSL_LIBS=-lbearssl command"')
