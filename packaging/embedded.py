# SPDX-License-Identifier: MIT
"""Makes what the package systems for boards demand, from popcl.cmake, packaging/project.mk and BearSSL's source.

    embedded.py arduino FOLDER BEARSSL     popcl-X.Y.Z-arduino.zip: all of src/ is compiled there, with src/ as the only include folder

`make boards` runs it. What PlatformIO, CMSIS-Pack and ESP-IDF demand is a file each, which dist.py puts into popcl-X.Y.Z-with-bearssl.

The Arduino library has core and logins; TLS is the Client's. It has BearSSL's hashes under names of its own (popcl_br_), because some boards
bring a BearSSL of theirs. Two runs make the same octets.
"""
import pathlib
import re
import sys
import zipfile

import project
import sources

ROOT = pathlib.Path(__file__).resolve().parent.parent
HERE = ROOT / "packaging"
# What core and logins link of BearSSL: the test that builds the library finds one that is missing.
HASHES = ["hash/md5.c", "hash/sha1.c", "hash/sha2small.c", "mac/hmac.c", "codec/dec32be.c", "codec/dec32le.c", "codec/enc32be.c", "codec/enc32le.c",
          "codec/enc64be.c", "codec/enc64le.c"]


def renamed(text):
    """BearSSL's functions, types and headers under other names."""
    text = re.sub(r"\bbr_(?=\w)", "popcl_br_", text)
    return re.sub(r'#include [<"](?:bearssl)(_\w+)?\.h[>"]', lambda found: f'#include "popcl_bearssl{found[1] or ""}.h"', text)


def arduino_files(tree):
    """{name in the library: its text}"""
    lists = sources.lists()
    out = {"library.properties": project.fill((HERE / "arduino/library.properties.in").read_text()), "LICENSE": (ROOT / "LICENSE").read_text()}
    for path in lists["HEADERS"]:
        out["src/" + pathlib.Path(path).name] = (ROOT / path).read_text()
    for name in ("PopclClient.h", "PopclClient.cpp"):
        out["src/" + name] = (ROOT / "port/arduino" / name).read_text()
    for path in [*lists["CORE_SOURCES"], *lists["AUTH_SOURCES"], *(str(one.relative_to(ROOT)) for part in ("core", "auth") for one in ROOT.glob(f"src/{part}/*.h"))]:
        # Only src/ is searched: from src/popcl/core the header of BearSSL is one folder up
        out["src/popcl/" + path.removeprefix("src/")] = renamed((ROOT / path).read_text()).replace('"popcl_bearssl.h"', '"../bearssl/popcl_bearssl.h"')
    for path in [*(tree / "src" / name for name in HASHES), tree / "src/inner.h", tree / "src/config.h", *tree.glob("inc/*.h")]:
        name = path.name.replace("bearssl", "popcl_bearssl")
        out["src/popcl/bearssl/" + name] = renamed(path.read_text())
    out["src/popcl/bearssl/LICENSE.txt"] = (tree / "LICENSE.txt").read_text()
    for path in sorted(HERE.glob("arduino/examples/*/*.ino")):
        out[str(path.relative_to(HERE / "arduino"))] = path.read_text()
    return out


def arduino(folder, tree):
    name = f"popcl-{project.values()['VERSION']}-arduino"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / (name + ".zip"), "w") as archive:
        for path, text in sorted(arduino_files(tree).items()):
            archive.writestr(zipfile.ZipInfo(f"{name}/{path}", (2026, 1, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED)
    return folder / (name + ".zip")


def platformio():
    """library.json"""
    return project.fill((HERE / "platformio/library.json.in").read_text())


def cmsis():
    """popcl.popcl.pdsc"""
    lists = sources.lists()
    bearssl = [f"bearssl/{line}" for line in (HERE / "bearssl.files").read_text().split("\n") if line.startswith("src/") and line.endswith(".c")]
    rows = {"CORE": lists["CORE_SOURCES"] + lists["AUTH_SOURCES"], "TLS": lists["TLS_SOURCES"], "BEARSSL": bearssl,
            **{name: lists[name + "_SOURCES"] for name in ("LWIP_RAW", "LWIP_SOCKETS", "FREERTOS_TCP")}}
    more = {name: "\n".join(f'        <file category="source" name="{path}"/>' for path in paths) for name, paths in rows.items()}
    return project.fill((HERE / "cmsis/popcl.pdsc.in").read_text(), more)


def component():
    """idf_component.yml"""
    return project.fill((HERE / "esp-idf/popcl/idf_component.yml.in").read_text())


def with_bearssl():
    """{name in popcl-X.Y.Z-with-bearssl: its text}"""
    return {"library.json": platformio(), "popcl.popcl.pdsc": cmsis(), "packaging/esp-idf/popcl/idf_component.yml": component()}


def main(words):
    if len(words) == 3 and words[0] == "arduino":
        print(arduino(pathlib.Path(words[1]), pathlib.Path(words[2])))
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
