# SPDX-License-Identifier: MIT
"""No object that touches a secret has an instruction whose time depends on its operands, on a core: secrets.txt says which do, the linker's
map where they lie in an image, the image what they are made of."""
import os
import re

import image
import size


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
    """{file: instructions} of an image: those of uneven time, and calls of the compiler's divisions."""
    found, core = {}, made.core
    for address, text in made.instructions():
        match, called = re.search(core.uneven, text), re.search(core.call, text)
        if match or called and re.fullmatch(core.divisions, called.group(1)):
            found.setdefault(made.file_at(address), []).append((match or called).group(1))
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
