# SPDX-License-Identifier: MIT
"""What the Makefile of examples/firmware says to a slip of the pen, in one line and before it compiles anything; and that an image holds what was
given last, whatever the times of the files are."""
import os
import pathlib
import subprocess
import tempfile
import unittest

import firmware_image

BUILD = pathlib.Path(os.environ.get("B", "build"))
ANCHORS = "obj/popcl-lm3s6965evb-raw-public-4096/anchors.o"


class Built(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="fwbuild")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.given = {"BEARSSL_SRC": firmware_image.source("bearssl", BUILD / "arm"), "LWIP_SRC": firmware_image.source("lwip", BUILD),
                      "ANCHORS": pathlib.Path(os.environ["FIRMWARE"]) / "one.c", "OUT": self.folder}

    def make(self, *targets, **given):
        return firmware_image.make([*targets, *(f"{name}={value}" for name, value in {**self.given, **given}.items())])

    def assert_refused(self, says, **given):
        with self.assertRaises(subprocess.CalledProcessError) as caught:
            self.make(**given)
        lines = caught.exception.output.splitlines()
        self.assertEqual(len(lines), 1, lines)
        self.assertIn(says, lines[0])
        self.assertEqual(list(self.folder.glob("**/*.o")), [])

    def test_slips(self):
        other, nowhere = self.folder / "other.c", self.folder / "nowhere"
        other.write_text("int main(void) { return 0; }\n", encoding="utf-8")
        for says, given in (("BOARD=stm32 is not one of lm3s6965evb ", {"BOARD": "stm32"}), ("NET=socket is not one of raw ", {"NET": "socket"}),
                            ("PROFILE=host is not one of ecdsa ", {"PROFILE": "host"}), ("RECORD=8192 is not one of 4096 ", {"RECORD": 8192}),
                            ("IPV6=yes is not one of 0 1", {"IPV6": "yes"}), ("LTO= is not one of 0 1", {"LTO": ""}),
                            ("ANCHORS=anchors.c is needed: popcl-ta ", {"ANCHORS": ""}), (f"there is no {nowhere}", {"ANCHORS": nowhere}),
                            ("defines no ca_trust: popcl-ta ", {"ANCHORS": other}), ("LWIP_SRC=dir is needed: ", {"LWIP_SRC": ""}),
                            (f"no source tree of lwIP: there is no {nowhere}/src", {"LWIP_SRC": nowhere}),
                            ("no source tree of BearSSL: ", {"BEARSSL_SRC": self.given["LWIP_SRC"]})):
            with self.subTest(says):
                self.assert_refused(says, **given)

    def test_other_anchors_that_are_older_are_taken(self):
        other = self.folder / "both.c"
        other.write_bytes((pathlib.Path(os.environ["FIRMWARE"]) / "both.c").read_bytes())
        os.utime(other, (1, 1))
        target, held = self.folder / ANCHORS, []
        for anchors in (self.given["ANCHORS"], other):
            self.make(target, ANCHORS=anchors)
            held.append(target.read_bytes())
        self.assertNotEqual(*held, "the anchors of before were kept")
        when = target.stat().st_mtime_ns
        self.make(target, ANCHORS=other)
        self.assertEqual(target.stat().st_mtime_ns, when, "compiled though nothing changed")


if __name__ == "__main__":
    unittest.main()
