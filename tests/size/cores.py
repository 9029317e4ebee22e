# SPDX-License-Identifier: MIT
"""The cores that popcl is measured on, a row of CPUS each: compiler and flags, where memory is, the emulator that counts its instructions, and what
its instructions look like. A new core is a new row, with its clock in core.h."""
import dataclasses
import os
import re
import subprocess

OPTIMIZED = ["-Os", "-ffunction-sections", "-fdata-sections"]
# What makes an image smaller than -Os alone does, found by trying gcc 12's flags one by one. No octet has a file after -flto.
SMALLEST = ["-flto", "-fno-thread-jumps", "-fno-if-conversion", "-fno-schedule-insns2", "-fno-move-loop-invariants", "-fno-tree-loop-ivcanon"]
QUIET = ["-nographic", "-serial", "null", "-monitor", "none"]


def run(command):
    """What a command prints that must succeed."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout + done.stderr)
    return done.stdout


def arm_frame(line):
    """How many octets an instruction of ARM moves the stack pointer down."""
    pushed = re.search(r"\t(?:push|stmdb\tsp!,|stmfd\tsp!,)\s*\{(.*)\}", line)
    moved = re.search(r"\tsub(?:\.w|w)?\tsp, (?:sp, )?#(\d+)", line) or re.search(r"\[sp, #-(\d+)\]!", line)
    if pushed:
        names = [part.strip() for part in pushed.group(1).split(",")]
        return 4 * sum(int(n[1][1:]) - int(n[0][1:]) + 1 if len(n) == 2 else 1 for n in (name.split("-") for name in names))
    return int(moved.group(1)) if moved else 0


def rv32_frame(line):
    """The same for RISC-V. objdump shortens `addi` to `add`."""
    moved = re.search(r"\t(?:addi?|sub)\tsp,sp,(-?)(\w+)", line)
    if not moved or (not moved.group(1) and moved.group(2).isdigit()):
        return 0
    return int(moved.group(2))  # ValueError: by a register, so nobody knows how far


@dataclasses.dataclass(frozen=True)
class Core:
    compiler: str  # its other tools have the same prefix
    flags: list  # of every object and of the linker
    flash: int  # where code is, and how the emulator starts it
    ram: int
    emulator: list  # under which core.h counts instructions, and a program may ask for its arguments (semihosting); none: sizes alone
    libgcc: str  # a pattern: what the compiler may call
    call: str  # a pattern of objdump's lines: a call, or a jump to a function, whose name is its group
    uneven: str  # likewise: an instruction whose time depends on its operands
    divisions: str  # the names of the compiler's own divisions, whose time depends on the numbers too
    frame: object  # how many octets a line of objdump moves the stack pointer down

    def tool(self, name, *arguments):
        """What a tool of the core's compiler prints."""
        return run([self.compiler.removesuffix("gcc") + name, *arguments])

    def version(self):
        return self.tool("gcc", "--version").splitlines()[0]

    def gcc(self, *flags):
        """A command of the compiler, up to these flags."""
        return [self.compiler, *self.flags, "--specs=picolibc.specs", *flags]


M3 = Core(
    compiler=os.environ.get("ARM_CC", "arm-none-eabi-gcc"),
    flags=["-mcpu=cortex-m3", "-mthumb"],
    flash=0,
    ram=0x20000000,
    emulator=["qemu-system-arm", "-M", "mps2-an385", *QUIET, "-icount", "shift=6"],
    libgcc=r"__aeabi_(u?idiv|u?idivmod|u?ldivmod|lmul|llsl|llsr|lasr|u?lcmp|mem\w+|u[ir]?(read|write)\w*)|__gnu_thumb1_case_\w+",
    call=r"\tbl?x?(?:\.w)?\t[0-9a-f]+ <(\w+)>",
    uneven=r"\t(umull|smull|umlal|smlal|udiv|sdiv)\b",
    divisions=r"__aeabi_u?(?:idiv|ldiv)(?:mod)?|__udivmoddi4|__divdi3|__udivdi3",
    frame=arm_frame,
)
M0 = dataclasses.replace(M3, flags=["-mcpu=cortex-m0plus", "-mthumb"])
RV32 = Core(
    compiler=os.environ.get("RV32_CC", "riscv64-unknown-elf-gcc"),
    flags=["-march=rv32imc", "-mabi=ilp32"],
    flash=0x80000000,  # RAM for QEMU, which starts there
    ram=0x80400000,
    emulator=["qemu-system-riscv32", "-M", "virt", "-bios", "none", *QUIET, "-icount", "shift=0"],
    libgcc=r"__(u?div|u?mod|mul|ashl|ashr|lshr)di3|__clzsi2",
    call=r"\tj(?:alr?)?\t.*<(\w+)>",
    uneven=r"\t(mulhs?u?|divu?|remu?)\b",
    divisions=r"__u?(?:div|mod)[sd]i3",
    frame=rv32_frame,
)


def more(core, *flags):
    """The core with flags more."""
    return dataclasses.replace(core, flags=[*core.flags, *flags])


# By the names that the pages have. `smallest` is no other core.
CPUS = {
    "Cortex-M3": M3,
    "Cortex-M3, smallest": more(M3, *SMALLEST),
    "Cortex-M0+": more(M0, "-DBR_ARMEL_CORTEXM_GCC=1"),  # BearSSL's multiplications in M0 assembler
    "Cortex-M33": dataclasses.replace(M3, flags=["-mcpu=cortex-m33", "-mthumb"], emulator=[]),
    "RV32": RV32,
}
MEASURED = [cpu for cpu, core in CPUS.items() if core.emulator]  # docs/SIZING.md has these
MAIN = "Cortex-M3"  # targets are for this one
DETAILED = [MAIN, "RV32"]  # these have all figures, and the rules are for them
SMALLER = {cpu.removesuffix(", smallest"): cpu for cpu in CPUS if cpu.endswith(", smallest")}
