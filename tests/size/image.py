# SPDX-License-Identifier: MIT
"""Links firmware for a core: the library's own objects, BearSSL's from its source, and a program; and says which file brought which
octets into the image, by the linker's map. Compiled objects of BearSSL are kept below build/arm, one folder for each set of flags."""
import concurrent.futures
import glob
import hashlib
import os
import re
import subprocess
import sys

import size
from cores import CPUS, MAIN, OPTIMIZED, run

BUILD = os.path.join(os.environ.get("B", "build"), "arm")
# No clock and no random generator of a system that is not there. The x86 parts compile to nothing.
BEARSSL_FLAGS = ["-w", "-DBR_USE_UNIX_TIME=0", "-DBR_USE_URANDOM=0", "-DBR_RDRAND=0"]
LEAST = ("-DPOPCL_WITH_APOP=0", "-DPOPCL_WITH_UTF8=0")  # the settings of popcl_config.h with the least code
LIBC = re.compile(r"/(libc|libgcc|libm|libsemihost|libdummyhost)\.a\(|/crt\w*(-\w+)?\.o$")


class Missing(Exception):
    """What a build needs and this machine has not."""


def bearssl_source():
    done = subprocess.run(["sh", "tests/source.sh", "bearssl", BUILD], capture_output=True, text=True)
    if done.returncode:
        raise Missing(done.stderr.strip())
    return done.stdout.strip()


def compile_all(sources, folder, core, flags):
    """Objects of the sources that are not there yet, two at a time. With calls.py's graph beside them, which changes no code; -flto has none yet."""
    graph = [] if "-flto" in core.flags else size.GRAPH
    os.makedirs(folder, exist_ok=True)
    objects = [os.path.join(folder, source.replace("/", "_")[:-2] + ".o") for source in sources]

    def compile_one(pair):
        source, out = pair
        part = f"{out[:-2]}.{os.getpid()}.o"
        run(core.gcc(*OPTIMIZED, *flags, *graph, "-c", source, "-o", part))
        for end in (".su", ".ci", ".o"):  # the object last: whole, or not there
            if os.path.exists(part[:-2] + end):
                os.replace(part[:-2] + end, out[:-2] + end)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(compile_one, [pair for pair in zip(sources, objects) if not os.path.exists(pair[1])]))
    return objects


def bearssl_library(core):
    """BearSSL as an archive, compiled once for each set of flags."""
    tree = bearssl_source()
    sources = sorted(glob.glob(f"{tree}/src/*.c") + glob.glob(f"{tree}/src/*/*.c"))
    mark = hashlib.sha256(repr((tree, core.version(), core.gcc(*OPTIMIZED), BEARSSL_FLAGS, size.GRAPH)).encode()).hexdigest()[:12]
    folder = os.path.join(BUILD, "bearssl-" + mark)
    archive = os.path.join(folder, "libbearssl.a")
    if not os.path.exists(archive):
        include = [f"-I{tree}/inc", f"-I{tree}/src"]
        objects = compile_all(sources, folder, core, BEARSSL_FLAGS + include)
        part = f"{archive}.{os.getpid()}"
        core.tool("gcc-ar", "qcs", part, *objects)  # which also takes objects of -flto
        os.replace(part, archive)
    return tree, archive


class Image:
    """A linked program. `octets` maps (whose, file) to what the file brought into flash: its code and constants, padding included.
    `files` has the files of a function's name, of which several may have one; `places` where each piece lies: (from, octets, (whose, file)).
    `pieces` maps (whose, file, symbol) to octets: each function and each constant has a section of its own."""

    def __init__(self, path, core):
        self.path, self.core, self.octets, self.files, self.places = path, core, {}, {}, []
        self.pieces = {}
        with open(path[:-4] + ".map", encoding="utf-8") as text:
            self.read(size.plain(text.read()))

    def read(self, text):
        text = re.sub(r"\n( \S+)\n\s+(0x)", r"\n\1 \2", text[text.index("Linker script and memory map"):])  # long names have a line of their own
        last, symbol, inside = None, "", False
        for line in text.splitlines():
            if re.match(r"\.\S", line):
                inside = line.split()[0] in (".text", ".init", ".data")
            match = re.match(r" (\.\S+|\*fill\*)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)(?: (\S.*))?$", line) if inside else None
            if match and (match.group(4) or last):
                last = match.group(4) or last
                symbol = self.symbol_of(match.group(1)) if match.group(4) else symbol  # a gap belongs to what is before it
                key, octets = self.whose(last), int(match.group(3), 16)
                self.octets[key] = self.octets.get(key, 0) + octets
                self.pieces[*key, symbol] = self.pieces.get((*key, symbol), 0) + octets
                self.places.append((int(match.group(2), 16), octets, key))
                self.files.setdefault(match.group(1).removeprefix(".text."), set()).add(key[1])

    @staticmethod
    def symbol_of(section):
        """The function or the constant of a section. Texts of all functions of a file are in one."""
        name = re.sub(r"^\.(text|rodata|data|init)\.?", "", section)
        return "texts" if re.match(r"(\w+\.)?str\d+\.\d+$|cst\d+$", name) else re.sub(r"\.\d+$", "", name) or "all of it"

    @staticmethod
    def whose(path):
        member = re.search(r"\((.*)\)$", path)
        name = os.path.basename(member.group(1) if member else path)
        if LIBC.search(path):
            return "libc", name
        if "libbearssl.a" in path:
            return "BearSSL", re.sub(r".*_src_", "", name).replace("_", "/", 1).replace(".o", ".c")
        return ("popcl" if "src_" in name else "program"), re.sub(r"^.*src_(core|auth|tls)_", r"\1/", name).replace(".o", ".c")

    def total(self, *whose):
        return sum(octets for (who, _), octets in self.octets.items() if who in whose)

    def symbols(self):
        return {line.split()[2]: line.split()[1] for line in size.plain(self.core.tool("nm", self.path)).splitlines() if len(line.split()) == 3}

    def file_at(self, address):
        """(whose, file) of what lies at an address of flash, or None."""
        return next((key for start, octets, key in self.places if start <= address < start + octets), None)

    def instructions(self):
        """Yields (address, text) of all code."""
        for line in self.core.tool("objdump", "-d", "--no-show-raw-insn", self.path).splitlines():
            match = re.match(r"\s*([0-9a-f]+):(\t.*)", line)
            if match:
                yield int(match.group(1), 16), match.group(2)


def program_words(tree):
    """The flags of what is compiled against BearSSL's headers in its tree."""
    return ["-std=c99", "-Iinclude", "-isystem", f"{tree}/inc"]


def library_folder(folder, cpu, flags=()):
    """Where the library's objects for a core are kept."""
    return os.path.join(folder, re.sub(r"\W", "_", cpu + "".join(flags)))


def link(folder, name, programs, cpu, library_flags=(), program_flags=(), link_flags=()):
    """One image of the library, BearSSL and programs (C files), without what is not used."""
    core = CPUS[cpu]
    tree, archive = bearssl_library(core)
    own = [*program_words(tree), *library_flags]
    objects = compile_all(size.sources(), library_folder(folder, cpu, library_flags), core, own)
    objects += compile_all(programs, os.path.join(folder, name), core, own + list(program_flags))
    out = os.path.join(folder, name + ".elf")
    places = {"__flash": core.flash, "__ram": core.ram, "__flash_size": 0x400000, "__ram_size": 0x400000, "__stack_size": 0x8000}
    run(core.gcc(*OPTIMIZED, "-Wl,--gc-sections", f"-Wl,-Map={out[:-4]}.map", *[f"-Wl,--defsym={place}={value:#x}" for place, value in places.items()],
                 *link_flags, *objects, archive, "-o", out))
    return Image(out, core)


def fetch_image(folder, profile, cpu, more=(), settings=LEAST, trust=None):
    """tests/size/fetch.c with one profile and the macros `more`. `trust` is a C file that has device_trust; what the device has else of its own is
    at the begin of flash."""
    with open("tests/size/fetch.c", encoding="utf-8") as text:
        device = set(re.findall(r"\bdevice_\w+", text.read())) - ({"device_trust"} if trust else set())
    start = ["-nostartfiles", "-Wl,-e,main", *[f"-Wl,--defsym={name}={CPUS[cpu].flash:#x}" for name in sorted(device)]]
    name = "fetch" + hashlib.sha256(repr((profile, cpu, more, settings, trust)).encode()).hexdigest()[:16]
    return link(folder, name, ["tests/size/fetch.c", *([trust] if trust else [])], cpu, settings, [f"-DPROFILE={profile}", *more], start)


if __name__ == "__main__":  # for trying out: image.py PROFILE...
    import tempfile
    with tempfile.TemporaryDirectory() as place:
        for chosen in sys.argv[1:]:
            made = fetch_image(place, chosen, MAIN)
            for key, count in sorted(made.octets.items(), key=lambda item: (item[0][0], -item[1])):
                print(f"{count:>7}  {' '.join(key)}")
            print(made.total("popcl"), made.total("BearSSL"), made.total("libc"), made.total("program"))
