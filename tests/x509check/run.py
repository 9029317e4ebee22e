"""Runs x509check over the chains of table.py, and the mutations of tests/x509check/mutate.c if it was built. Prints a line for each row that gets
another verdict, and at last `N passed, N failed`. The program is $X509CHECK, build/x509check if that is not set.

    run.py [PATTERN]       only rows whose title holds it, each with what the program said
    run.py --write DIR     writes chains and anchors to files of DIR, one folder a row: to look at, and as seeds for the fuzzers
"""
import concurrent.futures
import os
import subprocess
import sys
import tempfile

import certs
import table

PROGRAM = os.environ.get("X509CHECK", "build/x509check")


def write(folder, row):
    os.makedirs(folder)
    for what, ders in (("chain", row.chain), ("anchors", row.anchors)):
        with open(os.path.join(folder, what + ".pem"), "w", encoding="ascii") as text:
            text.write("".join(map(certs.to_pem, ders)) or "none\n")


def run(folder, row):
    """(complaint or "", what the program said)"""
    write(folder, row)
    command = [PROGRAM, "--host", row.host, "--time", row.time, "--profile", row.profile, "--chain", os.path.join(folder, "chain.pem")]
    if row.anchors:
        command += ["--anchors", os.path.join(folder, "anchors.pem")]
    for one in row.pins:
        command += ["--pin", one]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    wanted = ("accepted OK", 0) if row.want == "OK" else ("refused ERR_" + row.want.removeprefix("ERR_"), 1)
    lines = done.stdout.splitlines() or [""]
    told = lines[1].removeprefix("names ") if len(lines) > 1 else None
    said = (lines[0].split(":")[0], done.returncode)
    if said != wanted:
        return f"wanted {wanted[0]}, got {said[0]}, exit {said[1]} {done.stderr}", done.stdout
    if row.names is not None and told != row.names:
        return f"wanted names {row.names!r}, got {told!r}", done.stdout
    if row.want not in ("CERT_NAME", "CERT_NO_SAN") and told is not None:
        return f"tells names, though they are not at fault: {told!r}", done.stdout
    return "", done.stdout


def main():
    if sys.argv[1:2] == ["--write"] and len(sys.argv) == 3:
        for i, row in enumerate(table.ROWS):
            write(os.path.join(sys.argv[2], f"{i:03}"), row)
        return 0
    rows = [row for row in table.ROWS if all(word in row.title for word in sys.argv[1:])]
    failed = 0
    with tempfile.TemporaryDirectory(prefix="x509") as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        for row, (complaint, said) in zip(rows, pool.map(lambda r: run(os.path.join(folder, str(id(r))), r), rows)):
            failed += bool(complaint)
            if complaint:
                print(f"{row.title}: {complaint}")
            elif len(sys.argv) > 1:
                print(f"{row.title}: {said.strip()}")
    print(f"{len(rows) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
