# SPDX-License-Identifier: MIT
"""Makes golden_blob.h: a signed set of trust as docs/TRUST.md describes it, by Python's own packing, with a key and a signature of openssl. It
shares no line with popcl. The header is committed: a set that was made once must be readable for ever.

    golden_blob.py > tests/unit/golden_blob.h
"""
import hashlib
import struct
import subprocess
import sys
import tempfile

SCOPE = "golden device"
MADE, STALE = 1767225600, 1893456000  # 2026-01-01, 2030-01-01
WIDTH = 12


def openssl(*words, octets=None):
    return subprocess.run(["openssl", *words], input=octets, capture_output=True, check=True).stdout


def raw(signature):
    """r and s of an ECDSA signature in DER, 32 octets each."""
    numbers, at = [], 2
    for _ in range(2):
        n = signature[at + 1]
        numbers.append(int.from_bytes(signature[at + 2:at + 2 + n], "big").to_bytes(32, "big"))
        at += 2 + n
    return b"".join(numbers)


def public(path):
    """The uncompressed point, which ends the SubjectPublicKeyInfo."""
    return openssl("pkey", "-in", path, "-pubout", "-outform", "DER")[-65:]


def entry(kind, key, e=b"", flags=1, path_len=255):
    return struct.pack(">BBBBHHHH", kind, flags, path_len, len(e), len(key), 14610, 29220, 0) + key + e


def make(path):
    rsa = bytes([0xC5]) + hashlib.shake_256(b"no modulus of anybody").digest(254) + bytes([0xA1])
    entries = [(b"a root with RSA", entry(1, rsa, bytes([1, 0, 1]))), (b"a root with P-256", entry(23, public(path))),
               (b"a root with P-384", entry(24, bytes([4]) + bytes(range(96))))]
    pin, denied = hashlib.sha256(b"a pin").digest(), hashlib.sha256(b"a denied key").digest()
    end = 168 + 5 * 36
    rows = []
    for name, octets in entries:
        rows.append((hashlib.sha256(name).digest()[:8] + hashlib.sha256(octets).digest()[:16], octets))
    rows.sort()
    index, body = b"", b""
    for key, octets in rows:
        index += key + struct.pack(">IH6x", end + len(body), len(octets))
        body += octets
    index += pin + struct.pack(">HH", 20454, 65535) + denied + bytes(4)
    head = struct.pack(">4sIIIQQ16sHHHBBII8x32s", b"PTB1", end + len(body), 7, 5, MADE, STALE, hashlib.sha256(SCOPE.encode()).digest()[:16],
                       3, 1, 1, 36, 1, 1, 0, hashlib.sha256(index).digest())
    assert len(head) == 104
    signature = openssl("dgst", "-sha256", "-sign", path, octets=b"popcl-trust-blob" + head)
    return head + raw(signature) + index + body


def table(declaration, octets):
    lines = [", ".join(f"0x{o:02x}" for o in octets[i:i + WIDTH]) for i in range(0, len(octets), WIDTH)]
    return f"{declaration} = {{\n    " + ",\n    ".join(lines) + ",\n};\n"


def main():
    with tempfile.NamedTemporaryFile(suffix=".pem") as key, tempfile.NamedTemporaryFile(suffix=".pem") as other:
        for file in key, other:
            file.write(openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"))
            file.flush()
        blob = make(key.name)
        keys = public(other.name) + public(key.name)
    sys.stdout.write("/* SPDX-License-Identifier: MIT */\n/* golden_blob - a set of trust that golden_blob.py made; not to be changed. The second key signed\n"
                     " * it. */\n#ifndef GOLDEN_BLOB_H\n#define GOLDEN_BLOB_H\n\n/* clang-format off */\n"
                     + table("static const unsigned char golden_keys[2 * 65]", keys) + "\n"
                     + table(f"static const unsigned char golden_blob[{len(blob)}]", blob)
                     + "/* clang-format on */\n\n#endif\n")


if __name__ == "__main__":
    main()
