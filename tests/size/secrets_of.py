# SPDX-License-Identifier: MIT
"""No object that touches a secret has an instruction whose time depends on its operands, on a Cortex-M3: secrets.txt says which do, the linker's
map where they lie in an image, the image what they are made of."""
import os
import re

import image
import size

UNEVEN = re.compile(r"\t(umull|smull|umlal|smlal|udiv|sdiv)\b")
# The compiler's own divisions, which an object calls: their time depends on the numbers too.
DIVISIONS = re.compile(r"\tb(?:l|\.w)?\t[0-9a-f]+ <(__aeabi_u?(?:idiv|ldiv)(?:mod)?|__udivmoddi4|__divdi3|__udivdi3)>")


def listed():
    """{file: secrets, or None where there are none}."""
    result = {}
    with open(os.path.join(size.HERE, "secrets.txt"), encoding="utf-8") as lines:
        for line in lines:
            words = line.split("#")[0].split(None, 1)
            if words:
                result[words[0]] = None if words[1].startswith("-") else words[1].strip()
    return result


def uneven(made):
    """{file: instructions} of an image: those of uneven time, and calls of divisions."""
    found = {}
    for address, text in made.instructions():
        match = UNEVEN.search(text) or DIVISIONS.search(text)
        if match:
            found.setdefault(made.file_at(address), []).append(match.group(1))
    return found


def results(name, made):
    """Yields (rule, complaint or "") for each file of an image."""
    secrets, found = listed(), uneven(made)
    for whose, file in sorted(made.octets):
        if whose not in ("popcl", "BearSSL"):
            continue
        if file not in secrets:
            yield f"{name}: {file}: secrets", "is not in tests/size/secrets.txt"
        elif secrets[file]:
            yield f"{name}: {file}: no instruction of uneven time on secrets", f"has {', '.join(sorted(set(found.get((whose, file), []))))}" \
                if (whose, file) in found else ""


def table_rows(images):
    """[file, secrets, which image's profiles hold it] of all files with secrets."""
    rows = []
    for file, what in listed().items():
        holders = [name for name, made in images.items() if any(key[1] == file for key in made.octets)]
        if what and holders:
            rows.append([file, what, ", ".join(f"`{name}`" for name in holders)])
    return rows
