# SPDX-License-Identifier: MIT
"""Runs x509check over the chains of table.py. Prints TAP, a result for each row. The program is $X509CHECK, build/x509check if that is not set.

    run.py [PATTERN]       only rows whose title holds it, each with what the program said
    run.py --write DIR     writes chains and anchors to files of DIR, one folder a row
    run.py --seeds DIR     the same as inputs of tests/fuzz/fuzz_*.c, in DIR/guard, DIR/leaf and DIR/pem
"""
import concurrent.futures
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import certs  # noqa: E402
import prose  # noqa: E402
import table  # noqa: E402
from results import Results  # noqa: E402

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
    for one in row.denied:
        command += ["--deny", one]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    wanted = ("accepted OK", 0) if row.want == "OK" else ("refused ERR_" + row.want.removeprefix("ERR_"), 1)
    lines = done.stdout.splitlines() or [""]
    second = lines[1] if len(lines) > 1 else ""
    told = second.removeprefix("names ") if second.startswith("names ") else None
    said = (lines[0].split(":")[0], done.returncode)
    if said != wanted:
        return f"wanted {wanted[0]}, got {said[0]}, exit {said[1]} {done.stderr}", done.stdout
    if row.end_point is not None and second.strip() != ("end-point " + row.end_point).strip():
        return f"wanted end-point {row.end_point}, got {second!r}", done.stdout
    if row.names is not None and told != row.names:
        return f"wanted names {row.names!r}, got {told!r}", done.stdout
    refused = next((line.removeprefix("certificate ") for line in lines if line.startswith("certificate ")), "")
    if row.refused is not None and refused != row.refused:
        return f"wanted certificate {row.refused!r}, got {refused!r}", done.stdout
    if bool(refused) != (row.want.startswith("CERT_") and bool(row.chain)):
        return f"which certificate was refused: {refused!r}", done.stdout
    if row.want not in ("CERT_NAME", "CERT_NO_SAN") and told is not None:
        return f"tells names, though they are not at fault: {told!r}", done.stdout
    return "", done.stdout


FUZZERS = ("guard", "leaf", "pem")
FUZZ_HOSTS = (table.HOST, "192.0.2.1", "2001:db8::1", "a.b.example.org")  # of fuzz_guard.c


def seeds(target, row):
    """Inputs of a fuzzer, made from a row."""
    if target == "pem":
        return ["".join(map(certs.to_pem, row.anchors + row.chain)).encode()]
    host = FUZZ_HOSTS.index(row.host) if row.host in FUZZ_HOSTS else 0
    if target == "leaf":
        return [bytes([(i == 0) | (host != 0) << 1]) + cert for i, cert in enumerate(row.chain)]
    pins = bytes.fromhex(row.pins[-1].removeprefix("sha256:")) if row.pins else bytes(32)
    framed = [len(cert).to_bytes(2, "big") + cert for cert in row.anchors[:2] + row.chain if len(cert) < 65536]
    return [bytes([host | bool(row.pins) << 2 | row.title.startswith("own,") << 3 | bool(row.denied) << 5]) + pins + bytes([len(row.anchors[:2])]) + b"".join(framed)]


def main():
    if sys.argv[1:2] == ["--seeds"] and len(sys.argv) == 3:
        for target in FUZZERS:
            os.makedirs(os.path.join(sys.argv[2], target))
            for i, row in enumerate(table.ROWS):
                for k, seed in enumerate(seeds(target, row)):
                    with open(os.path.join(sys.argv[2], target, f"{i:03}-{k}"), "wb") as octets:
                        octets.write(seed)
        return 0
    if sys.argv[1:2] == ["--write"] and len(sys.argv) == 3:
        for i, row in enumerate(table.ROWS):
            write(os.path.join(sys.argv[2], f"{i:03}"), row)
        return 0
    rows = [row for row in table.ROWS if all(word in row.title for word in sys.argv[1:])]
    results = Results()
    with tempfile.TemporaryDirectory(prefix="x509") as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        for row, (complaint, said) in zip(rows, pool.map(lambda r: run(os.path.join(folder, str(id(r))), r), rows)):
            results.add(row.title, complaint)
            if len(sys.argv) > 1:
                results.say(said)
    if len(sys.argv) == 1:
        results.add("the number of chains in README.md", prose.differs(prose.CHAINS, f"{len(rows):,}"))
    return results.end()


if __name__ == "__main__":
    sys.exit(main())
