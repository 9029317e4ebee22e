# SPDX-License-Identifier: MIT
"""The ways in that docs/ADOPTION.md shows, on a machine where popcl was installed: bare_root.py runs them in its root, a step each. The program is
examples/minimal.c each time, the project around it has what the page shows and no more, and the program fetches from a Dovecot on loopback.

    ways_in.py Installed.test_pkg_config | Installed.test_meson       after `make install`
    ways_in.py Installed.test_find_package                            after `cmake --install`
    ways_in.py Sources.test_add_subdirectory | Sources.test_fetch_content

Prints TAP."""
import pathlib
import sys

sys.dont_write_bytecode = True
from consumer import ROOT, ConsumerCase, shown  # noqa: E402
sys.path.insert(0, str(ROOT / "tests"))
import results  # noqa: E402

PREFIX = pathlib.Path("/usr/local")
CMAKE = "cmake_minimum_required(VERSION 3.16)\nproject(app C)\nadd_executable(app app.c)\n"


class Way(ConsumerCase):
    def built(self, files, *commands):
        """A project with these files, built by these commands: its program works, and is of the one example."""
        place = self.project(self._testMethodName, files)
        for command in commands:
            self.run_program("sh", "-euxc", command, cwd=place)
        self.assertEqual((place / "app.c").read_bytes(), (ROOT / "examples/minimal.c").read_bytes())
        self.check_program(next(path for path in (place / "app", place / "build/app") if path.exists()))
        return place

    def by_cmake(self, way, *options):
        return self.built({"CMakeLists.txt": CMAKE + shown(way)}, " ".join(["cmake -S . -B build", *options]), "cmake --build build -j2")


class Installed(Way):
    """Found at the usual places, so that no path is given."""

    def test_pkg_config(self):
        self.built({}, shown("pkg-config"))

    def test_meson(self):
        self.built({"meson.build": "project('app', 'c')\n" + shown("meson")}, "meson setup build", "ninja -C build")

    def test_find_package(self):
        place = self.by_cmake("find_package")
        self.assertIn(f"popcl_DIR:PATH={PREFIX}/", (place / "build/CMakeCache.txt").read_text())


class Sources(Way):
    """Of the repository, and of an archive that `make dist` makes of it."""

    def test_add_subdirectory(self):
        files = {"CMakeLists.txt": CMAKE + shown("add_subdirectory")}
        self.built(files, f"cp -r {ROOT} popcl && rm -rf popcl/build", "cmake -S . -B build", "cmake --build build -j2")

    def test_fetch_content(self):
        archive, sha256 = self.release()[0]
        self.by_cmake("FetchContent", f"-DPOPCL_ARCHIVE={archive}", f"-DPOPCL_SHA256={sha256}")


if __name__ == "__main__":
    sys.exit(results.main())
