# SPDX-License-Identifier: MIT
"""Writes popcl.cmake, the list of sources that every build system uses, from the folders and the table below; reads it for those that are
no CMake. A source that no row of the table takes is an error. The Makefile reads the folders itself.

    sources.py --write      writes popcl.cmake (make update-sources)
    sources.py LIST...      prints the files of these lists, such as CORE_SOURCES
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILE = "popcl.cmake"

# A list: a comment, and its files. `-` leaves one out. A folder that is not there gives no list. Each other folder of port/ is a list too.
TABLE = {
    "CORE_SOURCES": ("the session and the fetch job", "src/core/*.c"),
    "AUTH_SOURCES": ("logins", "src/auth/*.c"),
    "TLS_SOURCES": ("TLS over BearSSL, certificates, trust", "src/tls/*.c"),
    "HOST_SOURCES": ("trust anchors from files of certificates, for POSIX", "src/host/*.c"),
    "POSIX_SOURCES": ("the port for POSIX, and its stores", "port/posix/*.c"),
    "POSIX_NO_FORK_SOURCES": ("the same for a system without fork", "port/posix/*.c port/posix/no_fork/*.c -port/posix/resolve.c"),
    "LWIP_RAW_SOURCES": ("the port for lwIP without threads", "port/lwip/raw.c"),
    "LWIP_SOCKETS_SOURCES": ("the port for lwIP and a task", "port/lwip/sockets.c"),
    "MBEDTLS_SOURCES": ("TLS by Mbed TLS, over another port", "port/mbedtls/*.c"),
    "ZEPHYR_SOURCES": ("the port for Zephyr", "port/zephyr/*.c"),
    "ESP_TLS_SOURCES": ("TLS by esp_tls of ESP-IDF", "port/esp-tls/*.c"),
    "FREERTOS_TCP_SOURCES": ("the port for FreeRTOS+TCP", "port/freertos-tcp/*.c"),
    "CALLBACKS_SOURCES": ("the port for a stack of your own with callbacks", "port/callbacks/*.c"),
    "QUECTEL_SOURCES": ("the port for modems of Quectel, over AT commands", "port/quectel/*.c"),
    "COMMON_SOURCES": ("what both programs share", "src/tools/common/*.c"),
    "COMMAND_SOURCES": ("the command popcl", "src/tools/popcl/*.c"),
    "TA_SOURCES": ("the command popcl-ta", "src/tools/popcl-ta/*.c"),
    "HEADERS": ("public headers", "include/*.h -include/popcl_tls.h -include/popcl_blob.h -include/popcl_tofu.h"),
    "TLS_HEADERS": ("public headers that include bearssl.h", "include/popcl_tls.h include/popcl_blob.h include/popcl_tofu.h"),
    "HOST_HEADERS": ("public headers of HOST", "src/host/popcl_*.h"),
    "LWIP_HEADERS": ("public headers of LWIP_RAW and LWIP_SOCKETS", "port/lwip/popcl_*.h"),
    "POSIX_HEADERS": ("public headers of POSIX", "port/posix/popcl_*.h"),
    "FREERTOS_TCP_HEADERS": ("public headers of FREERTOS_TCP", "port/freertos-tcp/popcl_*.h"),
    "CALLBACKS_HEADERS": ("public headers of CALLBACKS", "port/callbacks/popcl_*.h"),
    "QUECTEL_HEADERS": ("public headers of QUECTEL", "port/quectel/popcl_*.h"),
}
NO_SOURCES = ("port/TEMPLATE/", "/under_test.c")  # a template, and what only the suite for ports compiles

HEAD = """# SPDX-License-Identifier: MIT
# popcl.cmake - the sources of popcl by part, relative to this folder. It sets lists and does nothing else: include it in a build of your own.
# Each source is C99, and compiles with `include`, the folder of BearSSL's headers and, for a port, the port's folder.
# `make update-sources` writes this file.
"""


def files(patterns):
    wanted = {path for pattern in patterns.split() if pattern[0] != "-" for path in ROOT.glob(pattern)}
    found = {str(path.relative_to(ROOT)) for path in wanted} - {pattern[1:] for pattern in patterns.split() if pattern[0] == "-"}
    return sorted(path for path in found if not any(part in path for part in NO_SOURCES))


def table():
    """TABLE, and a row for each port that it does not name."""
    named = " ".join(patterns for _, patterns in TABLE.values())
    others = [path.name for path in sorted((ROOT / "port").iterdir()) if path.is_dir() and f"port/{path.name}/" not in named]
    return {**TABLE, **{re.sub(r"\W", "_", name).upper() + "_SOURCES": (f"the port {name}", f"port/{name}/*.c") for name in others}}


def written():
    """popcl.cmake, as it must be."""
    out = [HEAD]
    for name, (comment, patterns) in table().items():
        listed = files(patterns)
        if listed:
            out.append(f"# {comment}\nset(POPCL_{name}\n    " + "\n    ".join(listed) + ")\n")
    return "\n".join(out)


def lists():
    """{"CORE_SOURCES": ["src/core/...", ...], ...} as popcl.cmake has them."""
    text = (ROOT / FILE).read_text()
    return {name: body.split() for name, body in re.findall(r"^set\(POPCL_(\w+)\n(.*?)\)$", text, re.M | re.S)}


def checks():
    """(what is checked, what is wrong or ""): for tests/layers.py."""
    listed = {path for paths in lists().values() for path in paths}
    there = {str(path.relative_to(ROOT)) for folder in ("src", "port") for path in (ROOT / folder).rglob("*.c")}
    for path in sorted(there - listed):
        if not any(part in path for part in NO_SOURCES):
            yield f"{path} is in a list of {FILE}", "it is in none: run make update-sources, or add a row to packaging/sources.py"
    for path in sorted(path for path in listed if not (ROOT / path).is_file()):
        yield f"{path} of {FILE} is there", "it is not: run make update-sources"
    yield f"{FILE} is what packaging/sources.py writes", "" if (ROOT / FILE).read_text() == written() else "run: make update-sources"


def main(words):
    if words == ["--write"]:
        (ROOT / FILE).write_text(written())
    elif words and set(words) <= set(table()):
        print("\n".join(path for word in words for path in lists().get(word, [])))
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
