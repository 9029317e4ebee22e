# SPDX-License-Identifier: MIT
"""Makes the archives of a release: popcl-X.Y.Z.tar.gz with the files that git knows, and popcl-X.Y.Z-with-bearssl.tar.gz, which also has the
files of BearSSL that popcl links, with its licence, SBOM.spdx (SPDX 2.3), and a file each for PlatformIO, CMSIS-Pack and ESP-IDF. The second one builds with no other library. Two runs make the
same octets: times are those of the last commit, or SOURCE_DATE_EPOCH.

    dist.py FOLDER [BEARSSL]        BEARSSL: its source tree; without it the second archive is not made
"""
import datetime
import gzip
import hashlib
import io
import os
import pathlib
import subprocess
import sys
import tarfile

import bearssl
import embedded
import project

ROOT = pathlib.Path(__file__).resolve().parent.parent


def git(*words):
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"dist.py: git {words[0]}: {done.stderr.strip()}. An archive is made from a clone.")
    return done.stdout


def archive(path, prefix, epoch, members):
    """A tar.gz of {name: (octets, executable)}, the same octets for the same members."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(members):
            octets, executable = members[name]
            info = tarfile.TarInfo(f"{prefix}/{name}")
            info.size, info.mtime, info.mode = len(octets), epoch, 0o755 if executable else 0o644
            tar.addfile(info, io.BytesIO(octets))
    with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, file, epoch) as packed:
        packed.write(raw.getvalue())
    print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}")


def member(path):
    return path.read_bytes(), bool(path.stat().st_mode & 0o100)


SBOM = """SPDXVersion: SPDX-2.3
DataLicense: CC0-1.0
SPDXID: SPDXRef-DOCUMENT
DocumentName: @NAME@-@VERSION@-with-bearssl
DocumentNamespace: @URL@/spdx/@NAME@-@VERSION@-with-bearssl-@CODE@
Creator: Organization: @MAINTAINER@ (@EMAIL@)
Created: @CREATED@
Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-popcl
Relationship: SPDXRef-popcl CONTAINS SPDXRef-bearssl

PackageName: @NAME@
SPDXID: SPDXRef-popcl
PackageVersion: @VERSION@
PackageSupplier: Organization: @MAINTAINER@ (@EMAIL@)
PackageDownloadLocation: @SOURCE_URL@
PackageHomePage: @URL@
FilesAnalyzed: false
PackageLicenseConcluded: @LICENSE@
PackageLicenseDeclared: @LICENSE@
PackageCopyrightText: NOASSERTION

PackageName: bearssl
SPDXID: SPDXRef-bearssl
PackageVersion: @BEARSSL@
PackageSupplier: Person: Thomas Pornin
PackageDownloadLocation: https://www.bearssl.org/
PackageHomePage: https://www.bearssl.org/
PackageComment: <text>Only the files that popcl links. None is changed.</text>
PackageVerificationCode: @CODE@
PackageLicenseConcluded: MIT
PackageLicenseInfoFromFiles: MIT
PackageLicenseDeclared: MIT
PackageCopyrightText: NOASSERTION
ExternalRef: PACKAGE-MANAGER purl pkg:generic/bearssl@@BEARSSL@
"""
SBOM_FILE = """
FileName: ./bearssl/%s
SPDXID: SPDXRef-file-%d
FileChecksum: SHA1: %s
FileChecksum: SHA256: %s
LicenseConcluded: MIT
LicenseInfoInFile: MIT
FileCopyrightText: NOASSERTION
"""


def sbom(tree, files, epoch):
    digests = {name: (hashlib.sha1((tree / name).read_bytes()).hexdigest(), hashlib.sha256((tree / name).read_bytes()).hexdigest()) for name in files}
    version = "0.6+git" if "BR_FEATURE_X509_TIME_CALLBACK" in (tree / "inc/bearssl_x509.h").read_text() else "0.6"
    created = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    code = hashlib.sha1("".join(sorted(sha1 for sha1, _ in digests.values())).encode()).hexdigest()
    text = project.fill(SBOM, {"CODE": code, "CREATED": created, "BEARSSL": version})
    return text + "".join(SBOM_FILE % (name, number, *digests[name]) for number, name in enumerate(files, 1))


def main(words):
    if len(words) not in (1, 2):
        raise SystemExit(__doc__)
    out = pathlib.Path(words[0])
    name = "popcl-" + project.values()["VERSION"]
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct"))
    paths = [path for path in git("ls-files", "-z").split("\0") if path and (ROOT / path).is_file()]
    members = {path: member(ROOT / path) for path in paths}
    out.mkdir(parents=True, exist_ok=True)
    archive(out / f"{name}.tar.gz", name, epoch, members)
    if words[1:]:
        tree = pathlib.Path(words[1]).resolve()
        files = bearssl.files(tree)
        missing = [file for file in files if not (tree / file).is_file()]
        if missing:
            raise SystemExit(f"dist.py: {tree} has no {', '.join(missing)}: packaging/bearssl.files is for another BearSSL. Run: make update-bearssl")
        members.update({f"bearssl/{file}": ((tree / file).read_bytes(), False) for file in files})
        members.update({path: (text.encode(), False) for path, text in embedded.with_bearssl().items()})
        members["SBOM.spdx"] = sbom(tree, files, epoch).encode(), False
        archive(out / f"{name}-with-bearssl.tar.gz", f"{name}-with-bearssl", epoch, members)


if __name__ == "__main__":
    main(sys.argv[1:])
