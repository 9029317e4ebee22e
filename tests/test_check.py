# SPDX-License-Identifier: MIT
"""check.py and what it leans on: a run passes only if it came to its end with the results that it planned, and what failed is shown."""
import contextlib
import io
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import blocks
import cov
import lint
import readme
import results

HERE = pathlib.Path(__file__).resolve().parent


def shell(text):
    return ["--", "sh", "-c", text]


class Part(unittest.TestCase):
    """What `check.py part` makes of programs: here lines of shell."""

    def part(self, *words):
        done = subprocess.run([sys.executable, str(HERE / "check.py"), "part", "some", *words], capture_output=True, text=True, check=False)
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout.splitlines()

    def assert_fails(self, text, why, *words):
        status, lines = self.part(*words, *shell(text))
        self.assertEqual(status, 1, lines)
        self.assertTrue(any(line.startswith("not ok") and why in line for line in lines), lines)

    def test_results_of_several_programs_become_one_stream(self):
        status, lines = self.part(*shell("echo 1..2; echo ok 1 - a; echo ok 2 - b"), *shell("echo ok - c; echo said; echo 1..1"))
        self.assertEqual(status, 0)
        self.assertEqual([line.split(": ")[-1] for line in lines if line.startswith("ok")], ["a", "b", "c"])
        self.assertEqual([line.split()[1] for line in lines if line.startswith("ok")], ["1", "2", "3"])
        self.assertEqual(lines[-2:], ["1..3", "# some: 3 passed, 0 failed"])
        self.assertNotIn("# said", lines)

    def test_a_failure_shows_what_was_printed(self):
        status, lines = self.part(*shell("echo 1..2; echo not ok 1 - a; echo '# why'; echo more >&2; echo ok 2 - b; exit 1"))
        self.assertEqual(status, 1)
        self.assertEqual([line.split(": ")[-1] for line in lines[:4]], ["a", "# why", "# more", "b"])
        self.assertEqual(lines[-1], "# some: 1 passed, 1 failed")

    def test_a_skip_counts_as_such_and_keeps_its_reason(self):
        status, lines = self.part(*shell("echo 'ok 1 - a # SKIP no root'; echo 'not ok 2 # SKIP b'; echo 'ok 3 - x \\# y'; echo 1..3"))
        self.assertEqual(status, 0)
        self.assertIn("a # SKIP no root", lines[0])
        self.assertEqual(lines[-1], "# some: 1 passed, 0 failed, 2 skipped")

    def test_what_dies_hangs_or_prints_too_little_fails(self):
        self.assert_fails("echo 1..3; echo ok 1; echo ok 2", "2 results of 3 planned")
        self.assert_fails("echo 1..1; echo ok 1; echo ok 2", "2 results of 1 planned")
        self.assert_fails("echo ok 1; kill -9 $$", "no plan")
        self.assert_fails("echo 1..1; echo ok 1; kill -9 $$", "exit status -9")
        self.assert_fails("echo 1..1; echo ok 1; exit 3", "exit status 3")
        self.assert_fails("echo 1..1; echo ok 1; echo 1..1; echo ok 1", "several plans")
        self.assert_fails("echo 1..0", "0 results of 0 planned")
        self.assert_fails("true", "no plan")
        self.assert_fails("echo 1..1; echo ok 1; exec sleep 100", "hangs", "--seconds", "1")

    def test_no_programs_are_a_failure(self):
        self.assertEqual(self.part(), (1, ["1..0", "# some: no programs found"]))

    def test_a_wrapper_goes_in_front(self):
        status, lines = self.part("--wrap", "env THERE=1..1", *shell("echo ok; echo $THERE"))
        self.assertEqual((status, lines[-1]), (0, "# some: 1 passed, 0 failed"))


class All(unittest.TestCase):
    """What `check.py all` makes of the output of parts; make is a script."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="check"))
        self.addCleanup(shutil.rmtree, self.folder)

    def all(self, build="", **parts):
        """build: what building does, with the goal in $2. Each part has to be built before."""
        make = self.folder / "make"
        cases = "".join(f'check-{name}) [ -e built-{name} ] && [ "$3" = BUILT=1 ] || exit 9; {script} ;;\n' for name, script in parts.items())
        make.write_text(f"#!/bin/sh\ncd {self.folder} || exit 9\ncase $2 in\nbuilt-*) {build}\n: > $2 ;;\n{cases}esac\n")
        make.chmod(0o755)
        done = subprocess.run([sys.executable, str(HERE / "check.py"), "all", str(make), *parts], capture_output=True, text=True, check=False)
        self.assertEqual(done.stderr, "")
        return done.returncode, re.sub(r"\(\d+ s\)", "(N s)", done.stdout)

    def test_sums_and_what_is_not_plainly_ok(self):
        status, said = self.all(a="echo ok 1 - fine; echo 'ok 2 - odd # SKIP no root'; echo '# note'; echo 1..2", b="echo ok 1 - good; echo 1..1")
        self.assertEqual((status, said.splitlines()[-1]), (0, "2 passed, 0 failed, 1 skipped"))
        for line in ("ok 2 - odd # SKIP no root\n", "# note\n", "a: 1 passed, 0 failed, 1 skipped (N s)\n", "b: 1 passed, 0 failed (N s)\n"):
            self.assertIn(line, said)
        self.assertNotIn("fine", said)

    def test_a_part_that_does_not_build_or_end_fails(self):
        status, said = self.all(a="echo ok 1 - fine; echo not ok 2 - broken; echo 1..2; exit 1", b="echo 'Error 1'; exit 2")
        self.assertEqual((status, said.splitlines()[-1]), (1, "1 passed, 2 failed"))
        self.assertIn("a: 1 passed, 1 failed (N s)\n    not ok - broken\nb:", said)
        self.assertIn("Error 1\nnot ok - b: no plan", said)

    def test_a_part_whose_build_fails_is_not_run(self):
        status, said = self.all("[ $2 = built-a ] || { echo 'no such header'; exit 2; }", a="echo ok 1 - fine; echo 1..1",
                                b="echo ok 1 - stale; echo 1..1")
        self.assertEqual((status, said.splitlines()[-1]), (1, "1 passed, 1 failed"))
        self.assertIn("no such header\nnot ok - b: no plan", said)

    def test_one_part_builds_at_a_time(self):
        fine = "echo ok 1; echo 1..1"
        # mkdir fails if another build has the folder.
        status, said = self.all("mkdir one || exit 2; sleep 0.2; rmdir one", a=fine, b=fine, c=fine, d=fine)
        self.assertEqual((status, said.splitlines()[-1]), (0, "4 passed, 0 failed"), said)

    def test_parts_run_beside_each_other(self):
        meet = ": > {}; for _ in $(seq 100); do [ -e {} ] && break; sleep 0.1; done; [ -e {} ] && echo ok; echo 1..1"
        if (os.cpu_count() or 1) < 2:
            self.skipTest("one processor")
        status, said = self.all(a=meet.format("a", "b", "b"), b=meet.format("b", "a", "a"))
        self.assertEqual((status, said.splitlines()[-1]), (0, "2 passed, 0 failed"), said)


class Python(unittest.TestCase):
    """results.py: what tests in Python print."""

    def said(self, program):
        env = {**os.environ, "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False)
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout.splitlines()

    def test_results(self):
        lines = ["ok 1 - a \\# b", "not ok 2 - c", "# because", "# of d", "ok 3 - e # SKIP not here", "1..3"]
        program = "from results import Results; r = Results(); r.add('a # b'); r.add('c', 'because\\nof d'); r.add('e', skip='not here'); exit(r.end())"
        self.assertEqual(self.said(program), (1, lines))

    def test_a_failed_subtest_fails_its_test(self):
        program = """import results, unittest
class T(unittest.TestCase):
    def test_some_rows(self):
        for row in 1, 2:
            with self.subTest(row):
                self.assertEqual(row, 1)
    def test_skipped(self):
        self.skipTest('why')
exit(results.main())"""
        status, lines = self.said(program)
        self.assertEqual((status, lines[-1]), (1, "1..2"))
        self.assertTrue(any(line.startswith("not ok") and "some rows" in line for line in lines), lines)
        self.assertTrue(any(line.startswith("ok") and line.endswith("# SKIP why") for line in lines), lines)


class Lacking(unittest.TestCase):
    """setup.sh --look, and the Makefile that asks it: a check says in one line which packages are not there."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="check"))
        self.addCleanup(shutil.rmtree, self.folder)

    def path_without(self, *programs):
        """A PATH of one folder that has every program of this machine except some."""
        for folder in os.environ["PATH"].split(os.pathsep):
            for program in pathlib.Path(folder).glob("*"):
                link = self.folder / program.name
                if program.name not in programs and not link.is_symlink():
                    link.symlink_to(program.absolute())
        return str(self.folder)

    def make(self, *words, path):
        env = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
        return subprocess.run(["make", "--no-print-directory", *words], cwd=HERE.parent, env={**env, "PATH": path}, capture_output=True, text=True,
                              check=False)

    def test_each_check_has_its_row(self):
        text = (HERE.parent / "Makefile").read_text() + (HERE / "figures.mk").read_text()
        checks = set(re.findall(r"^(check-[a-z0-9-]+):", text, re.M))
        self.assertGreater(len(checks), 15)
        for check in sorted(checks):
            with self.subTest(check):
                done = subprocess.run(["sh", str(HERE / "setup.sh"), "--look", check], capture_output=True, text=True, check=False)
                self.assertEqual(done.stderr, "")
                self.assertIn(done.returncode, (0, 1))

    def test_a_missing_program_is_named_with_its_package(self):
        path = self.path_without("clang-format", "valgrind", "gnutls-serv")
        for check, packages in (("check-format", "clang-format"), ("check-valgrind", "valgrind libc6-dbg"), ("built-sanitize", "gnutls-bin")):
            with self.subTest(check):
                done = self.make(check, path=path)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertRegex(done.stderr, rf"^[^\n]*{check.replace('built', 'check')}: missing: {packages}\. Run: make deps\.  Stop\.\n$")

    def test_a_check_that_does_not_need_it_runs(self):
        done = self.make("check-layers", path=self.path_without("clang-format", "valgrind", "gnutls-serv", "gcc"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class Flags(unittest.TestCase):
    """build/flags, which all objects depend on: a second make must not compile what the first one made."""

    def test_they_do_not_depend_on_the_object_that_needs_them_first(self):
        env = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "CFLAGS")}
        with tempfile.TemporaryDirectory() as folder:
            flags, seen = pathlib.Path(folder) / "flags", []
            for source in ("src/core/zero", "src/tools/common/number", "src/host/utc", "tests/unit/results", "src/core/zero"):
                self.assertTrue((HERE.parent / f"{source}.c").exists(), source)
                subprocess.run(["make", "-s", f"B={folder}", f"{folder}/obj/{source}.o"], cwd=HERE.parent, env=env, check=True)
                seen.append((source, flags.read_text(), flags.stat().st_mtime_ns))
            self.assertEqual({text for _, text, _ in seen}, {seen[0][1]}, seen)
            self.assertEqual({when for _, _, when in seen}, {seen[0][2]}, seen)


class OwnBearssl(unittest.TestCase):
    """BEARSSL=dir, and what programs that make starts see of it."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="check"))
        self.addCleanup(shutil.rmtree, self.folder)

    def make(self, *words):
        env = {name: value for name, value in os.environ.items()
               if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "BEARSSL", "BEARSSL_SRC", "BEARSSL_LIBS")}
        return subprocess.run(["make", "--no-print-directory", f"B={self.folder}/b", *words], cwd=HERE.parent, env=env, capture_output=True, text=True,
                              check=False).stdout

    def test_it_is_built_before_another_makefile_links_it(self):
        for name in ("inc/bearssl.h", "src/one.c"):
            (self.folder / name).parent.mkdir()
            (self.folder / name).touch()
        for goal in ("PORT=posix built-port", f"LWIP={self.folder} build-lwip"):
            with self.subTest(goal):
                self.assertRegex(self.make("-n", f"BEARSSL={self.folder}", *goal.split()), rf"(?m)^ar .*{self.folder}/b/bearssl/libbearssl\.a")

    def test_exported_if_there_is_one(self):
        """An empty one would make the archive with BearSSL, built by a test, take the system's."""
        seen = ["--eval=seen: ; @env", "seen"]
        (self.folder / "inc").mkdir()
        (self.folder / "inc/bearssl.h").touch()
        self.assertNotRegex(self.make(*seen), r"(?m)^BEARSSL=$")
        self.assertIn(f"\nBEARSSL={self.folder}\n", "\n" + self.make(*seen, f"BEARSSL={self.folder}"))


class Coverage(unittest.TestCase):
    """What cov.py makes of counts: a goal that is missed, a branch without a reason, and a reason that is stale."""

    def judged(self, lines, branches, reasons=frozenset(), goal=(100, 98)):
        """lines, branches: counts, all of the function f of src/tls/a.c"""
        source = cov.Source()
        for number, count in enumerate(lines):
            source.add({"line_number": number, "count": count, "function_name": "f", "branches": [{"count": one} for one in branches] if number == 0 else []})
        known, cov.reasons = cov.reasons, lambda: set(reasons)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                return cov.judge("src/tls/", goal, {"src/tls/a.c": source})
        finally:
            cov.reasons = known

    def test_a_goal_that_is_kept(self):
        self.assertEqual(self.judged([1] * 50, [1] * 50), [])
        self.assertEqual(self.judged([1] * 50, [0] + [1] * 49, {("a.c", "f")}), [])

    def test_a_goal_that_is_missed(self):
        for lines, branches, why in (([0] + [1] * 9999, [1], "of lines"), ([1], [0] + [1] * 48, "of branches")):
            wrong = self.judged(lines, branches, {("a.c", "f")} if 0 in branches else set())
            self.assertEqual(len(wrong), 1, wrong)
            self.assertIn(why, wrong[0])

    def test_a_branch_needs_a_reason_and_a_reason_a_branch(self):
        self.assertIn("a.c, f: a branch is never taken", self.judged([1], [0] + [1] * 99)[0])
        self.assertIn("a row about a.c, f", self.judged([1], [1], {("a.c", "f")})[0])

    def test_counts_of_several_objects_add_up(self):
        source = cov.Source()
        for count in (0, 3):
            source.add({"line_number": 7, "count": count, "branches": [{"count": count}, {"count": 0}]})
        self.assertEqual((source.missed_lines(), source.missed_branches()), ([], [(7, 1)]))


class Copied(unittest.TestCase):
    """The rules of layers.py and lint.py in a copy of the sources, into which a test puts files."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="check"))
        self.addCleanup(shutil.rmtree, self.folder)
        root = HERE.parent
        for name in ("include", "src", "port", "examples", "packaging"):
            shutil.copytree(root / name, self.folder / name)
        self.tests = self.folder / "tests"
        self.tests.mkdir()
        for name in ("results.py", "layers.py", "lint.py", "source.sh", "port/port_under_test.h"):
            (self.tests / name).parent.mkdir(exist_ok=True)
            shutil.copy(HERE / name, self.tests / name)
        for name in (".clang-format", ".clang-tidy", "popcl.cmake"):
            shutil.copy(root / name, self.folder)

    def list_sources(self):
        subprocess.run([sys.executable, "-B", str(self.folder / "packaging/sources.py"), "--write"], check=True)

    def results_of(self, program, *words):
        env = {**os.environ, "POPCL_CPPFLAGS": "-Iinclude", "LWIP_SRC": "none"}
        done = subprocess.run([sys.executable, str(self.tests / program), *words], env=env, capture_output=True, text=True, check=False)
        return done.stdout.splitlines()


class Families(Copied):
    """A new mechanism or TLS profile needs no line in a table of tests, and is held to the rules all the same. popcl.cmake lists it."""

    def wrong_layers(self):
        return sorted(line.split(" - ")[1] for line in self.results_of("layers.py") if line.startswith("not ok"))

    def test_layers(self):
        (self.folder / "src/auth/other.c").write_text('#include "../core/text.h"\n#include "auth.h"\n#include "../core/machine.h"\n')
        (self.folder / "src/tls/profile_other.c").write_text('#include "profile.h"\n#include "../core/reply.h"\n')
        (self.folder / "src/tls/other.c").write_text('#include "profile.h"\n')
        self.list_sources()
        wrong = self.wrong_layers()
        self.assertEqual(wrong, ["src/auth/other.c:3: ../core/machine.h", "src/tls/other.c:1: profile.h", "src/tls/profile_other.c:2: ../core/reply.h"])

    def test_a_source_in_no_list(self):
        self.assertEqual(self.wrong_layers(), [])
        (self.folder / "src/auth/other.c").write_text("")
        (self.folder / "port/posix/zero.c").write_text("")
        (self.folder / "src/other").mkdir()
        (self.folder / "src/other/other.c").write_text("")
        one = "is in a list of popcl.cmake"
        added = [f"port/posix/zero.c {one}", f"src/auth/other.c {one}", f"src/other/other.c {one}"]
        self.assertEqual(self.wrong_layers(), ["popcl.cmake is what packaging/sources.py writes", *added])
        self.list_sources()
        self.assertEqual(self.wrong_layers(), added[2:])
        (self.folder / "src/auth/other.c").unlink()
        self.assertIn("src/auth/other.c of popcl.cmake is there", self.wrong_layers())

    def test_a_second_copy_of_the_address(self):
        (self.folder / "packaging/control").write_text("Homepage: https://example.invalid/popcl\n")
        self.assertEqual(self.wrong_layers(), ["the project's address is in packaging/project.mk alone"])
        (self.folder / "packaging/control").write_text("Homepage: @URL@\n")
        self.assertEqual(self.wrong_layers(), [])

    def test_each_profile_has_a_number_of_its_own(self):
        other = self.folder / "src/tls/profile_other.c"
        for lines, why in ((".number = 200,", ""), (".number = 2,", "has the number 2 too"), (".number = 0,", "one number"),
                           (".number = 256,", "one number"), ("", "one number"), (".number = 7,\n    .number = 8,", "one number")):
            other.write_text(f"const popcl_tls_profile popcl_tls_other = {{\n    {lines}\n}};\n")
            wrong = list(lint.profile_numbers(other.parent))
            self.assertEqual(len(wrong), 1 if why else 0, wrong)
            self.assertIn(why, "".join(wrong))
        said = self.results_of("lint.py", "format")
        self.assertTrue([line for line in said if line.startswith("not ok") and "each TLS profile has a number of its own" in line], said)
        self.assertTrue([line for line in said if line.endswith(" - git has no file that .gitignore names")], said)

    def test_a_file_that_a_run_made_is_not_in_git(self):
        def wrong():
            return list(lint.committed_products(self.folder))
        self.assertEqual(wrong(), [])  # no git
        shutil.copy(HERE.parent / ".gitignore", self.folder)
        made = self.tests / "__pycache__/lint.cpython-311.pyc"
        made.parent.mkdir(exist_ok=True)
        made.write_bytes(b"")
        for words in (["init", "-q"], ["add", "."]):
            subprocess.run(["git", *words], cwd=self.folder, check=True)
        self.assertEqual(wrong(), [])
        subprocess.run(["git", "add", "-f", made], cwd=self.folder, check=True)
        self.assertRegex("".join(wrong()), "^tests/__pycache__/lint.cpython-311.pyc: run: ")


class Named(unittest.TestCase):
    """What CONTRIBUTING.md names has to be there."""

    def test_what_is_not_there_is_found(self):
        wrong = dict(readme.named_files("`src/auth/NAME.c`, `port/NAME`, `src/tls/profile_NAME.c`, [a](LICENSE), `src/auth/gone.c`, `ports/NAME`, "
                                        "`src/tls/gone_NAME.c`, [b](GONE.md), `make check-fast`"))
        self.assertEqual(sorted(name for name, why in wrong.items() if why), ["GONE.md", "ports/NAME", "src/auth/gone.c", "src/tls/gone_NAME.c"])
        self.assertEqual(len(wrong), 8)


class Blocks(unittest.TestCase):
    """blocks.py: a block of a document that no test takes is found, and so is one that its test left out."""

    def wrong(self, text, page="docs/FAQ.md"):
        return [why.partition(": ")[2] for why in blocks.wrong_marks({page: text})]

    def test_marks(self):
        for mark, why in (("<!-- run -->\n", ""), ("<!-- not run: it needs a modem -->\n", ""), ("<!-- tested: pkg-config -->\n", ""), ("", "no comment"),
                          ("<!-- run -->\n\n", "no comment"), ("<!-- shown -->\n", "no test takes"), ("<!-- not run: -->\n", "no test takes"),
                          ("<!-- prints -->\n", "no test takes"), ("<!-- tested: nothing -->\n", "tests/adoption has no")):
            with self.subTest(mark):
                for indent in ("", "   "):
                    said = self.wrong("".join(f"{indent}{line}\n" for line in f"a text\n\n{mark}```sh\ntrue\n```".split("\n")))
                    self.assertEqual(len(said), bool(why), said)
                    self.assertIn(why, "".join(said))
        self.assertEqual(self.wrong("<!-- prints -->\n```\nx\n```\n", "docs/RECIPES.md"), [])

    def test_fences(self):
        self.assertIn("no partner", self.wrong("<!-- run -->\n```sh\ntrue\n")[0])
        self.assertIn("no partner", self.wrong("- <!-- run -->\n  ```sh\ntrue\n```\n")[0])
        for hidden in ("~~~sh\ntrue\n~~~\n", "> ```sh\n> true\n> ```\n", "1. ```sh\n   true\n   ```\n", "````sh\ntrue\n````\n"):
            self.assertIn("other characters", "".join(self.wrong(f"<!-- run -->\n{hidden}")), hidden)

    def test_a_block_is_what_a_reader_copies(self):
        [block] = blocks.blocks_of("README.md", "## a\n\n  <!-- run: home, with auth -->\n  ```sh\n  one\n    two\n  ```\n")
        self.assertEqual((block.section, block.line, block.language, block.body), ("a", 4, "sh", "one\n  two\n"))
        self.assertEqual((block.taker, block.way), (blocks.RECIPES, "run"))

    def test_a_block_that_was_left_out(self):
        ours = [block.name for block in blocks.every_block() if block.taker == blocks.README]
        self.assertGreater(len(ours), 20)
        self.assertEqual(blocks.left_out(blocks.README, [f"{name}: ok" for name in ours[1:]]), ours[:1])
        self.assertEqual(blocks.left_out(blocks.README, ours), [])

    def test_what_is_not_so(self):
        """A check of readme.py must be able to fail."""
        def block(mark, body, language="sh"):
            return blocks.Block("docs/FAQ.md", "", 1, language, mark, body)
        for mark, language, good, bad in (
                ("compiled", "c", "int a;\n", "int a\n"), ("compiled: errno", "c", "int errno;\n", "int a;\n"), ("names", "", "popcl_run (popcl.h)", "popcl_walk"),
                ("names", "", "popcl_run (popcl.h)", "(pop.h)"), ("names", "", " core/fetch*  the job", " core/catch*  the job"), ("not run: x", "sh", "make clean", "make tea"),
                ("not run: x", "sh", "make check-x509", "make check-x508")):
            with self.subTest(bad):
                if language == "c" and not shutil.which("cc"):
                    self.skipTest("there is no compiler")
                self.assertEqual(readme.check_block(block(mark, good, language)), "")
                self.assertNotEqual(readme.check_block(block(mark, bad, language)), "")
        self.assertIn("cannot be", readme.check_block(block("run", "true", "c")))


class Template(Copied):
    """A copy of port/TEMPLATE, as docs/PORTING.md wants it, is held to the rules and passes."""

    def setUp(self):
        super().setUp()
        self.port = self.folder / "port" / "mynet"
        shutil.copytree(HERE.parent / "port" / "TEMPLATE", self.port)
        self.list_sources()

    def says(self, program, *words):
        """The results of a program that are about the copy."""
        return [line for line in self.results_of(program, *words) if "port/mynet" in line]

    def test_layers(self):
        lines = self.says("layers.py")
        self.assertEqual([line for line in lines if not line.startswith("ok")], [])
        self.assertTrue(any("popcl_net.h" in line for line in lines), lines)
        (self.port / "more.c").write_text('#include "Stack_Sockets.h"\n#include "wire.h"\n')
        wrong = [line for line in self.says("layers.py") if not line.startswith("ok")]
        self.assertTrue(wrong and "more.c:2" in wrong[0], wrong)
        self.assertFalse([line for line in wrong if "more.c:1" in line], wrong)

    def test_lint(self):
        if not all(map(shutil.which, ("clang", "clang-tidy", "clang-format"))):
            self.skipTest("clang, clang-tidy or clang-format is not installed")
        files = [f"port/mynet/{name}" for name in ("my_net.c", "my_net.h", "under_test.c")]
        lines = self.says("lint.py", *files) + self.says("lint.py", "format")
        self.assertEqual([line for line in lines if not line.startswith("ok")], [])
        self.assertEqual(len(lines), 9)


if __name__ == "__main__":
    sys.exit(results.main())
