# SPDX-License-Identifier: MIT
"""Which files of BearSSL popcl links, on any processor: packaging/bearssl.files has them, for popcl-X.Y-with-bearssl.tar.gz. Compiles all of
BearSSL and of popcl that a machine links, and follows the symbols from popcl to their files, for this machine and for Cortex-M. A table that
names a function by #if on one processor is followed there only, so both are needed.

    bearssl.py TREE FOLDER [--write]      TREE: BearSSL's source; FOLDER: for objects. Prints the list, or writes it (make update-bearssl)
"""
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys

import sources

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILES = ROOT / "packaging/bearssl.files"
ALWAYS = ["LICENSE.txt", "README.txt", "src/config.h", "src/inner.h"]  # and inc/*.h
DEVICE = "CORE_SOURCES AUTH_SOURCES TLS_SOURCES".split()
HOST = [*DEVICE, *"HOST_SOURCES POSIX_SOURCES COMMON_SOURCES COMMAND_SOURCES TA_SOURCES".split()]
FOLDERS = ["include", "port/posix", "src/host", "src/tools/common"]
BARE = ["-DBR_USE_UNIX_TIME=0", "-DBR_USE_URANDOM=0", "-DBR_RDRAND=0", "--specs=picolibc.specs", "-Os"]
MACHINES = {
    "host": (["gcc", "-O1", "-D_FILE_OFFSET_BITS=64"], "nm", HOST),
    "m3": (["arm-none-eabi-gcc", "-mcpu=cortex-m3", "-mthumb", *BARE], "arm-none-eabi-nm", DEVICE),
    "m0": (["arm-none-eabi-gcc", "-mcpu=cortex-m0plus", "-mthumb", "-DBR_ARMEL_CORTEXM_GCC=1", *BARE], "arm-none-eabi-nm", DEVICE),
}


def compiled(folder, compiler, files, flags):
    """{source: its object}"""
    folder.mkdir(parents=True, exist_ok=True)
    made = {file: folder / (str(file).replace("/", "_") + ".o") for file in files}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda one: subprocess.run([*compiler, *flags, "-w", "-c", one[0], "-o", one[1]], check=True, cwd=ROOT), made.items()))
    return made


def symbols(nm, made):
    """({symbol: the file that has it}, {file: symbols that it wants})"""
    has, wants, files = {}, {file: set() for file in made}, {str(made_object): file for file, made_object in made.items()}
    for line in subprocess.run([nm, "-A", *files], capture_output=True, text=True, check=True).stdout.splitlines():
        place, _, rest = line.partition(":")
        kind, name = rest.split()[-2:]
        if kind == "U":
            wants[files[place]].add(name)
        elif kind.isupper():
            has[name] = files[place]
    return has, wants


def needed(tree, folder):
    """BearSSL's sources that popcl links on one of the machines, relative to its tree."""
    own = sorted(tree.glob("src/*.c")) + sorted(tree.glob("src/*/*.c"))
    found = set()
    lists = sources.lists()
    for machine, (compiler, nm, parts) in MACHINES.items():
        of_popcl = compiled(folder / machine / "popcl", compiler, [path for part in parts for path in lists[part]],
                            [f"-I{ROOT / one}" for one in FOLDERS] + ["-isystem", tree / "inc"])
        has, wants = symbols(nm, compiled(folder / machine / "bearssl", compiler, own, ["-I", tree / "src", "-I", tree / "inc"]))
        _, wanted = symbols(nm, of_popcl)
        todo = set().union(*wanted.values())
        seen = set()
        while todo:
            name = todo.pop()
            if name in has and has[name] not in seen:
                seen.add(has[name])
                todo |= wants[has[name]]
        found |= seen
    return sorted(str(path.relative_to(tree)) for path in found)


def listed():
    return FILES.read_text().split()


def files(tree):
    """What popcl-X.Y-with-bearssl.tar.gz has of a tree, in order."""
    return sorted({*ALWAYS, *listed(), *(str(path.relative_to(tree)) for path in tree.glob("inc/*.h"))})


def main(words):
    if len(words) not in (2, 3) or words[2:] not in ([], ["--write"]):
        raise SystemExit(__doc__)
    text = "\n".join(needed(pathlib.Path(words[0]).resolve(), pathlib.Path(words[1]))) + "\n"
    shutil.rmtree(words[1])
    FILES.write_text(text) if words[2:] else print(text, end="")


if __name__ == "__main__":
    main(sys.argv[1:])
