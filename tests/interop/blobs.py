# SPDX-License-Identifier: MIT
"""Signed trust ("blobs", docs/TRUST.md) made without popcl-ta, from the specification and with openssl's signatures. Knows no test.

    anchors = anchors_of(popcl_ta, root.file)                    entries are those that popcl-ta writes as C
    octets = blob(anchors, signer, key=1, sequence=7)            `signer`: anything with a key_file, P-256
"""
import hashlib
import re
import struct
import subprocess
import time

HEAD, ROW = 168, 36
DOMAIN = b"popcl-trust-blob"


def anchors_of(popcl_ta, *files):
    """[(hash of the name, entry)] of certificates."""
    text = subprocess.run([popcl_ta, "gen", "-q", *files], stdout=subprocess.PIPE, check=True, text=True).stdout
    arrays = {number: bytes(int(octet, 16) for octet in re.findall(r"0x(..)", body))
              for number, body in re.findall(r"unsigned char ca_entry_(\d+)\[\][^=]*= \{(.*?)\};", text, re.S)}
    rows = re.findall(r"\{\{(.*?)\}, ca_entry_(\d+), sizeof ca_entry_\2\}", text)
    assert rows and len(rows) == len(arrays)
    return [(bytes(int(octet, 16) for octet in name.split(",")), arrays[number]) for name, number in rows]


def raw_signature(der):
    """r and s, 32 octets each, of an ECDSA-Sig-Value (RFC 3279, 2.2.3)."""
    assert der[0] == 0x30 and der[1] == len(der) - 2 and der[2] == 2
    r_end = 4 + der[3]
    r, s = der[4:r_end], der[r_end + 2:r_end + 2 + der[r_end + 1]]
    return b"".join(number.lstrip(b"\0").rjust(32, b"\0") for number in (r, s))


def signed(head, signer):
    """The header with its signature."""
    done = subprocess.run(["openssl", "dgst", "-sha256", "-sign", signer.key_file], input=DOMAIN + head, capture_output=True, check=True)
    return head + raw_signature(done.stdout)


def blob(anchors, signer, key=0, sequence=1, floor=0, made_s=None, stale_s=0, scope="popcl-example", pins=(), denied=(), retired=0, features=0):
    """`pins`: (hash, first day, last day). `retired`: numbers of keys, as bits."""
    rows, entries = [], b""
    digests = sorted((name, hashlib.sha256(entry).digest()[:16], entry) for name, entry in anchors)
    end = HEAD + ROW * (len(digests) + len(pins) + len(denied))
    for name, digest, entry in digests:
        rows.append(struct.pack(">8s16sIH6x", name, digest, end + len(entries), len(entry)))
        entries += entry
    rows += [struct.pack(">32sHH", *pin) for pin in sorted(pins)] + [struct.pack(">32s4x", one) for one in sorted(denied)]
    index = b"".join(rows)
    head = struct.pack(">4sIIIqq16sHHHBBII8x32s", b"PTB1", end + len(entries), sequence, floor, int(time.time()) if made_s is None else made_s, stale_s,
                       hashlib.sha256(scope.encode()).digest()[:16], len(digests), len(pins), len(denied), ROW, key, retired, features,
                       hashlib.sha256(index).digest())
    return signed(head, signer) + index + entries
