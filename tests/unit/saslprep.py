# SPDX-License-Identifier: MIT
"""Compares the characters that src/auth/saslprep.c keeps with Unicode, as Python knows it: saslprep.py BUILD/tests/unit/test_saslprep

SASLprep (RFC 4013) is defined by Unicode 3.2; servers may use a newer one. So each character, and each pair, has to stay the same in both.
Prints TAP.
"""
import stringprep
import subprocess
import sys
import unicodedata

sys.path.insert(0, "tests")
from results import Results  # pylint: disable=wrong-import-position

PROHIBITED = [getattr(stringprep, f"in_table_{table}") for table in
              ("c12", "c21", "c22", "c3", "c4", "c5", "c6", "c7", "c8", "c9")]  # RFC 4013, 2.3
VERSIONS = {"Unicode 3.2": unicodedata.ucd_3_2_0, f"Unicode {unicodedata.unidata_version}": unicodedata}


def saslprep(text):
    """RFC 4013, 2; the text, or None if it is refused."""
    mapped = "".join(" " if stringprep.in_table_c12(c) else c for c in text if not stringprep.in_table_b1(c))
    done = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    if any(prohibited(c) for c in done for prohibited in PROHIBITED) or any(stringprep.in_table_a1(c) for c in done):
        return None
    if any(stringprep.in_table_d1(c) for c in done):
        return None  # right to left: its own rules, and none of these characters is needed
    return done


def wrong(items):
    """The first of many, as numbers."""
    return "" if not items else " ".join(",".join(f"U+{ord(c):04X}" for c in item) for item in items[:10])


def main():
    listed = subprocess.run([sys.argv[1], "list"], check=True, capture_output=True, text=True).stdout.split()
    kept = [chr(int(code, 16)) for code in listed]
    results = Results()
    results.add("unit/saslprep: the list has ASCII and letters", "" if len(kept) > 95 + 300 else f"{len(kept)} characters")
    results.add("unit/saslprep: SASLprep keeps each character", wrong([c for c in kept if saslprep(c) != c]))
    # no table is about more than two adjacent characters, since none of these combines
    for name, version in VERSIONS.items():
        results.add(f"unit/saslprep: each character is assigned in {name}", wrong([c for c in kept if version.category(c) == "Cn"]))
        results.add(f"unit/saslprep: no character combines in {name}", wrong([c for c in kept if version.combining(c)]))
        results.add(f"unit/saslprep: each pair stays the same in {name}",
                    wrong([a + b for a in kept for b in kept if version.normalize("NFKC", a + b) != a + b]))
    letters = [chr(code) for code in (*range(0xC0, 0x180), *range(0x370, 0x400), *range(0x400, 0x500))]
    lost = [c for c in letters if saslprep(c) == c and unicodedata.normalize("NFKC", c) == c and unicodedata.category(c)[0] == "L" and c not in kept]
    results.add("unit/saslprep: no Latin, Greek or Cyrillic letter is left out without need", wrong([c for c in lost if unicodedata.category(c) != "Lm"]))
    return results.end()


if __name__ == "__main__":
    sys.exit(main())
