# SPDX-License-Identifier: MIT
"""make api: Doxygen has no warning about the public headers, and its reference has each public name with a description, each comment that describes
one with all its words, and the parameters of functions. The names are found here by another way than that of packaging/doxygen/filter.py."""
import pathlib
import re
import shutil
import subprocess
import unittest
import xml.etree.ElementTree as xml

from consumer import ROOT, ConsumerCase

PRIVATE = re.compile(r"/\* (?:---- )?from here [^/]*?private.*?(?=/\* ----|\n#ifdef __cplusplus\n\}|\Z)", re.S)  # a part of a header
REMARK = re.compile(r"SPDX|\s*----|\s*(From here on )?[Pp]rivate|[^*]*\bmembers are private")
STRUCT = re.compile(r"^typedef (struct|enum) (\w+) \{\n(.*?)^\} (\w+(?:, \w+)*);", re.M | re.S)


def words(text):
    return " ".join(re.findall(r"\w+", text))


def public_names(text):
    """Macros, functions, types, enumerators and variables of a header, without what it calls private."""
    text = re.sub(r"/\*.*?\*/", " ", PRIVATE.sub("", text), flags=re.S).replace("\\\n", " ")
    names = set(re.findall(r"^\s*#\s*define (POPCL_\w+)\b(?![ \t]*$)", text, re.M))
    for kind, _, body, given in STRUCT.findall(text):
        names |= set(given.split(", ")[:1])
        if kind == "enum" and "POPCL_ERROR_TABLE" not in body:
            names |= set(re.findall(r"\b(POPCL_\w+)\b(?=\s*(?:=|,|$))", re.sub(r"#.*", "", body), re.M))
    names |= {f"POPCL_{name}" for name in re.findall(r"^ +X\(\d+, (\w+),", text, re.M)}
    outside = re.sub(r"\{.*?^\}", "{}", text.replace('extern "C" {', ""), flags=re.M | re.S)
    outside = re.sub(r"^\s*#.*$", "", outside, flags=re.M)
    names |= set(re.findall(r"^\w[\w *]*?\b(popcl_\w+)\([^;{}]*\);", outside, re.M))
    for declaration in re.findall(r"^extern ([^;(\"]*);", outside, re.M):
        names |= set(re.findall(r"\b(popcl_\w+)(?:\[\w*\])?\s*(?=,|$)", declaration))
    return names


class Reference(ConsumerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not shutil.which("doxygen"):
            raise unittest.SkipTest("doxygen is not installed")
        cls.said = cls.make("-s", "api", f"B={cls.folder}")
        cls.pages = [xml.fromstring(re.sub(r"<sp ?/>", " ", path.read_text(encoding="utf-8"))) for path in (cls.folder / "api/xml").glob("*.xml")]
        names = {path.name: path for pattern in ("include/*.h", "port/*/*.h", "src/host/*.h") for path in ROOT.glob(pattern)}
        cls.headers = {page.findtext("compounddef/compoundname"): names[page.findtext("compounddef/compoundname")] for page in cls.pages
                       if page.find("compounddef[@kind='file']") is not None and page.findtext("compounddef/compoundname").endswith(".h")}

    def described(self):
        """{name: its description} of all that the reference has."""
        found = {}
        for page in self.pages:
            for one in [*page.iter("memberdef"), *page.iter("enumvalue"), *page.iter("compounddef")]:
                name = one.findtext("name") or one.findtext("compoundname")
                found[name] = words(" ".join(" ".join(one.find(part).itertext()) for part in ("briefdescription", "detaileddescription")))
        return found

    def test_no_warning(self):
        self.assertEqual(self.said.strip(), f"{self.folder}/api/html/index.html")

    def test_headers(self):
        """Those of the table in README.md, and the ones that they include."""
        table = set(re.findall(r"\]\((?:include|port|src)/[\w/-]*?(\w+\.h)\)", "".join(re.findall(r"^\| \[.*$", (ROOT / "README.md").read_text(), re.M))))
        self.assertGreater(len(table), 20)
        self.assertLessEqual(table, set(self.headers))
        self.assertEqual({path.name for path in ROOT.glob("include/*.h")} - set(self.headers), set())

    def test_each_name_is_described(self):
        """Enumerators may have none: then the comment of the enum has them. No other name is missing, and none is too many."""
        found, all_names = self.described(), set()
        for path in self.headers.values():
            names = public_names(path.read_text())
            self.assertEqual(sorted(names - set(found)), [], path)
            enumerators = {name for page in self.pages for name in (one.findtext("name") for one in page.iter("enumvalue"))}
            self.assertEqual(sorted(name for name in names - enumerators if not found[name]), [], path)
            all_names |= names
        kept = {one.findtext("name") for page in self.pages for one in page.iter("memberdef") if one.get("kind") in ("define", "function")
                and one.findtext("name").upper().startswith("POPCL_")}
        self.assertEqual(sorted(kept - all_names), [])
        self.assertGreater(len(all_names), 350)

    def test_no_comment_is_lost(self):
        """Each comment of the headers is in the reference, word by word, except titles, remarks of a whole part, and what is private."""
        has = "\n".join(words(" ".join(one.itertext())) for page in self.pages for tag in ("briefdescription", "detaileddescription") for one in page.iter(tag))
        has += "\n" + "\n".join(words(" ".join(" ".join(one.find(part).itertext()) for part in ("briefdescription", "detaileddescription")))
                                for page in self.pages for one in [*page.iter("memberdef"), *page.iter("enumvalue"), *page.iter("compounddef")])
        looked = 0
        for path in self.headers.values():
            text = re.sub(r"#define POPCL_ERROR_TABLE.*?\n\n|^ +/\* (?:from here on )?private.*?^\}|private except its size\. \*/.*?^\}", "", PRIVATE.sub("", path.read_text()), flags=re.M | re.S | re.I)
            for comment in re.finditer(r"/\*(.*?)\*/(?=(?P<rest>[^\n]*\n[^\n]*))", text, re.S):
                if REMARK.match(comment[1].lstrip()) or comment["rest"] in ("\n",):
                    continue
                looked += 1
                plain = re.sub(r"\n\s*\* ?", "\n", comment[1]).replace("\\\n", "\n")
                plain = re.sub(r"^\s*\d+\. ", "", plain, flags=re.M)  # numbers of a list are in its form
                self.assertIn(words(re.sub(r"^\s*[\w.]+\.h - ", "", plain)), has, path)
        self.assertGreater(looked, 600)

    def test_parameters(self):
        """A function has its own, with their types, and the page that a reader opens has its text."""
        start = next(one for page in self.pages for one in page.iter("memberdef") if one.findtext("name") == "popcl_fetch_start")
        self.assertEqual([words("".join(one.find("type").itertext())) + " " + one.findtext("declname") for one in start.findall("param")],
                         ["popcl_fetch f", "const popcl_fetch_config cfg", "uint32_t now_ms"])
        html = "".join(path.read_text(encoding="utf-8", errors="replace") for path in (self.folder / "api/html").glob("*.html"))
        page = words(re.sub(r"<[^>]*>", "", html))
        for name in ("popcl_fetch_start", "popcl_msg", "POPCL_SKIP", "POPCL_ERR_AUTH"):
            self.assertIn(self.described()[name], page)

    def test_a_name_without_a_description_fails(self):
        place = self.folder / "without"
        for name in ("include", "port", "src/host", "packaging", "docs", "tests/figures.mk"):
            (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, self.new(place / name))
        shutil.copy(ROOT / "Makefile", place)
        header = place / "include/popcl.h"
        text = re.sub(r"/\* Returns the version of the library, a constant string\. \*/\n", "\n", header.read_text())
        self.assertNotEqual(text, header.read_text())
        header.write_text(text)
        done = subprocess.run(["make", "-s", "api"], cwd=place, capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stdout + done.stderr, r"popcl_version\(void\).* is not documented")

    @staticmethod
    def new(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


if __name__ == "__main__":
    unittest.main()
