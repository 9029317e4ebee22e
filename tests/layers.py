# SPDX-License-Identifier: MIT
"""Checks that includes point downward, and that the core sees no system: reads #include lines and this table, and compiles nothing.
popcl.cmake must list every source, and the project's address is in packaging/project.mk alone.

A row says what a module (a .c and a .h of one name, or a public header) may include beside its own header. Rows are in order, from the
bottom up: a row that names one below itself is an error of the table. What is not in the table is an error too. A layer is some rows of one kind;
pictures/layering.py draws docs/layers.svg from them.
Prints TAP.
"""
import fnmatch
import glob
import os
import re
import sys

from results import Results

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "packaging"))
import project  # noqa: E402
import sources  # noqa: E402

HEADERS = {
    "popcl_config": "",
    "popcl_errors": "",
    "popcl_seen": "popcl_errors",
    "popcl": "popcl_config popcl_errors",
    "popcl_command": "popcl",
    "popcl_auth": "popcl",
    "popcl_fetch": "popcl popcl_auth",
    "popcl_net": "popcl",
    "popcl_tls": "popcl",
    "popcl_blob": "popcl_tls",
}
CORE = {
    "zero": "",
    "seed": "popcl",
    "text": "popcl",
    "errors": "popcl_errors",
    "err_name": "errors",
    "err_what": "errors",
    "err_cause": "errors",
    "err_advice": "errors",
    "siphash": "",
    "seen": "popcl_seen siphash",
    "wire": "popcl",
    "uid": "popcl",
    "reply": "popcl popcl_command wire uid",
    "command": "popcl_command reply text zero",
    "link": "popcl zero",
    "link_clear": "link zero",
}
MACHINE = {
    "owner": "popcl_command",
    "machine": "owner wire reply command link zero",
    "pumps": "machine command link zero",
    "field": "owner",
}
LOGIN = {
    "refusal": "popcl popcl_command",
    "auth": "popcl_command popcl_fetch refusal",
    "base64": "popcl text zero",
    "hmac": "popcl text zero",
    "sasl": "auth base64 text",
    "saslprep": "popcl",
    "scram": "auth base64 hmac owner sasl saslprep seed zero",
    "scram_plus": "owner scram",
}
JOB = {
    "plan": "popcl_fetch",
    "fetch": "popcl_fetch owner errors plan auth text zero",
    "fetch_login": "fetch auth text zero",
    "fetch_choice": "fetch auth",
    "fetch_utf8": "fetch text",
    "fetch_list": "fetch plan",
    "fetch_messages": "fetch plan",
    "run": "popcl popcl_net",
}
TLS = {
    "name": "",
    "key": "popcl_tls",
    "constraints": "popcl_tls name",
    "entry": "popcl_tls constraints",
    "grammar": "popcl_tls",
    "leaf": "popcl_tls constraints grammar",
    "element": "popcl_tls constraints grammar key leaf name",
    "profile": "popcl_tls link key",
    "guard": "popcl_tls profile name leaf key entry",
    "collect": "popcl_tls guard leaf",
    "pin": "popcl_tls profile key",
    "blob": "popcl_blob profile entry",
    "popcl_tofu": "popcl_fetch popcl_tls",
    "tofu": "popcl_tofu auth",
    "resume": "popcl_tls link profile zero",
    "link_tls": "link seed profile name resume text zero",
}
LAYERS = {  # from the bottom up: the name of a layer and what is to be known of it, and its rows
    "public headers: all is written against them": HEADERS,
    "core: octets and values": CORE,
    "machine of a session: commands in flight, replies, deadlines": MACHINE,  # pumps.c has what is called from outside
    "login: knows no session": LOGIN,
    "job: an owner of the machine": JOB,
    "TLS: knows no POP3": TLS,
}
MODULES = {module: allowed for rows in LAYERS.values() for module, allowed in rows.items()}
FAMILIES = {  # what the files of a family may include that have no row of their own: a new one needs no line here
    "src/auth/*.c": "auth base64 hmac sasl text zero",
    "src/tls/profile_*.c": "profile",
}
FOLDERS = {  # what the files of a folder may include besides each other
    "port/bsd": "popcl_net",
    "port/posix": "wait race connection popcl popcl_fetch popcl_net popcl_seen popcl_errors popcl_config",
    "port/posix/no_fork": "posix_internal",
    "port/lwip": "wait in_turn connection popcl popcl_net popcl_errors popcl_config",
    "port/zephyr": "wait in_turn connection repeat popcl popcl_net popcl_errors popcl_config",
    "port/esp-tls": "wait repeat popcl popcl_net popcl_errors popcl_config",
    "port/callbacks": "popcl popcl_net popcl_errors",
    "port/TEMPLATE": "port_under_test popcl popcl_net popcl_errors",  # also for each port that has no row of its own
    "src/host": "file_calls name profile popcl_tls popcl_blob",
    "src/tools/common": "file_calls chain popcl_posix popcl_tls popcl_net popcl_command",
    "src/tools/popcl": "files number pin probe shellword file_calls chain signer trust utc whole popcl_blob popcl_posix popcl_posix_store popcl_posix_trust popcl_tls popcl popcl_net popcl_command popcl_fetch popcl_seen popcl_errors popcl_config siphash process popcl_posix_line_ends popcl_posix_mbox popcl_posix_pipe nearest",
    "src/tools/popcl-ta": "files file_calls number pin probe shellword anchor pem signer utc whole entry key popcl popcl_tls popcl_blob nearest",
    "examples/firmware": "popcl_lwip_raw popcl_lwip_sockets popcl_blob popcl_tls popcl popcl_fetch popcl_net popcl_seen popcl_errors",
    "examples": "backoff popcl_mbedtls popcl_quectel popcl_posix popcl_posix_store popcl_posix_trust popcl_tls popcl popcl_net popcl_command popcl_fetch popcl_seen popcl_errors popcl_config",
}
PURE = {"string.h", "stddef.h", "stdint.h", "limits.h"}  # system headers of the core: no I/O, no heap, no locale, no errno
PUBLIC = {"stddef.h", "stdint.h"}  # of the public headers
HASHES = ("src/auth/", "src/core/uid.c", "src/tls/", "include/popcl_tls.h")  # who may include bearssl.h; a user of popcl.h needs none

MODEL_DRIVER = {"tests/model/test_model.c"}  # knows popcl; the other files of tests/model are the model that popcl is compared with


PORTS_OWN = re.compile(r"port/[^/]+$")


def is_ours(name):
    """Whether popcl has a header of this name. A port also includes those of its system."""
    return bool(glob.glob(f"src/**/{name}", recursive=True) or glob.glob(f"include/{name}") or glob.glob(f"port/*/{name}"))


def module_of(path):
    return os.path.splitext(os.path.basename(path))[0]


def includes(path):
    with open(path, encoding="utf-8") as text:
        for number, line in enumerate(text, 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if match:
                yield number, match.group(1) == "<", match.group(2)


def judge_system(path, name):
    if name == "bearssl.h":
        return "" if path.startswith(HASHES) or path.startswith(("src/tools/", "src/host/", "port/")) else "only hashes and TLS may know BearSSL"
    if path.startswith(("src/core/", "src/auth/")) and name not in PURE:
        return "the core includes no system header but " + ", ".join(sorted(PURE))
    if path.startswith("include/") and name not in PUBLIC:
        return "a public header includes no system header but " + ", ".join(sorted(PUBLIC))
    return ""


def judge_own(path, name):
    target, folder = module_of(name), os.path.dirname(path)
    if (path, name) == ("include/popcl_config.h", "popcl_user_config.h"):
        return ""  # a user's settings
    if folder == "examples/firmware" and name.startswith(("lwip/", "arch/", "netif/")):
        return ""  # lwIP's own
    if folder not in FOLDERS and PORTS_OWN.match(folder):
        allowed = FOLDERS["port/TEMPLATE"] if is_ours(name) else target
    else:
        allowed = FOLDERS.get(folder)
    if allowed is not None:
        beside = os.path.exists(os.path.join(folder, name)) and "/" not in name
        return "" if beside or target in allowed.split() else f"{folder} may include its own and {allowed}"
    module = module_of(path)
    allowed = MODULES.get(module, next((row for family, row in FAMILIES.items() if fnmatch.fnmatch(path, family)), None))
    if allowed is None:
        return f"the module {module} is not in the table of tests/layers.py"
    if target == module or target in allowed.split():
        return ""
    return f"{module} may include: {allowed or 'nothing'}"


def check_table():
    rows = [module for layer in LAYERS.values() for module in layer]
    yield "tests/layers.py: each row is there once", ", ".join(sorted({row for row in rows if rows.count(row) > 1}))
    for family, allowed in FAMILIES.items():
        for name in allowed.split():
            yield f"tests/layers.py: {family} -> {name}", "" if name in rows else "the table has no such row"
    for row, allowed in MODULES.items():
        for name in allowed.split():
            yield f"tests/layers.py: {row} -> {name}", "" if name in rows[: rows.index(row)] else "the table points upward"


def check_files():
    folders = {"include", "src/core", "src/auth", "src/tls", *FOLDERS, *glob.glob("port/*")}
    for path in sorted(path for folder in folders for path in glob.glob(folder + "/*.[ch]") + glob.glob(folder + "/*.inc")):
        for number, system, name in includes(path):
            yield f"{path}:{number}: {name}", (judge_system if system else judge_own)(path, name)
    for path in sorted(set(glob.glob("tests/model/*.[ch]")) - MODEL_DRIVER):
        for number, system, name in includes(path):
            known = name in ("model.h", "rules.h", "server.h") or (system and name != "bearssl.h")
            yield f"{path}:{number}: {name}", "" if known else "the model knows nothing of popcl"


def main():
    os.chdir(ROOT)
    results = Results()
    results.add_all(check_table())
    results.add_all(check_files())
    results.add_all(sources.checks())
    found = [f"{path}: {value}" for path, value in project.copies()]
    results.add("the project's address is in packaging/project.mk alone", "\n".join(found))
    return results.end()


if __name__ == "__main__":
    sys.exit(main())
