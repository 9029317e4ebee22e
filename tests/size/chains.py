# SPDX-License-Identifier: MIT
"""Writes the certificates and keys of count.c's server as C: chains.py FILE.c. They are made anew each time; their lengths, and so the
instructions that they cost, differ by a few octets."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
import pki  # noqa: E402

HOST = "mail.example.org"
# name: the keys of root, intermediate (None: there is none) and server; the digests with which intermediate and server are signed; the number of
# intermediates of the right name with a wrong key that come before the right one
CHAINS = {
    "p256": ("P-256", None, "P-256", "sha256", 0),
    "rsa": ("RSA-4096", "RSA-2048", "RSA-2048", "sha256", 0),
    "p384": ("P-384", "P-384", "P-256", "sha384", 0),
    "hostile": ("P-384", "P-384", "P-384", "sha384", 6),  # as many checks of signatures as a device makes, each as dear as can be
}


def octets(name, data):
    rows = (", ".join(f"0x{octet:02x}" for octet in data[at:at + 16]) for at in range(0, len(data), 16))
    return f"static const unsigned char {name}[] = {{\n    " + ",\n    ".join(rows) + "};\n"


def chain(made, name, root_key, middle_key, key, digest, wrong):
    root = made.root(f"Root {name}", key=root_key, digest=digest)
    issuer = root.issue(f"Intermediate {name}", ca=True, key=middle_key, digest=digest) if middle_key else root
    server = issuer.issue(f"Server {name}", key=key, san=[HOST], digest=digest)
    impostors = [root.issue(f"Intermediate {name}", ca=True, key=middle_key, digest=digest, end=300 + i) for i in range(wrong)]
    sent = [server] + impostors + server.issuers()[:-1]
    key_der = made.openssl("pkey", "-in", server.key_file, "-outform", "DER")
    pin = bytes.fromhex(server.pin.removeprefix("sha256:"))
    text = octets(f"{name}_root", root.der()) + octets(f"{name}_key", key_der)
    for place, certificate in enumerate(sent):
        text += octets(f"{name}_{place}", certificate.der())
    listed = ", ".join(f"{{(unsigned char *){name}_{place}, sizeof {name}_{place}}}" for place in range(len(sent)))
    pinned = ", ".join(f"0x{octet:02x}" for octet in pin)
    return text, (f'    {{"{name}", {{{name}_root, sizeof {name}_root}}, {{{listed}}}, {len(sent)},\n'
                  f"     {{{name}_key, sizeof {name}_key}}, {{{pinned}}}}},\n")


def write(path):
    made, text, rows = pki.Pki(), '#include "peer.h"\n', ""
    for name, keys in CHAINS.items():
        data, row = chain(made, name, *keys)
        text, rows = text + data, rows + row
    made.remove()
    text += f"const peer_chain peer_chains[] = {{\n{rows}}};\n"
    text += f"const size_t peer_chains_len = {len(CHAINS)};\nconst int64_t peer_utc_s = {int(time.time())};\n"
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)


if __name__ == "__main__":
    write(sys.argv[1])
