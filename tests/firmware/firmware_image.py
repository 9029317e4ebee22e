# SPDX-License-Identifier: MIT
"""Firmware images of examples/firmware: builds them, and says by the linker's map which module brought which octets into flash and RAM. A name of
an image here is one of IMAGES; modules and parts of RAM are named in MODULES and RAM."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "size"))
import image  # noqa: E402
import size  # noqa: E402
from cores import M3  # noqa: E402

BUILD = pathlib.Path(os.environ.get("B", "build"))
FOLDER = BUILD / "figures"
BOARD = "BOARD=lm3s6965evb NET=raw"
IMAGES = {  # what `make -C examples/firmware` is told
    "small": f"{BOARD} PROFILE=small",
    "public": f"{BOARD} PROFILE=public",
    "public, 512": f"{BOARD} PROFILE=public RECORD=512",
    "public, resumption": f"{BOARD} PROFILE=public RESUME=1",
    "small, IPv6": f"{BOARD} PROFILE=small IPV6=1",
    "public, IPv6": f"{BOARD} PROFILE=public IPV6=1",
    "public, sockets": "BOARD=lm3s6965evb NET=sockets PROFILE=public",
    "public, Cortex-M0+": "BOARD=lm3s6965evb-m0 NET=raw PROFILE=public",
    "public, mps2-an385": "BOARD=mps2-an385 NET=raw PROFILE=public",
    "public, mps2-an505": "BOARD=mps2-an505 NET=raw PROFILE=public",
    "small, -flto": f"{BOARD} PROFILE=small LTO=1",
    "public, -flto": f"{BOARD} PROFILE=public LTO=1",
}
MODULES = ["popcl core", "popcl auth", "popcl tls", "BearSSL", "lwIP", "port", "driver", "firmware", "anchors", "C library"]
RAM = ["stack", "record buffer", "TLS storage", "job", "connection and ring", "lwIP's heap and pools", "lwIP, other", "firmware"]
IN_FLASH, IN_RAM = (".text", ".data", ".ARM.exidx"), (".stack", ".bss", ".data")


def module_of(path):
    """Whose an object is, by its path in the map."""
    own, name = re.search(r"/popcl/(core|auth|tls)/", path), os.path.basename(path)
    if image.LIBC.search(path):
        return "C library"
    if own:
        return f"popcl {own.group(1)}"
    if "libbearssl.a" in path or "/fast/" in path:
        return "BearSSL"
    if "/lwip/" in path:
        return "lwIP"
    if name in ("raw.o", "sockets.o", "bsd.o", "bsd_sockets.o"):
        return "port"
    return "driver" if name.startswith("eth") else "anchors" if name == "anchors.o" else "firmware"


def ram_part(path, section):
    """What the octets of a section of .bss or .data are for."""
    name = re.sub(r"^\.(bss|data)\.|\.\d+$", "", section)
    if "/lwip/" in path:
        return "lwIP's heap and pools" if re.match(r"memp_memory_|ram_heap", name) else "lwIP, other"
    return {"iobuf": "record buffer", "storage": "TLS storage", "app_job": "job", "net": "connection and ring"}.get(name, "firmware")


class Image:
    """A linked firmware, by its map: `pieces` are (section of the image, section of the object, address, octets, object)."""

    def __init__(self, path, bearssl_files, is_lto):
        self.path, self.pieces, self.totals, self.bearssl_files, self.is_lto = path, [], {}, bearssl_files, is_lto
        text = pathlib.Path(path[:-4] + ".map").read_text(encoding="utf-8")
        self.read(re.sub(r"\n( ?\S+)\n\s+(0x)", r"\n\1 \2", text[text.index("Linker script and memory map"):]))  # long names have a line of their own

    def read(self, text):
        inside = last = None
        for line in text.splitlines():
            start = re.match(r"(\.\S+)\s+0x[0-9a-f]+\s+0x([0-9a-f]+)", line)
            if start:
                inside = start.group(1)
                self.totals[inside] = int(start.group(2), 16)
            elif re.match(r"\S", line):
                inside = None
            piece = re.match(r" (\.\S+|\*fill\*|COMMON)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)(?: (\S.*))?$", line)
            if inside and piece and int(piece.group(3), 16) and (piece.group(4) or last):
                last = piece.group(4) or last
                self.pieces.append((inside, piece.group(1), int(piece.group(2), 16), int(piece.group(3), 16), last))

    def sums(self, sections, name_of):
        """{name: octets}, with what the linker adds, and "all"."""
        result, total = {}, sum(self.totals.get(name, 0) for name in sections)
        for inside, section, _, octets, path in self.pieces:
            if inside in sections and not self.is_lto:
                name = name_of(path, section)
                result[name] = result.get(name, 0) + octets
        result["all"] = total
        return result

    def flash(self):
        return self.sums(IN_FLASH, lambda path, _: module_of(path))

    def ram(self):
        result = self.sums(IN_RAM, ram_part)
        return {"stack": self.totals[".stack"], **result}

    def symbols(self):
        """{name: address}; that of code without the bit that says Thumb. What is not defined is left out."""
        lines = (line.split() for line in size.plain(self.core.tool("nm", self.path)).splitlines())
        return {words[2].removesuffix(".lto_priv.0"): int(words[0], 16) & ~(words[1] in "tT") for words in lines if len(words) == 3}

    def code(self):
        """(address, octets, module) of each piece of code, in order."""
        return [(start, octets, module_of(path)) for inside, section, start, octets, path in sorted(self.pieces, key=lambda piece: piece[2])
                if inside == ".text" and re.match(r"\.text|\.vectors", section)]

    # What tests/size/secrets_of.py asks of an image.

    core = M3  # an image for another Cortex-M has no other instructions that count
    instructions = image.Image.instructions

    @property
    def octets(self):
        return {self.key(path): octets for inside, _, _, octets, path in self.pieces if inside == ".text"}

    def file_at(self, address):
        return next((self.key(path) for _, _, start, octets, path in self.pieces if start <= address < start + octets), None)

    def key(self, path):
        """(whose, file), as in secrets.txt."""
        own, member = re.search(r"/popcl/((?:core|auth|tls)/\w+)\.o$", path), re.search(r"(?:libbearssl\.a\(|/fast/\w+/)(\w+)\.o\)?$", path)
        if own:
            return "popcl", own.group(1) + ".c"
        return ("BearSSL", self.bearssl_files[member.group(1)]) if member else ("firmware", os.path.basename(path))


# ---- building ----

def source(package, folder):
    done = subprocess.run(["sh", "tests/source.sh", package, folder], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise image.Missing(done.stderr.strip())
    return done.stdout.strip()


def make(words, root=ROOT):
    environment = {word: value for word, value in os.environ.items() if word not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    done = subprocess.run(["make", "-s", "-j2", "-C", root / "examples" / "firmware", *words], capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, ["make", *words], done.stdout + done.stderr)
    return done.stdout


def places(anchors, out=FOLDER):
    """What `make` is told of places; objects are kept below `out`, without what counts for tests (STATS)."""
    return [f"OUT={out.resolve()}", f"ANCHORS={anchors.resolve()}", f"BEARSSL_SRC={source('bearssl', BUILD / 'arm')}",
            f"LWIP_SRC={source('lwip', BUILD)}", "STATS=0"]


def build(anchors):
    """{name: Image} of all images."""
    place = places(anchors)
    files = {path.stem: f"{path.parent.name}/{path.name}" for path in pathlib.Path(source("bearssl", BUILD / "arm"), "src").glob("*/*.c")}
    result = {}
    for name, words in IMAGES.items():
        make([*words.split(), *place])
        result[name] = Image(make([*words.split(), *place, "name"]).split()[-1], files, "LTO=1" in words)
    return result


def build_changed(name, anchors, file, change):
    """The Image of a copy of the sources in which `change` has made another text of a file. After build(): only this file is compiled."""
    copy = FOLDER / "changed"
    shutil.rmtree(copy, ignore_errors=True)
    for folder in ("include", "src", "port", "examples"):
        shutil.copytree(ROOT / folder, copy / folder)
    shutil.copytree(FOLDER / "obj", copy / "out" / "obj", ignore=lambda _, names: [one for one in names if one.endswith(("-lto", "plus", "m33"))])
    (copy / file).write_text(change((copy / file).read_text(encoding="utf-8")), encoding="utf-8")
    words = [*IMAGES[name].split(), *places(anchors, copy / "out")]
    make(words, copy)
    return Image(make([*words, "name"], copy).split()[-1], {}, "LTO=1" in words)
