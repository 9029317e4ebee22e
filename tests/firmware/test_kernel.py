# SPDX-License-Identifier: MIT
"""The test kernel of examples/firmware by itself, on each kind of core that it is for: kernel.c in QEMU says what holds. QEMU's clock counts
instructions, so that what a tick interrupts is the same in every run, however busy this machine is."""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import firmware_image

HERE = pathlib.Path(__file__).resolve().parent
FIRMWARE = HERE.parents[1] / "examples" / "firmware"
BUILD = pathlib.Path(os.environ.get("B", "build"))
SOURCES = ["startup.c", "clock.c", "console.c", "kernel.c", str(HERE / "kernel.c")]
NS_PER_INSTRUCTION = {"as the core is": 64, "so slow that a tick is ten thousand instructions": 1024}
OVERFLOW, OVERFLOW_IN_INTERRUPT = "the stack of the task deep overflowed", "the stack of interrupts overflowed"


class Kernel(unittest.TestCase):
    def run_on(self, machine, core, row):
        with tempfile.TemporaryDirectory(prefix="kernel") as folder:
            program, deep_program = (self.build(pathlib.Path(folder), machine, core, row, deep) for deep in (1, 6))
            for speed, ns in NS_PER_INSTRUCTION.items():
                with self.subTest(speed):
                    lines = self.lines_of(machine, program, ns)
                    self.assertEqual([line for line in lines if not line.startswith("ok ")], [OVERFLOW], "\n".join(lines))
                    self.assertEqual(lines[-1], OVERFLOW)
                    self.assertGreaterEqual(len(lines), 15)
                    self.assertEqual(self.lines_of(machine, deep_program, ns), [OVERFLOW_IN_INTERRUPT])

    def build(self, folder, machine, core, row, deep_interrupt):
        program = folder / f"kernel{deep_interrupt}.elf"
        lwip = firmware_image.source("lwip", BUILD)
        subprocess.run(["arm-none-eabi-gcc", f"-mcpu={core}", "-mthumb", "--specs=picolibc.specs", "-Os", "-std=c99", "-Wall", "-Wextra",
                        "-Werror", f"-DBOARD_ROW={row}", f"-DDEEP_INTERRUPT={deep_interrupt}", "-DNO_SYS=0", "-DRECORD=512", "-DIPV6=0",
                        "-DSTATS=0", "-I.",
                        "-isystem", f"{pathlib.Path(lwip).resolve()}/src/include", "-nostartfiles", "-T", f"{machine}.ld", "-Wl,--gc-sections",
                        "-Wl,--defsym=stack_octets=2048", *SOURCES, "-o", str(program)], cwd=FIRMWARE, check=True)
        return program

    def lines_of(self, machine, program, ns_per_instruction):
        """What the program says until it ends, as it must, with 3."""
        ran = subprocess.run(["qemu-system-arm", "-M", machine, "-display", "none", "-monitor", "none", "-serial", "null", "-kernel", str(program),
                              "-icount", f"shift={ns_per_instruction.bit_length() - 1},sleep=off", "-semihosting-config",
                              "enable=on,target=native"], capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(ran.returncode, 3, ran.stdout + ran.stderr)
        return [line for line in (ran.stdout + ran.stderr).splitlines() if re.match("ok |FAILED |the stack|fault", line)]

    def test_cortex_m3(self):
        self.run_on("lm3s6965evb", "cortex-m3", "ROW_LM3S6965EVB")

    def test_cortex_m0plus(self):
        self.run_on("lm3s6965evb", "cortex-m0plus", "ROW_LM3S6965EVB_M0")

    def test_cortex_m33(self):
        self.run_on("mps2-an505", "cortex-m33", "ROW_MPS2_AN505")


if __name__ == "__main__":
    unittest.main()
