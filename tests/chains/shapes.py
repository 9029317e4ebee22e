# SPDX-License-Identifier: MIT
"""Chains in the shapes of real ones. Each authority of the system's bundle is cloned with a key of the tests: its names, dates, serial number,
extensions and algorithms stay as they are. Below it come intermediates and servers' certificates of the kinds that public and private authorities
make. OpenSSL and popcl are asked: popcl takes all that OpenSSL takes, except what EXCEPT lists with its reason. Prints TAP.

    shapes.py [FILE...]      of certificates (PEM), in place of Debian's
"""
import glob
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), HERE]
import run  # noqa: E402
from chains import *  # noqa: E402
from results import Results  # noqa: E402

PLACES_OF_ROOTS = ("/usr/share/ca-certificates/mozilla/*.crt", "/etc/ssl/certs/ca-certificates.crt")  # the package's own, or what the system trusts

EXCEPT = {  # (the verdict of popcl, part of a title): why popcl refuses what OpenSSL takes
    ("CERT_CONSTRAINTS", "-> 100 names"): "below limits on hosts: popcl keeps names as far as there is room, and refuses if one of the others could be outside",
}


# ---- clones of roots ----

HASHES = {elements(read_tlv(algorithm, 0)[1])[0][1]: hash_ for rows in (RSA, ECDSA) for hash_, algorithm in rows.items()}


class Clone:
    """A certificate with the shape of another one, and a key of the tests. It is used as a Part that is made."""

    def __init__(self, der, keys):
        parts = elements(elements(read_tlv(der, 0)[1])[0][1])
        sequences = [i for i, (tag, _) in enumerate(parts) if tag == 0x30]
        algorithm, _, _, subject, spki_at = sequences
        self.subject = tlv(*parts[subject])
        self.hash = HASHES.get(elements(parts[algorithm][1])[0][1])
        self.key = keys(tlv(*parts[spki_at]))
        if self.key is None or self.hash is None:
            self.der = None
            return
        parts[spki_at] = (0x30, read_tlv(self.key.spki, 0)[1])
        self.tbs = self.with_ids(parts)
        self.der = seq(self.tbs, tlv(*parts[algorithm]), bits(self.key.sign(self.tbs, self.hash)))

    def with_ids(self, parts):
        """The signed part; its key identifiers are those of the new key."""
        if parts[-1][0] != 0xA3:
            return seq(*[tlv(*part) for part in parts])
        made = []
        for _, value in elements(read_tlv(parts[-1][1], 0)[1]):
            which = elements(value)[0][1]
            made.append({oid(SKI)[2:]: ski(self.key.spki), oid(AKI)[2:]: aki(self.key.spki)}.get(which, seq(value)))
        return seq(*[tlv(*part) for part in parts[:-1]], tlv(0xA3, seq(*made)))

    def make(self):
        return self


def key_like(public):
    """A key of the tests of the same kind and size as a SubjectPublicKeyInfo, or None."""
    algorithm, string = elements(read_tlv(public, 0)[1])
    for pool in (EC, EC384, EC521):
        if elements(algorithm[1])[-1][1] == pool[0].curve.oid[2:]:
            return pool[0]
    numbers = elements(string[1][1:])
    size = int.from_bytes(elements(numbers[0][1])[0][1], "big").bit_length() if numbers else 0
    return RSA_KEYS.get(size, [None])[0]


def roots(files):
    """[(name, Clone)]"""
    blocks, found = [], []
    for path in files:
        with open(path, encoding="ascii") as file:
            blocks += file.read().split("-----BEGIN CERTIFICATE-----")[1:]
    for block in blocks:
        der = from_pem(block.split("-----END")[0])
        one = Clone(der, key_like)
        attributes = [elements(read_tlv(value, 0)[1]) for _, value in elements(read_tlv(one.subject, 0)[1])]
        texts = [value[1][1].decode("utf-8", "replace") for value in attributes if len(value) == 2]
        found.append((texts[-1] if texts else "?", one))
    return found


# ---- what authorities issue ----

notice = seq(oid("1.3.6.1.5.5.7.2.2"), seq(tlv(30, "Text".encode("utf-16-be"))))
cps = seq(oid("1.3.6.1.5.5.7.2.1"), tlv(22, b"http://cps.example/"))
crl = ext(CRL_EXT, crl_value)
aia = ext(AIA, seq(seq(oid("1.3.6.1.5.5.7.48.1"), uri("http://ocsp.example/")), seq(oid("1.3.6.1.5.5.7.48.2"), uri("http://ca.example/a.cer"))))
sct = ext("1.3.6.1.4.1.11129.2.4.2", octets(b"\0\x77\0\x75\0" + bytes(range(0x74))))


def public_authority(one):
    one.exts.update(usage=usage(KU_SIGN | KU_CERT | KU_CRL), purpose=purpose(CLIENT_AUTH, SERVER_AUTH), basic=basic(path_len=0))
    one.more += [ext(POLICIES, seq(seq(oid("2.23.140.1.2.1")))), aia, crl]


def issued(part, **exts):
    part.exts.update(exts)


bare_rsa = seq(oid("1.2.840.113549.1.1.11"))
general_times = seq(time_of("20250101000000Z", 0x18), time_of("20300101000000Z", 0x18))
AUTHORITIES = {
    "as of a public authority": lambda one: None,
    "P-384": lambda one: setattr(one, "key", EC384[1]), "RSA 2048": lambda one: setattr(one, "key", RSA_KEYS[2048][1]), "RSA 4096": lambda one: setattr(one, "key", RSA_KEYS[4096][0]),
    "limits on hosts and names": lambda one: one.more.append(limits(["DNS:example.org", directory("C=GR", "O=University")], ["IP:0.0.0.0/0", "IP:::/0"])),
    "limits on hosts and mail, not critical": lambda one: one.more.append(limits(["DNS:example.org", "email:example.org"], critical=False)),
    "limits that exclude addresses": lambda one: one.more.append(limits((), ["IP:0.0.0.0/0", "IP:::/0"])),
    "GeneralizedTime before 2050": lambda one: one.kw.update(validity=general_times), "RSA without NULL": lambda one: one.kw.update(inner=bare_rsa, outer=bare_rsa) if isinstance(one.by.key, RsaKey) and one.kw.get("hash") == "sha256" else None,
    "no key identifiers": lambda one: issued(one, aki=None, ski=None), "no subjectKeyIdentifier": lambda one: issued(one, ski=None), "no authorityKeyIdentifier": lambda one: issued(one, aki=None),
    "serial 0": lambda one: one.kw.update(serial=integer(0)), "serial of 21 octets": lambda one: one.kw.update(serial=tlv(2, b"\0" + b"\xd5" * 20)),
    "usage and basicConstraints not critical": lambda one: issued(one, usage=usage(KU_CERT | KU_CRL, critical=False), basic=basic(critical=False)), "no key usage": lambda one: issued(one, usage=None),
    "no purposes": lambda one: issued(one, purpose=None), "critical purposes": lambda one: issued(one, purpose=purpose(SERVER_AUTH, CLIENT_AUTH, critical=True)),
    "policy constraints, not critical": lambda one: one.more.append(ext(POLICY_CONSTRAINTS, seq(tlv(0x80, b"\0")))), "no path length": lambda one: issued(one, basic=basic()),
    "usage with zeros at its end": lambda one: issued(one, usage=ext(USAGE, bits(b"\x06\0", 7), True)), "names in PrintableString": lambda one: setattr(one, "subject", name("C=DE", "O=Example CA", "CN=Example TLS", kind=19)),
    "names in TeletexString": lambda one: setattr(one, "subject", name("C=DE", "O=Ex\u00e4mple", kind=20)), "names of several kinds": lambda one: setattr(one, "subject", seq(*[set_of(seq(oid(t), tlv(k, v))) for t, k, v in
        (("2.5.4.6", 19, b"DE"), ("2.5.4.10", 12, "Beispiel \u00e4".encode()), ("2.5.4.97", 12, b"VATDE-123"), ("2.5.4.3", 30, "Ausgabe".encode("utf-16-be")))])),
    "policies with qualifiers": lambda one: one.more.__setitem__(0, ext(POLICIES, seq(seq(oid("1.3.6.1.4.1.55555.7"), seq(cps, notice)), seq(oid("2.23.140.1.2.2"))))),
    "critical subjectAltName": lambda one: issued(one, san=san(tlv(0xA4, name("CN=ca.example")), critical=True)), "a template's name": lambda one: one.more.append(ext("1.3.6.1.4.1.311.20.2", tlv(30, "SubCA".encode("utf-16-be")))),
    "the CA's version": lambda one: one.more.append(ext("1.3.6.1.4.1.311.21.1", integer(0))), "aki with issuer and serial": lambda one: one.exts.update(
        aki=lambda part, signer: ext(AKI, seq(tlv(0x80, key_id(signer.key.spki)), tlv(0xA1, tlv(0xA4, signer.subject)), tlv(0x82, signer_serial(signer)))))}
SERVERS = {
    "as of a public authority": lambda one: None, "RSA 2048": lambda one: setattr(one, "key", RSA_KEYS[2048][0]), "P-384": lambda one: setattr(one, "key", EC384[2]),
    "RSA, keyEncipherment too": lambda one: (setattr(one, "key", RSA_KEYS[2048][0]), issued(one, usage=usage(KU_SIGN | KU_ENCIPHER))), "cA FALSE": lambda one: issued(one, basic=ext(BASIC, seq(boolean(False)), True)),
    "basicConstraints empty": lambda one: issued(one, basic=basic(False)), "a common name that is no name": lambda one: setattr(one, "subject", name("C=GR", "O=University", "CN=Mail of Example")), "no subject": lambda one: setattr(one, "subject", EMPTY),
    "no subject, critical names": lambda one: (setattr(one, "subject", EMPTY), issued(one, san=san("DNS:" + HOST, critical=True))), "a wildcard": lambda one: issued(one, san=san("DNS:*.example.org", "DNS:example.org")),
    "100 names": lambda one: issued(one, san=san(*[f"DNS:h{i}.example.org" for i in range(99)], "DNS:" + HOST)), "serverAuth and any": lambda one: issued(one, purpose=purpose(SERVER_AUTH, ANY_PURPOSE)),
    "critical purposes": lambda one: issued(one, purpose=purpose(SERVER_AUTH, critical=True)), "no usage and purposes": lambda one: issued(one, usage=None, purpose=None), "usage not critical": lambda one: issued(one, usage=usage(KU_SIGN, critical=False)),
    "serial of 21 octets": lambda one: one.kw.update(serial=tlv(2, b"\0" + b"\xd5" * 20)), "stapling is demanded": lambda one: one.more.append(ext("1.3.6.1.5.5.7.1.24", seq(integer(5)))),
    "GeneralizedTime before 2050": lambda one: one.kw.update(validity=seq(time_of("20260101000000Z", 0x18), time_of("20270101000000Z", 0x18))), "a user's principal name": lambda one: issued(one, san=san(tlv(0xA0, oid("1.3.6.1.4.1.311.20.2.3"),
        tlv(0xA0, tlv(12, b"host@example.org"))), "DNS:" + HOST)), "a template": lambda one: one.more.append(ext("1.3.6.1.4.1.311.21.7", seq(oid("1.3.6.1.4.1.311.21.8.1"), integer(100), integer(3)))),
    "valid to this day's end": lambda one: one.kw.update(end="20260601235959Z")}


def signer_serial(signer):
    return elements(read_tlv(signer.tbs, 0)[1])[1][1]


def below(above, kind, leaf_kind, key=None):
    """(the intermediate, the server's certificate) of these kinds"""
    one = authority(name("C=US", "O=Example", "CN=E1"), key or EC[4], above, start="20250101000000Z", end="20300101000000Z")
    if isinstance(above.key, RsaKey):
        one.kw["hash"] = "sha256"
    public_authority(one)
    AUTHORITIES[kind](one)
    last = server(one, EC[5])
    last.exts.update(ski=own_id)
    if isinstance(one.key, RsaKey):
        last.kw["hash"] = "sha256"
    last.more += [ext(POLICIES, seq(seq(oid("2.23.140.1.2.1")))), aia, crl, sct]
    if kind == "limits on hosts and names":
        last.subject = name("C=GR", "O=University", "CN=" + HOST)
    SERVERS[leaf_kind](last)
    return one, last


def case(title, anchor, chain):
    return run.Case([title], HOST, NOW, [anchor.make().der], [part.make().der for part in chain])


def cases(files):
    """Each root with an intermediate of a kind in turn, and below a cross-signed one; each kind of intermediate with a third of the kinds of servers."""
    kinds, leaves = list(AUTHORITIES), list(SERVERS)
    crossing = authority(name("CN=Crossing root"), EC[3], None)
    for i, (title, top) in enumerate(roots(files)):
        kind, leaf_kind = kinds[i % len(kinds)], leaves[i % len(leaves)]
        if top.der is None:
            yield f"{title}: not cloned, its key or signature is of no kind that the tests have"
            continue
        one, last = below(top, kind, leaf_kind)
        yield case(f"{title} -> {kind} -> {leaf_kind}", top, [last, one])
        crossed = authority(top.subject, top.key, crossing)
        crossed.kw.update(extensions=cloned_extensions(top), end="20310101000000Z")
        one.by, one.made, last.made = crossed, None, None
        yield case(f"cross-signed {title} -> {kind} -> {leaf_kind}", crossing, [last, one, crossed])
    top = authority(name("C=US", "O=Example", "CN=Root X"), EC[2], None)
    rsa_top = authority(name("C=US", "O=Example", "CN=Root R"), RSA_KEYS[2048][0], None)
    for i, kind in enumerate(kinds):
        for leaf_kind in leaves[i % 3::3]:
            one, last = below(rsa_top if kind == "RSA without NULL" else top, kind, leaf_kind)
            yield case(f"{kind} -> {leaf_kind}", one.by, [last, one])


def cloned_extensions(top):
    """The extensions of a root, as its cross-signed certificate has them; the issuer's key identifier is left out."""
    parts = elements(read_tlv(top.tbs, 0)[1])
    if parts[-1][0] != 0xA3:
        return tlv(0xA3, seq(basic()))
    kept = [seq(value) for _, value in elements(read_tlv(parts[-1][1], 0)[1]) if elements(value)[0][1] != oid(AKI)[2:]]
    return tlv(0xA3, seq(*kept))


def main():
    files = sys.argv[1:] or next(filter(None, (sorted(glob.glob(place)) for place in PLACES_OF_ROOTS)), [])
    results = Results()
    if not files:
        results.add("shapes of real chains", skip="there are no roots: ca-certificates is not installed")
        return results.end()
    made = list(cases(files))
    for why in (one for one in made if isinstance(one, str)):
        results.say(why)
    taken, refused, used = 0, [], set()
    for one in run.ask_all(one for one in made if not isinstance(one, str)):
        popcl, openssl = one.verdicts[0], one.verdicts[2]
        if openssl == "-":
            results.add("shapes of real chains", skip="OpenSSL is not installed (libssl-dev)")
            return results.end()
        if openssl != "OK" or popcl == "OK":
            taken += popcl == "OK"
            if popcl == openssl == "OK":
                continue
            results.say(f"{one.kinds[0]}: popcl {popcl}, OpenSSL {openssl}")
            continue
        found = next((key for key in EXCEPT if key[0] == popcl and key[1] in one.kinds[0]), None)
        used.add(found)
        if found is None:
            refused.append(f"{one.kinds[0]}: {popcl}")
    results.add(f"popcl takes what OpenSSL takes: {taken} chains of {len(made)}", "\n".join(refused))
    results.add("each exception occurs", ", ".join(f"{key}" for key in EXCEPT if key not in used))
    return results.end()


if __name__ == "__main__":
    sys.exit(main())
