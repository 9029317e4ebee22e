# SPDX-License-Identifier: MIT
"""popcl in projects of CMake: find_package, add_subdirectory and FetchContent; BearSSL of the system, of the project, of a tree, of an archive;
a build for Cortex-M. docs/ADOPTION.md shows these ways."""
import re

from consumer import ARM, BUILD, DEVICE, ROOT, ConsumerCase, bearssl_tree, shown

STRICT = "-Wall;-Wextra;-Wpedantic;-Wconversion;-Wsign-conversion;-Wundef;-Wshadow;-Werror"  # of the project around popcl: headers must bear it
HEAD = "cmake_minimum_required(VERSION 3.16)\nproject(app C)\n"
APP = HEAD + "add_executable(app app.c)\ntarget_compile_options(app PRIVATE -Wall -Wextra -Werror)\n"
# What a project's own settings are before and after popcl.
SETTINGS = "CMAKE_C_FLAGS CMAKE_BUILD_TYPE CMAKE_C_STANDARD CMAKE_C_EXTENSIONS CMAKE_POSITION_INDEPENDENT_CODE CMAKE_MODULE_PATH BUILD_SHARED_LIBS CMAKE_C_VISIBILITY_PRESET"
BEFORE = f'set(CMAKE_C_FLAGS "-O0 -fno-common")\nset(CMAKE_C_STANDARD 11)\nforeach(one {SETTINGS})\n  set(before_${{one}} "${{${{one}}}}")\nendforeach()\n'
AFTER = f'foreach(one {SETTINGS})\n  if(NOT "${{before_${{one}}}}" STREQUAL "${{${{one}}}}")\n    message(FATAL_ERROR "popcl changes ${{one}}: ${{${{one}}}}")\n  endif()\nendforeach()\n'
HEADERS_ALONE = '#include "popcl_fetch.h"\n#include "popcl_posix_store.h"\n#include "popcl_tls.h"\n#include "popcl_posix_trust.h"\nextern int unused;\n'


class CMakeCase(ConsumerCase):
    @classmethod
    def configure(cls, source, build, *words, code=0):
        return cls.run_program("cmake", "-G", "Ninja", "-S", source, "-B", build, "-DFETCHCONTENT_FULLY_DISCONNECTED=OFF", *words, code=code)

    @classmethod
    def build(cls, build, *targets):
        return cls.run_program("ninja", "-C", build, "-j2", *targets)


class FindPackage(CMakeCase):
    """Installed, then found."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.prefix = cls.folder / "prefix"
        cls.configure(ROOT, cls.folder / "popcl", f"-DCMAKE_INSTALL_PREFIX={cls.prefix}", "-DPOPCL_BUILD_EXAMPLES=ON")
        cls.build(cls.folder / "popcl", "install")

    def test_a_project_finds_it(self):
        place = self.project("app", {"CMakeLists.txt": APP + BEFORE + shown("find_package") + AFTER
                                     + f'add_library(strict OBJECT strict.c)\ntarget_compile_options(strict PRIVATE "{STRICT}")\ntarget_link_libraries(strict popcl::popcl)\n',
                                     "strict.c": HEADERS_ALONE})
        self.configure(place, place / "build", f"-DCMAKE_PREFIX_PATH={self.prefix}")
        self.build(place / "build")
        self.check_program(place / "build/app")

    def test_the_commands_and_the_examples(self):
        self.assertIn("TLS 1.2 by BearSSL", self.run_program(self.prefix / "bin/popcl", "--version"))
        self.run_program(self.prefix / "bin/popcl-ta", "--help")
        self.assertTrue((self.prefix / "share/man/man1/popcl.1").is_file())
        self.check_program(self.folder / "popcl/minimal")
        for path in [*ROOT.glob("examples/*.c"), *ROOT.glob("examples/*.cpp")]:
            self.assertTrue((self.folder / "popcl" / path.stem).is_file(), path.name)

    def test_another_version_is_not_taken(self):
        for version in ("0.2", "1.0"):
            place = self.project("version-" + version, {"CMakeLists.txt": HEAD + f"find_package(popcl {version} REQUIRED)\n"})
            said = self.configure(place, place / "build", f"-DCMAKE_PREFIX_PATH={self.prefix}", code=1)
            self.assertIn("compatible with requested version", " ".join(said.split()))


class AddSubdirectory(CMakeCase):
    def test_clear_text_only_with_the_projects_bearssl(self):
        """No source of TLS is compiled, settings reach the project, and a target `bearssl` is taken."""
        text = (APP + "add_library(bearssl INTERFACE)\ntarget_include_directories(bearssl SYSTEM INTERFACE /usr/include/bearssl)\n"
                "target_link_libraries(bearssl INTERFACE -lbearssl)\nset(POPCL_APOP OFF CACHE BOOL \"\")\nset(POPCL_TEXT_KEEP 32 CACHE STRING \"\")\n"
                "set(POPCL_TLS OFF CACHE BOOL \"\")\n" + BEFORE + shown("add_subdirectory") + AFTER)
        place = self.project("app", {"CMakeLists.txt": text})
        (place / "popcl").symlink_to(ROOT)
        self.configure(place, place / "build", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON")
        self.build(place / "build")
        commands = (place / "build/compile_commands.json").read_text()
        self.assertIn("src/core/fetch.c", commands)
        self.assertNotIn("src/tls/", commands)
        self.assertNotIn("src/tools/", commands)
        self.assertEqual(len(re.findall("-DPOPCL_TEXT_KEEP=32", commands)), len(re.findall('"file":', commands)))
        self.assertIn("popcl_start_text32", self.run_program("nm", place / "build/popcl/libpopcl.a"))
        self.check_program(place / "build/app")
        self.assertFalse((place / "build/popcl/popcl-config.cmake").exists())

    def test_clang(self):
        """With the warnings that a project of its own asks for as errors."""
        place = self.project("clang", {"CMakeLists.txt": APP + BEFORE + shown("add_subdirectory") + AFTER})
        (place / "popcl").symlink_to(ROOT)
        self.configure(place, place / "build", "-DCMAKE_C_COMPILER=clang", "-DCMAKE_C_FLAGS=-Wall -Wextra -Wpedantic -Werror")
        self.build(place / "build")
        self.check_program(place / "build/app")

    def test_ports(self):
        """Each value of POPCL_PORT that the message lists compiles, with the stubs of the suite for ports in place of a stack; those of lwIP are below."""
        text = (ROOT / "CMakeLists.txt").read_text()
        listed = re.split(", | and ", re.search(r"is none of (.*)\.\"\)", text)[1])
        stub = ROOT / "tests/port/freertos-tcp"
        for port in listed:
            if port.startswith("lwip-"):
                continue
            with self.subTest(port):
                place = self.project(f"port-{port}", {"CMakeLists.txt": HEAD + "add_library(freertos_plus_tcp INTERFACE)\n"
                                     f"target_include_directories(freertos_plus_tcp INTERFACE {stub} {stub}/stub)\nadd_subdirectory({ROOT} popcl)\n"})
                words = f"-DPOPCL_PORT={port}", "-DPOPCL_TLS=OFF", f"-DCMAKE_INSTALL_PREFIX={place}/prefix", "-DPOPCL_INSTALL=ON"
                self.configure(place, place / "build", *words)
                self.build(place / "build")
                members = self.run_program("ar", "t", place / "build/popcl/libpopcl.a").split()
                self.assertEqual("net.c.o" in members, port != "none", members)

    def test_what_is_wrong_is_named(self):
        place = self.project("wrong", {"CMakeLists.txt": HEAD + f"add_subdirectory({ROOT} popcl)\n"})
        for word, said in (("-DPOPCL_PORT=windows", "POPCL_PORT=windows is none of posix"), ("-DPOPCL_PORT=freertos-tcp", "needs the target freertos_plus_tcp"),
                           (f"-DPOPCL_BEARSSL_DIR={self.folder}", "is no source tree of BearSSL"),
                           ("-DCMAKE_DISABLE_FIND_PACKAGE_BearSSL=ON", "BearSSL is not found. Install it")):
            with self.subTest(word):
                self.run_program("rm", "-rf", place / "build")
                self.assertIn(said, " ".join(self.configure(place, place / "build", word, code=1).split()))


class Fetched(CMakeCase):
    """FetchContent of a release's archive, by path."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        bearssl_tree()
        cls.archives = cls.release()

    def test_fetch_content(self):
        """The archive with BearSSL, so that nothing else is needed."""
        archive, sha256 = next(one for one in self.archives if "with-bearssl" in one[0].name)
        place = self.project("app", {"CMakeLists.txt": APP + BEFORE + shown("FetchContent") + AFTER})
        words = f"-DPOPCL_ARCHIVE={archive}", "-DCMAKE_DISABLE_FIND_PACKAGE_BearSSL=ON"
        self.configure(place, place / "build", *words, f"-DPOPCL_SHA256={sha256}")
        self.build(place / "build", "app")
        self.assertTrue(list((place / "build").rglob("libpopcl-bearssl.a")))
        self.check_program(place / "build/app")
        self.configure(place, place / "wrong", *words, f"-DPOPCL_SHA256={'0' * 64}", code=1)

    def test_bearssl_of_an_archive(self):
        """It goes by its hash: that of 0.6, or one that is given."""
        tree = bearssl_tree()
        made = self.folder / "bearssl.tar.gz"
        self.run_program("tar", "-czf", made, "-C", tree.parent, tree.name)
        sha256 = self.run_program("sha256sum", made).split()[0]
        words = f"-DPOPCL_BEARSSL_ARCHIVE={made}", "-DPOPCL_BUILD_TOOLS=OFF"
        self.assertRegex(self.configure(ROOT, self.folder / "bad", *words, code=1), "HASH mismatch|hash mismatch|does not match")
        self.configure(ROOT, self.folder / "good", *words, f"-DPOPCL_BEARSSL_SHA256={sha256}")
        self.build(self.folder / "good", "libpopcl.a")


class CortexM(CMakeCase):
    """For a processor without a system: CMAKE_SYSTEM_NAME Generic, BearSSL of a tree."""

    TOOLCHAIN = ("set(CMAKE_SYSTEM_NAME Generic)\nset(CMAKE_SYSTEM_PROCESSOR arm)\nset(CMAKE_C_COMPILER arm-none-eabi-gcc)\n"
                 f'set(CMAKE_C_FLAGS_INIT "{" ".join(ARM)} -Os --specs=picolibc.specs")\nset(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)\n')

    def test_the_ports_for_lwip(self):
        """Compiled with lwIP's own headers, and the settings of examples/firmware."""
        lwip = self.run_program("sh", ROOT / "tests/source.sh", "lwip", BUILD).strip()
        place = self.project("lwip", {"CMakeLists.txt": HEAD + "add_compile_definitions(RECORD=4096 IPV6=0 STATS=0 NO_SYS=${NO_SYS})\n"
                                      + f"add_subdirectory({ROOT} popcl)\n", "toolchain.cmake": self.TOOLCHAIN})
        words = f"-DCMAKE_TOOLCHAIN_FILE={place}/toolchain.cmake", f"-DPOPCL_BEARSSL_DIR={bearssl_tree()}"
        headers = f"-DPOPCL_LWIP_INCLUDE_DIRS={lwip}/src/include;{ROOT}/examples/firmware"
        for port, alone in (("raw", 1), ("sockets", 0)):
            build = place / port
            self.configure(place, build, *words, headers, f"-DPOPCL_PORT=lwip-{port}", f"-DNO_SYS={alone}")
            self.build(build, f"popcl/CMakeFiles/popcl.dir/port/lwip/{port}.c.obj")

    def test_a_program_for_cortex_m3(self):
        text = HEAD + f"add_subdirectory({ROOT} popcl)\nadd_executable(device device.c)\ntarget_link_options(device PRIVATE -Wl,--gc-sections)\ntarget_link_libraries(device popcl::popcl)\n"
        place = self.project("device", {"CMakeLists.txt": text, "toolchain.cmake": self.TOOLCHAIN, "device.c": DEVICE})
        self.configure(place, place / "build", f"-DCMAKE_TOOLCHAIN_FILE={place}/toolchain.cmake", f"-DPOPCL_BEARSSL_DIR={bearssl_tree()}",
                       "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON")
        commands = (place / "build/compile_commands.json").read_text()
        self.assertNotIn("-fPIC", commands)
        self.assertNotIn("port/posix", commands)
        self.assertNotIn("_FILE_OFFSET_BITS", commands)
        self.build(place / "build")
        flash = sum(int(word) for word in self.run_program("arm-none-eabi-size", place / "build/device").splitlines()[1].split()[:2])
        self.assertTrue(20_000 < flash < 60_000, flash)
        data = self.run_program("arm-none-eabi-size", place / "build/popcl/libpopcl.a")
        self.assertEqual([line for line in data.splitlines()[1:] if line.split()[1] != "0"], [])  # tables are constants
