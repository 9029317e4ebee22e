# SPDX-License-Identifier: MIT
"""Writes the recipes of Buildroot, OpenWrt, Yocto and Nix, with the version and the hashes of a release's archives.

    recipes.py ARCHIVES FOLDER     ARCHIVES: the folder with what dist.py made

A recipe goes into a tree of its system: package/popcl of Buildroot, mail/popcl of OpenWrt's packages, recipes-*/popcl of a layer.
"""
import hashlib
import pathlib
import sys

import project

ROOT = pathlib.Path(__file__).resolve().parent.parent
SYSTEMS = ("buildroot", "openwrt", "yocto", "nix")


def digest(path, kind="sha256"):
    if not path.is_file():
        raise SystemExit(f"recipes.py: there is no {path}: run make dist")
    return hashlib.new(kind, path.read_bytes()).hexdigest()


def main(words):
    if len(words) != 2:
        raise SystemExit(__doc__)
    archives, out = map(pathlib.Path, words)
    name = "popcl-" + project.values()["VERSION"]
    values = {
        "SHA256": digest(archives / f"{name}.tar.gz"),
        "BUNDLE_SHA256": digest(archives / f"{name}-with-bearssl.tar.gz"),
        "LICENSE_SHA256": digest(ROOT / "LICENSE"),
        "LICENSE_MD5": digest(ROOT / "LICENSE", "md5"),
    }
    for system in SYSTEMS:
        (out / system).mkdir(parents=True, exist_ok=True)
        for path in (ROOT / "packaging" / system).iterdir():
            to = f"popcl_{project.values()['VERSION']}.bb" if path.suffix == ".bb" else path.name.replace(".mk.in", ".mk")  # bitbake reads the version there
            (out / system / to).write_text(project.fill(path.read_text(), values))


if __name__ == "__main__":
    main(sys.argv[1:])
