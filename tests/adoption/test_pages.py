# SPDX-License-Identifier: MIT
"""Commands of README.md that need a compiler for another machine, as they stand there."""
import shutil
import subprocess
import unittest

from consumer import ROOT, ConsumerCase, bearssl_tree, shown


class Device(ConsumerCase):
    def test_cortex_m3(self):
        """BEARSSL of the page is a source tree. Each file becomes an object for ARM."""
        place = self.folder / "popcl"
        for name in ("include", "src"):
            shutil.copytree(ROOT / name, place / name)
        self.run_program("sh", "-euc", shown("Cortex-M3", "README.md").replace("BEARSSL", str(bearssl_tree())), cwd=place)
        sources = sorted(path.stem for folder in ("core", "auth", "tls") for path in (ROOT / "src" / folder).glob("*.c"))
        objects = sorted((place / "build" / "m3").glob("*.o"))
        self.assertEqual([path.stem for path in objects], sources)
        header = subprocess.run(["arm-none-eabi-readelf", "-h", objects[0]], capture_output=True, text=True, check=True).stdout
        self.assertRegex(header, r"Machine: +ARM\b")


if __name__ == "__main__":
    unittest.main()
