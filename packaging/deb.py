# SPDX-License-Identifier: MIT
"""Builds the Debian packages of this tree by dpkg-buildpackage, without the network: popcl, popcl-ta, libpopcl-dev and their source package.

    deb.py FOLDER [OPTION...]     works in FOLDER, which is emptied first; OPTIONs are dpkg-buildpackage's

The files of packaging/debian are templates: the version, and what project.mk has, come from there.
"""
import email.utils
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile

import dist
import project

ROOT = pathlib.Path(__file__).resolve().parent.parent


def licence():
    """LICENSE as a field of debian/copyright."""
    lines = (ROOT / "LICENSE").read_text().strip().splitlines()[4:]  # without its title and the copyright, which have fields of their own
    return "\n".join(f" {line or '.'}" for line in lines)


def write_debian(folder, epoch):
    values = {"DATE": email.utils.formatdate(epoch), "LICENSE_TEXT": licence()}
    for path in sorted(path for path in (ROOT / "packaging/debian").rglob("*") if path.is_file()):
        to = folder / path.relative_to(ROOT / "packaging/debian")
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(project.fill(path.read_text(), values))
        to.chmod(path.stat().st_mode & 0o755)


def main(words):
    if not words:
        raise SystemExit(__doc__)
    if not shutil.which("dpkg-buildpackage"):
        raise SystemExit("deb.py: there is no dpkg-buildpackage: install dpkg-dev and debhelper")
    out = pathlib.Path(words[0]).resolve()
    shutil.rmtree(out, ignore_errors=True)
    name, version = project.values()["NAME"], project.values()["VERSION"]
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or dist.git("log", "-1", "--format=%ct"))
    dist.main([str(out)])
    original = (out / f"{name}-{version}.tar.gz").rename(out / f"{name}_{version}.orig.tar.gz")
    with tarfile.open(original) as tar:
        tar.extractall(out)
    tree = out / f"{name}-{version}"
    write_debian(tree / "debian", epoch)
    # What the caller's make has set is not for the packages.
    environment = {name: value for name, value in os.environ.items() if name not in ("B", "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")}
    done = subprocess.run(["dpkg-buildpackage", "-us", "-uc", *words[1:]], cwd=tree, env=environment, check=False)
    if done.returncode == 0:
        print("\n".join(str(path) for path in sorted(out.glob("*.deb"))))
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
