# SPDX-License-Identifier: MIT
"""The file of a record, read and written by a test: it sets days, sizes and the clock that the record has seen. The form is in
src/tools/popcl/recordform.h."""
import struct

HEAD, ENTRY = 64, 19
ABOUT_FLAGS = 0x13  # the entry of account and clock
UNKNOWN = (1 << 48) - 1
DAY = 86400


def siphash(data, key=bytes(16)):
    """SipHash-2-4."""
    mask = (1 << 64) - 1
    k0, k1 = struct.unpack("<QQ", key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def turn(x, by):
        return (x << by | x >> (64 - by)) & mask

    def rounds(times):
        for _ in range(times):
            v[0] = (v[0] + v[1]) & mask
            v[1] = turn(v[1], 13) ^ v[0]
            v[0] = turn(v[0], 32)
            v[2] = (v[2] + v[3]) & mask
            v[3] = turn(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & mask
            v[3] = turn(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & mask
            v[1] = turn(v[1], 17) ^ v[2]
            v[2] = turn(v[2], 32)

    whole = len(data) // 8 * 8
    last = int.from_bytes(data[whole:], "little") | (len(data) & 255) << 56
    for word in [*(int.from_bytes(data[i:i + 8], "little") for i in range(0, whole, 8)), last]:
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 255
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


class Entry:
    """One message: `hash`, `size`, `day`, `state`, `flags`, `tries`."""

    def __init__(self, octets):
        self.hash = int.from_bytes(octets[:8], "big")
        self.size = int.from_bytes(octets[8:14], "big")
        self.day, self.state, self.flags, self.tries = struct.unpack(">HBBB", octets[14:])

    def octets(self):
        return struct.pack(">Q", self.hash) + self.size.to_bytes(6, "big") + struct.pack(">HBBB", self.day, self.state, self.flags, self.tries)


class Saved:
    """A record that a run wrote. `about`: account and clock (None: it has none); `entries`: its messages."""

    def __init__(self, path):
        self.path = path
        octets = path.read_bytes()
        assert octets[:4] == b"PRC2" and int.from_bytes(octets[-8:], "big") == siphash(octets[:-8]), path
        self.head = octets[:HEAD]
        entries = [Entry(octets[at:at + ENTRY]) for at in range(HEAD, len(octets) - 8, ENTRY)]
        about = [e for e in entries if e.flags == ABOUT_FLAGS]
        self.about = about[0] if about else None
        self.entries = [e for e in entries if e.flags != ABOUT_FLAGS]

    def of(self, uid):
        """The entry of a UID."""
        wanted = siphash(uid.encode(), self.head[8:24])
        return next(e for e in self.entries if e.hash == wanted)

    def age(self, days):
        """Makes all that the record knows so many days older, as if its runs had been earlier."""
        for entry in self.entries:
            entry.day -= days
        self.write()

    def write(self):
        entries = ([self.about] if self.about else []) + self.entries
        octets = self.head[:4] + len(entries).to_bytes(4, "big") + self.head[8:] + b"".join(e.octets() for e in entries)
        self.path.write_bytes(octets + siphash(octets).to_bytes(8, "big"))
