# SPDX-License-Identifier: MIT
"""popcl in projects of Meson: installed and found by pkg-config, and as a subproject with BearSSL as another."""
import shutil

from consumer import ARM, DEVICE, ROOT, ConsumerCase, bearssl_tree, shown

PROJECT = "project('app', 'c', default_options: ['warning_level=3', 'werror=true'])\n" + shown("meson")
CROSS = """[binaries]
c = 'arm-none-eabi-gcc'
ar = 'arm-none-eabi-ar'
strip = 'arm-none-eabi-strip'
[built-in options]
c_args = [%(flags)s, '-Os', '--specs=picolibc.specs']
c_link_args = [%(flags)s, '--specs=picolibc.specs', '-Wl,--gc-sections']
[host_machine]
system = 'none'
cpu_family = 'arm'
cpu = 'cortex-m3'
endian = 'little'
"""


def with_options(one):
    return PROJECT.replace("'popcl'", f"'popcl', default_options: ['{one}']")


class MesonCase(ConsumerCase):
    @classmethod
    def setup(cls, source, build, *words, env=None, code=0):
        return cls.run_program("meson", "setup", build, source, "--wrap-mode=nodownload", *words, env=env, code=code)

    @classmethod
    def build(cls, build, *targets):
        return cls.run_program("ninja", "-C", build, "-j2", *targets)


class Installed(MesonCase):
    def test_a_project_finds_it_by_pkg_config(self):
        prefix = self.folder / "prefix"
        self.setup(ROOT, self.folder / "popcl", f"--prefix={prefix}", "--libdir=lib", "-Dtext_keep=32")
        self.build(self.folder / "popcl", "install")
        self.assertIn("TLS 1.2 by BearSSL", self.run_program(prefix / "bin/popcl", "--version"))
        place = self.project("app", {"meson.build": PROJECT})
        env = {"PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig")}
        self.assertIn("-DPOPCL_TEXT_KEEP=32", self.run_program("pkg-config", "--cflags", "popcl", env=env))
        self.setup(place, place / "build", env=env)
        self.build(place / "build")
        self.check_program(place / "build/app")
        self.setup(place, place / "other", code=1, env={"PKG_CONFIG_PATH": "", "PKG_CONFIG_LIBDIR": str(self.folder)})


class Subproject(MesonCase):
    def test_a_program_for_this_machine(self):
        place = self.project("app", {"meson.build": with_options("apop=false")})
        (place / "subprojects").mkdir()
        (place / "subprojects/popcl").symlink_to(ROOT)
        self.setup(place, place / "build")
        self.build(place / "build", "app")
        self.check_program(place / "build/app")
        self.assertFalse(list((place / "build").rglob("popcl-ta")))

    def test_a_program_for_cortex_m3(self):
        """With BearSSL as a subproject, by packaging/meson/bearssl."""
        place = self.project("device", {"meson.build": with_options("port=none").replace("app.c", "device.c"), "device.c": DEVICE,
                                        "cross": CROSS % {"flags": ", ".join(f"'{flag}'" for flag in ARM)}})
        (place / "subprojects").mkdir()
        (place / "subprojects/popcl").symlink_to(ROOT)
        shutil.copytree(bearssl_tree(), place / "subprojects/bearssl")
        shutil.copy(ROOT / "packaging/meson/bearssl/meson.build", place / "subprojects/bearssl")
        self.setup(place, place / "build", f"--cross-file={place}/cross")
        self.assertNotIn("-fPIC", (place / "build/build.ninja").read_text())
        self.build(place / "build", "app")
        flash = sum(int(word) for word in self.run_program("arm-none-eabi-size", place / "build/app").splitlines()[1].split()[:2])
        self.assertTrue(20_000 < flash < 60_000, flash)
