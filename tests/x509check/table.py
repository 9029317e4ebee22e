# SPDX-License-Identifier: MIT
"""The chains that tests/x509check/run.py tries, each with the verdict it must get: what a client must take, and what it must refuse and why.
Rows are made by row(); their titles carry the ids of hazards and rules. Certificates come from certs.py, unless a part is replaced all is right:

    root (P-256, the anchor) -> ica (an intermediate) -> leaf for mail.example.org
"""
import hashlib
import ipaddress
import itertools
import re

from certs import *

HOST, NOW = "mail.example.org", "2026-06-01T00:00:00Z"
ROWS = []


class Row:
    def __init__(self, title, want, chain, host, anchors, time, pins, profile, names, refused, denied):
        self.title, self.want, self.chain, self.host = title, want, chain, host
        self.anchors, self.time, self.pins, self.profile, self.names, self.refused = anchors, time, pins, profile, names, refused
        self.denied = denied
        self.end_point = None  # what tls-server-end-point must be, where the chain is taken


def constrained(permitted=(), excluded=(), critical=True):
    """nameConstraints; a base is text as for general(), IP with a prefix length, or ("dir", a Name)."""
    def base(one):
        if isinstance(one, tuple):
            return tlv(0xA4, one[1])
        if one.startswith("IP:"):
            net = ipaddress.ip_network(one[3:], strict=False)
            return tlv(0x87, net.network_address.packed + net.netmask.packed)
        return general(one)
    lists = [tlv(tag, *[seq(base(one)) for one in bases]) for tag, bases in ((0xA0, permitted), (0xA1, excluded)) if bases]
    return ext(NAME_CONSTRAINTS, seq(*lists), critical)


def der(cert):
    return cert if isinstance(cert, bytes) else cert.der


def row(title, want, *chain, host=HOST, anchors=None, time=NOW, pins=(), profile="host", names=None, end_point=None,
        refused=None, denied=()):
    """want: OK, or the error's name without ERR_. anchors: None is the root. names: what must be told of the certificate's names. end_point: the hash
    that tls-server-end-point must be by ("": there must be none), where that is not the signature's. refused: which certificate that must be told
    of, 1 is the server's, and behind it the date that is at fault. denied: hashes of
    keys with which no certificate counts."""
    anchors = [ROOT] if anchors is None else anchors
    made_ = Row(title, want, [der(c) for c in chain], host, [der(a) for a in anchors], time, list(pins), profile, names, refused, list(denied))
    if want == "OK":
        by = chain[0].hash if end_point is None else end_point
        made_.end_point = hashlib.new(by, chain[0].der).hexdigest() if by else ""
    ROWS.append(made_)


# ---- the right ones ----

ROOT_KEY, ICA_KEY, LEAF_KEY, OTHER_KEY, NEW_KEY = EcKey(), EcKey(), EcKey(), EcKey(), EcKey()
P384_KEY, P521_KEY = EcKey(P384), EcKey(P521)
RSA_KEY_2048, RSA_KEY_3072, RSA_KEY_4096 = RsaKey(2048), RsaKey(3072), RsaKey(4096)


def made(subject, key, signer, exts, more, replaced, kw):
    """exts: {what: Extension}, replaced: the same, None leaves one out."""
    exts = {**exts, **replaced}
    return Cert(subject, key, signer, [e for e in exts.values() if e is not None] + list(more), **kw)


def root(subject=name("O=popcl tests", "CN=Root"), key=None, more=(), **kw):
    key = key or ROOT_KEY
    exts = {"ski": ski(key.spki), "basic": basic(), "usage": usage(KU_CERT | KU_CRL)}
    replaced = {k: kw.pop(k) for k in list(kw) if k in exts}
    return made(subject, key, None, exts, more, replaced, {"start": "20200101000000Z", "end": "20400101000000Z", **kw})


def ica(signer=None, subject=name("O=popcl tests", "CN=Intermediate"), key=None, more=(), **kw):
    key, signer = key or ICA_KEY, signer or ROOT
    exts = {"aki": aki(signer.key.spki), "ski": ski(key.spki), "basic": basic(), "usage": usage(KU_CERT | KU_CRL), "purpose": None}
    replaced = {k: kw.pop(k) for k in list(kw) if k in exts}
    return made(subject, key, signer, exts, more, replaced, {"start": "20250101000000Z", "end": "20300101000000Z", **kw})


def leaf(*names, signer=None, subject=name("CN=" + HOST), key=None, more=(), **kw):
    key, signer = key or LEAF_KEY, signer or ICA
    exts = {"aki": aki(signer.key.spki), "basic": None, "usage": usage(KU_SIGN), "purpose": purpose(SERVER_AUTH),
            "san": san(*(names or ("DNS:" + HOST,)))}
    replaced = {k: kw.pop(k) for k in list(kw) if k in exts}
    return made(subject, key, signer, exts, more, replaced, kw)


ROOT = root()
ICA = ica()
LEAF = leaf()
DIRECT = leaf(signer=ROOT)  # below the root itself
EMPTY = seq()


def self_signed(*names, key=None, subject=name("CN=" + HOST), basic=basic(), **kw):
    """As `openssl req -x509` makes them for a server: its own authority."""
    key = key or OTHER_KEY
    exts = [e for e in (ski(key.spki), aki(key.spki), basic, san(*(names or ("DNS:" + HOST,)))) if e]
    return Cert(subject, key, None, exts, **kw)


def accepted_chains():
    row("leaf, intermediate", "OK", LEAF, ICA)
    row("leaf below the root", "OK", DIRECT)
    row("the root comes too [D33]", "OK", LEAF, ICA, ROOT)
    row("the root comes too, below it a leaf [D33]", "OK", DIRECT, ROOT)
    row("behind the anchor anything may stand [D33]", "OK", LEAF, ICA, ROOT, LEAF, b"\x00garbage")
    row("behind the anchor a SHA-1 root", "OK", DIRECT, root(hash="sha1"))
    row("no key usage, no purpose", "OK", leaf(usage=None, purpose=None), ICA)
    row("an intermediate without key usage", "OK", LEAF, ica(usage=None))
    row("an intermediate for servers", "OK", LEAF, ica(purpose=purpose(SERVER_AUTH)))
    row("an intermediate for anything", "OK", LEAF, ica(purpose=purpose(ANY_PURPOSE)))
    row("purposes beside serverAuth", "OK", leaf(purpose=purpose(CLIENT_AUTH, SERVER_AUTH)), ICA)
    row("a leaf without authorityKeyIdentifier, as many private authorities make them", "OK", leaf(aki=None), ICA)
    row("authorityKeyIdentifier with issuer and serial", "OK",
        leaf(aki=ext(AKI, seq(tlv(0x80, key_id(ICA_KEY.spki)), tlv(0xA1, tlv(0xA4, ROOT.subject)),
                                                                                    tlv(0x82, b"\x10")))), ICA)
    row("digitalSignature and keyEncipherment", "OK", leaf(usage=usage(KU_SIGN | KU_ENCIPHER)), ICA)
    row("key usage that is not critical", "OK", leaf(usage=usage(KU_SIGN, critical=False)), ICA)
    row("basicConstraints without CA, critical", "OK", leaf(basic=basic(False)), ICA)
    row("basicConstraints of an intermediate, not critical", "OK", LEAF, ica(basic=basic(critical=False)))
    row("an unknown extension", "OK", leaf(more=[ext("1.3.6.1.4.1.55555.1", b"anything")]), ICA)
    row("unknown extensions", "OK", leaf(more=[ext("1.3.6.1.4.1.55555.%d" % i, b"") for i in range(5)]), ICA)
    row("policies", "OK", leaf(more=[ext(POLICIES, seq(seq(oid("2.23.140.1.2.1"))))]), ICA)
    row("policies, critical", "OK", leaf(more=[ext(POLICIES, seq(seq(oid("2.23.140.1.2.1"))), True)]), ICA)
    row("CRL and OCSP addresses", "OK", leaf(more=[
        ext("2.5.29.31", seq(seq(tlv(0xA0, tlv(0xA0, general("URI:http://crl.example/a")))))),
        ext("1.3.6.1.5.5.7.1.1", seq(seq(oid("1.3.6.1.5.5.7.48.1"), general("URI:http://ocsp.example/"))))]), ICA)
    row("CRL addresses, critical: no CRL is fetched", "CERT_EXTENSION", leaf(more=[
        ext("2.5.29.31", seq(seq(tlv(0xA0, tlv(0xA0, general("URI:http://crl.example/a"))))), True)]), ICA)
    row("names of the issuer, critical: nobody looks at them", "CERT_EXTENSION", leaf(more=[ext("2.5.29.18", seq(general("DNS:ca.example")), True)]), ICA)
    row("an empty subject, the names critical", "OK", leaf(subject=EMPTY, san=san("DNS:" + HOST, critical=True)), ICA)
    row("a subject with several parts", "OK", leaf(subject=name("C=DE", "O=Example", "CN=" + HOST)), ICA)
    row("a serial number of 20 octets", "OK", leaf(serial=tlv(2, b"\x7f" + b"\xff" * 19)), ICA)
    row("the largest name", "OK",
        leaf("DNS:" + ".".join(["a" * 63] * 3 + ["b" * 61]), subject=name("O=x")), ICA, host=".".join(["a" * 63] * 3 + ["b" * 61]))
    row("unique identifiers, which nobody makes any more", "OK", leaf(unique=tlv(0x81, b"\0x") + tlv(0x82, b"\0y")), ICA)


def keys_and_signatures():
    for text, key in (("RSA 2048", RSA_KEY_2048), ("RSA 3072", RSA_KEY_3072), ("RSA 4096", RSA_KEY_4096), ("P-384", P384_KEY)):
        row(f"{text} in the leaf", "OK", leaf(key=key), ICA)
        top = root(key=key)
        row(f"{text} in the root", "OK", leaf(signer=top), anchors=[top])
        middle = ica(key=key)
        row(f"{text} in the intermediate", "OK", leaf(signer=middle), middle)
    rsa_root = root(key=RSA_KEY_2048)
    for hash_name in ("sha256", "sha384", "sha512"):
        row(f"RSA with {hash_name}", "OK", leaf(signer=rsa_root, hash=hash_name), anchors=[rsa_root])
        row(f"ECDSA with {hash_name}", "OK", leaf(hash=hash_name), ICA)
    for hash_name in ("md5", "sha1", "sha224"):
        row(f"RSA with {hash_name} [D13 D14]", "CERT_WEAK", leaf(signer=rsa_root, hash=hash_name), anchors=[rsa_root])
    for hash_name in ("sha1", "sha224"):
        row(f"ECDSA with {hash_name} [D14]", "CERT_WEAK", leaf(hash=hash_name), ICA)
        row(f"an intermediate signed by ECDSA with {hash_name} [D14]", "CERT_WEAK", LEAF, ica(hash=hash_name))
    row("RSA 1024 in the leaf [D15]", "CERT_WEAK", leaf(key=RsaKey(1024)), ICA)
    weak = ica(key=RsaKey(1024))
    row("RSA 1024 in the intermediate [D15]", "CERT_WEAK", leaf(signer=weak), weak)
    weak = root(key=RsaKey(1024))
    row("RSA 1024 in the root [D15]", "NO_TRUST", leaf(signer=weak), anchors=[weak])
    n = RSA_KEY_2048.n
    row("RSA 2047", "CERT_WEAK", leaf(spki=rsa_spki(n >> 1 | 1, 65537)), ICA)
    row("RSA 2049", "CERT_UNSUPPORTED", leaf(spki=rsa_spki(n << 1 | 1, 65537)), ICA)
    row("RSA 8192", "CERT_UNSUPPORTED", leaf(spki=rsa_spki(1 << 8191 | 1, 65537)), ICA)
    row("RSA 4104", "CERT_UNSUPPORTED", leaf(spki=rsa_spki(1 << 4103 | 1, 65537)), ICA)
    row("an even modulus", "CERT_WEAK", leaf(spki=rsa_spki(n - 1, 65537)), ICA)
    for e in (1, 2, 65536):
        row(f"exponent {e}", "CERT_WEAK", leaf(spki=rsa_spki(n, e)), ICA)
    for e in (3, 17, 2**31 - 1):
        row(f"exponent {e}", "OK", leaf(spki=rsa_spki(n, e)), ICA)
    row("an exponent of 64 bits", "CERT_UNSUPPORTED", leaf(spki=rsa_spki(n, 2**64 - 1)), ICA)
    row("a negative modulus", "CERT_MALFORMED", leaf(spki=seq(RSA_KEY, bits(seq(integer(-n), integer(3))))), ICA)
    row("a modulus with a zero too many", "CERT_MALFORMED",
        leaf(spki=seq(RSA_KEY, bits(seq(tlv(2, b"\0\0" + n.to_bytes(256, "big")), integer(3))))), ICA)
    row("exponent 0", "CERT_WEAK", leaf(spki=rsa_spki(n, 0)), ICA)
    row("exponent 2^31 + 1", "CERT_UNSUPPORTED", leaf(spki=rsa_spki(n, 2**31 + 1)), ICA)
    row("an RSA key without NULL", "CERT_MALFORMED", leaf(spki=seq(seq(oid("1.2.840.113549.1.1.1")), bits(seq(integer(n), integer(3))))), ICA)
    row("an RSA key with octets behind it", "CERT_MALFORMED", leaf(spki=seq(RSA_KEY, bits(seq(integer(n), integer(3)) + b"\0"))), ICA)
    row("an RSA key with unused bits", "CERT_MALFORMED", leaf(spki=seq(RSA_KEY, bits(seq(integer(n), integer(3)), 1))), ICA)
    point = LEAF_KEY.point
    row("a compressed point", "CERT_UNSUPPORTED", leaf(spki=seq(seq(EC_KEY, P256.oid), bits(bytes([2 + (point[-1] & 1)]) + point[1:33]))), ICA)
    row("a point of no octets", "CERT_MALFORMED", leaf(spki=seq(seq(EC_KEY, P256.oid), bits(b""))), ICA)
    row("a point of no octets, and no unused bits", "CERT_MALFORMED", leaf(spki=seq(seq(EC_KEY, P256.oid), tlv(3))), ICA)
    row("a point of 600 octets", "CERT_UNSUPPORTED", leaf(spki=seq(seq(EC_KEY, P256.oid), bits(b"\4" * 600))), ICA)
    row("a point with unused bits", "CERT_MALFORMED", leaf(spki=seq(seq(EC_KEY, P256.oid), bits(point, 1))), ICA)
    row("P-192", "CERT_UNSUPPORTED", leaf(spki=seq(seq(EC_KEY, oid("1.2.840.10045.3.1.1")), bits(point[:49]))), ICA)
    row("secp256k1", "CERT_UNSUPPORTED", leaf(spki=seq(seq(EC_KEY, oid("1.3.132.0.10")), bits(point))), ICA)
    explicit = seq(integer(1), seq(oid("1.2.840.10045.1.1"), integer(P256.p)), seq(octets(b"a"), octets(b"b")), octets(point), integer(P256.n))
    row("a curve by its parameters", "CERT_UNSUPPORTED", leaf(spki=seq(seq(EC_KEY, explicit), bits(point))), ICA)
    row("a curve of the issuer", "CERT_UNSUPPORTED", leaf(spki=seq(seq(EC_KEY, NULL), bits(point))), ICA)
    row("a curve not named", "CERT_UNSUPPORTED", leaf(spki=seq(seq(EC_KEY), bits(point))), ICA)
    row("Ed25519 in the leaf", "CERT_UNSUPPORTED", leaf(spki=seq(seq(oid("1.3.101.112")), bits(b"k" * 32))), ICA)
    row("DSA in the leaf", "CERT_UNSUPPORTED",
        leaf(spki=seq(seq(oid("1.2.840.10040.4.1"), seq(integer(7), integer(3), integer(2))), bits(integer(5)))), ICA)
    ed25519 = seq(oid("1.3.101.112"))
    row("signed by Ed25519", "CERT_UNSUPPORTED", leaf(inner=ed25519, outer=ed25519), ICA)
    pss = seq(oid("1.2.840.113549.1.1.10"), seq())
    row("signed by RSA-PSS", "CERT_UNSUPPORTED", leaf(signer=rsa_root, inner=pss, outer=pss), anchors=[rsa_root])
    for n, hash_name in ((11, "sha256"), (12, "sha384"), (13, "sha512")):
        bare = seq(oid("1.2.840.113549.1.1.%d" % n))
        row(f"an RSA signature without NULL, {hash_name}", "OK", leaf(signer=rsa_root, inner=bare, outer=bare, hash=hash_name), anchors=[rsa_root])
        row(f"an RSA signature with NULL inside alone, {hash_name}", "CERT_MALFORMED",
            leaf(signer=rsa_root, outer=bare, hash=hash_name), anchors=[rsa_root])
        row(f"an RSA signature with NULL outside alone, {hash_name}", "CERT_MALFORMED",
            leaf(signer=rsa_root, inner=bare, hash=hash_name), anchors=[rsa_root])
    bare = seq(oid("1.2.840.113549.1.1.11"))
    signed = leaf(signer=rsa_root, inner=bare, outer=bare)
    signed.der = seq(signed.tbs, bare, bits(RSA_KEY_2048.sign(signed.tbs, "sha256", parameters=b"")))
    row("an RSA signature without NULL, and none inside what is signed (RFC 8017, 9.2)", "OK", signed, anchors=[rsa_root])
    rsa_ica = ica(signer=rsa_root, inner=bare, outer=bare)
    row("an RSA signature without NULL, in an intermediate", "OK", leaf(signer=rsa_ica), rsa_ica, anchors=[rsa_root])
    for text, parameters in (("an empty OCTET STRING", octets()), ("an empty SEQUENCE", seq()), ("a NULL that is not empty", b"\x05\x01\x00"), ("NULL twice", NULL * 2)):
        odd = seq(oid("1.2.840.113549.1.1.11"), parameters)
        row(f"an RSA signature with {text} as parameters", "CERT_MALFORMED", leaf(signer=rsa_root, inner=odd, outer=odd), anchors=[rsa_root])
    bare = seq(oid("1.2.840.113549.1.1.5"))
    row("RSA with sha1, without NULL [D14]", "CERT_WEAK", leaf(signer=rsa_root, hash="sha1", inner=bare, outer=bare), anchors=[rsa_root])
    null = seq(oid("1.2.840.10045.4.3.2"), NULL)
    row("an ECDSA signature with NULL", "CERT_MALFORMED", leaf(inner=null, outer=null), ICA)
    for tag in (0x00, 0x20, 0x40, 0x80, 0xa0):  # not absent, whatever number the tag has
        odd = seq(oid("1.2.840.10045.4.3.2"), tlv(tag, b""))
        row(f"an ECDSA signature with an empty element of tag {tag:02x}", "CERT_MALFORMED", leaf(inner=odd, outer=odd), ICA)
        row(f"an ECDSA signature with an empty element of tag {tag:02x} outside", "CERT_MALFORMED", leaf(outer=odd), ICA)
        odd = seq(oid("1.2.840.113549.1.1.11"), tlv(tag, b"abc"))
        row(f"an RSA signature with an element of tag {tag:02x}", "CERT_MALFORMED", leaf(signer=rsa_root, inner=odd, outer=odd), anchors=[rsa_root])
        row(f"an RSA key with an element of tag {tag:02x}", "CERT_MALFORMED", leaf(spki=seq(seq(oid("1.2.840.113549.1.1.1"), tlv(tag, b"")), bits(seq(integer(n), integer(3))))), ICA)
    rsa_ica = ica(key=RSA_KEY_2048)
    for text, signature in (("of another certificate", RSA_KEY_2048.sign(b"x", "sha256")), ("of zeros", bytes(256)), ("of ones", b"\xff" * 256), ("of 255 octets", b"\1" * 255),
                            ("of one octet", b"\1"), ("of 512 octets", b"\1" * 512), ("by another hash", RSA_KEY_2048.sign(b"x", "sha384"))):
        row(f"an RSA signature {text} [D10]", "CERT_SIGNATURE", leaf(signer=rsa_ica, signature=signature), rsa_ica)
        row(f"an RSA signature {text}, by the root [D10]", "CERT_UNTRUSTED", leaf(signer=rsa_root, signature=signature), anchors=[rsa_root])
        row(f"an ECDSA signature {text} [D10]", "CERT_SIGNATURE", leaf(signature=signature), ICA)
    row("two algorithms: the outer one is another", "CERT_MALFORMED", leaf(outer=ECDSA["sha384"]), ICA)
    row("two algorithms: the inner one is another", "CERT_MALFORMED", leaf(inner=ECDSA["sha384"]), ICA)
    row("two algorithms: RSA inside", "CERT_MALFORMED", leaf(inner=RSA["sha256"]), ICA)
    row("parameters in one of two places", "CERT_MALFORMED", leaf(inner=null), ICA)
    row("a profile without RSA, an RSA root", "CERT_UNTRUSTED", leaf(signer=rsa_root), anchors=[rsa_root], profile="ecdsa")
    row("a profile without RSA, an RSA intermediate", "CERT_UNSUPPORTED", leaf(signer=ica(key=RSA_KEY_2048)), ica(key=RSA_KEY_2048), profile="ecdsa")
    row("a profile without SHA-384", "CERT_UNSUPPORTED", leaf(hash="sha384"), ICA, profile="ecdsa")
    for profile in ("public", "small", "ecdsa"):
        row(f"the profile {profile}", "OK", LEAF, ICA, profile=profile)
    for profile in ("public", "small"):
        middle = ica(key=P384_KEY, signer=rsa_root)
        row(f"the profile {profile}, RSA and P-384", "OK", leaf(signer=middle), middle, anchors=[rsa_root], profile=profile)


def own_names(with_names):
    """A server's own certificate that is an anchor, octet for octet, and has no subjectAltName: its common name is its name. [D22 D50]"""
    def own(subject=name("CN=" + HOST), more=(), **kw):
        """As Dovecot's mkcert.sh makes them; more: further extensions."""
        kw = {"key": OTHER_KEY, **kw}
        return Cert(subject, kw.pop("key"), kw.pop("signer", None), [ext("2.16.840.1.113730.1.1", bits(b"\x40", 6)), *more], **kw)

    authority = lambda **kw: own(more=[ski(OTHER_KEY.spki), aki(OTHER_KEY.spki), basic()], **kw)
    other = "other.example.org"
    taken = own()
    row("own, a common name", "OK", taken, anchors=[taken])
    row("own, a common name, among other anchors", "OK", taken, anchors=[ROOT, own(subject=name("CN=" + other), key=LEAF_KEY), taken, ICA])
    for text, cert in (("its own authority", authority()), ("its own authority, a key usage", own(more=[basic(), usage(KU_SIGN | KU_CERT)])),
                       ("CA without keyCertSign", own(more=[basic(), usage(KU_SIGN)])), ("version 1", own(version=None, extensions=b"")),
                       ("RSA", own(key=RSA_KEY_2048)), ("SHA-384", own(hash="sha384")), ("SHA-512", own(key=RSA_KEY_2048, hash="sha512")),
                       ("P-384", own(key=P384_KEY)), ("CA: FALSE in so many octets", own(more=[ext(BASIC, seq(boolean(False)))])),
                       ("the serial number 0", own(serial=integer(0))), ("a GeneralizedTime before 2050", own(validity=seq(
                           tlv(0x18, b"20260101000000Z"), tlv(0x18, b"20270101000000Z")))),
                       ("RSA without NULL", own(key=RSA_KEY_2048, inner=seq(oid("1.2.840.113549.1.1.11")), outer=seq(oid("1.2.840.113549.1.1.11")))),
                       ("below an authority", own(signer=ICA)), ("a PrintableString", own(subject=name("CN=" + HOST, kind=19))),
                       ("other parts around it", own(subject=name("C=DE", "O=a.example", "CN=" + HOST, "O=b.example"))),
                       ("other parts in its set", own(subject=seq(set_of(*[seq(oid(t), tlv(12, v)) for t, v in
                                                                           (("2.5.4.3", HOST.encode()), ("2.5.4.10", b"O"))]))))):
        row(f"own, a common name, {text}", "OK", cert, anchors=[cert])
        row(f"own, a common name, {text}, letters of either case", "OK", cert, anchors=[cert], host="MAIL.example.ORG")
        row(f"own, a common name, {text}, another host [D3]", "CERT_NO_SAN", cert, anchors=[cert], host=other)
        row(f"own, a common name, {text}, no anchor", "CERT_NO_SAN", cert, anchors=[ROOT])
        row(f"own, a common name, {text}, with what a server sends behind it", "OK", cert, ICA, ROOT, anchors=[cert])
    for profile in ("public", "small", "ecdsa"):
        row(f"own, a common name, the profile {profile}", "OK", taken, anchors=[taken], profile=profile)
    row("own, a common name, a pin too", "OK", taken, anchors=[taken], pins=[pin(OTHER_KEY)])
    row("own, a common name, another pin", "CERT_PIN", taken, anchors=[taken], pins=[pin(LEAF_KEY)])
    for text, cert, when in (("expired [D4]", taken, "2027-01-01T00:00:01Z"), ("not valid yet [D5]", own(start="20260701000000Z"), NOW)):
        row(f"own, a common name, {text}", "CERT_EXPIRED" if "D4" in text else "CERT_NOT_YET", cert, anchors=[cert, ROOT], time=when)
    for text, cert in (("a trailing NUL", own(subject=name("CN=" + HOST + "\0"))), ("NUL inside", own(subject=name("CN=" + HOST + "\0.evil.example"))),
                       ("a leading NUL", own(subject=name("CN=\0" + HOST))),
                       ("a trailing dot", own(subject=name("CN=" + HOST + "."))), ("a space behind it", own(subject=name("CN=" + HOST + " "))),
                       ("a space before it", own(subject=name("CN= " + HOST))), ("nothing in it", own(subject=name("CN="))),
                       ("its beginning", own(subject=name("CN=" + HOST[:-1]))), ("its end", own(subject=name("CN=" + HOST[1:]))),
                       ("a wildcard [D25]", own(subject=name("CN=*.example.org"))), ("a star [D25]", own(subject=name("CN=*"))),
                       ("octets above 127", own(subject=name("CN=m\u00e4il.example.org"))),
                       ("two of them, the first right", own(subject=name("CN=" + HOST, "CN=" + other))),
                       ("two of them, the second right", own(subject=name("CN=" + other, "CN=" + HOST))),
                       ("two of them, both right", own(subject=name("CN=" + HOST, "CN=" + HOST))),
                       ("two of them in one set", own(subject=seq(set_of(*[seq(oid("2.5.4.3"), tlv(12, v.encode())) for v in (HOST, other)])))),
                       ("one that is empty and the right one", own(subject=name("CN=", "CN=" + HOST))),
                       ("the host in the organization", own(subject=name("O=" + HOST))),
                       ("the host as emailAddress", own(subject=seq(set_of(seq(oid("1.2.840.113549.1.9.1"), tlv(22, HOST.encode())))))),
                       ("the host in an attribute below commonName", own(subject=seq(set_of(seq(oid("2.5.4.3.1"), tlv(12, HOST.encode())))))),
                       ("no subject", own(subject=EMPTY, issuer=name("CN=" + HOST)))):
        row(f"own, a common name, {text} [D30]" if "NUL" in text else f"own, a common name, {text}", "CERT_NO_SAN", cert, anchors=[cert])
    for kind, text in ((0x14, "TeletexString"), (0x16, "IA5String"), (0x12, "NumericString"), (0x1A, "VisibleString"), (0x04, "OCTET STRING"), (0x82, "dNSName")):
        cert = own(subject=name("CN=" + HOST, kind=kind))
        row(f"own, a common name, {text}", "CERT_NO_SAN", cert, anchors=[cert])
    for kind, text, coding in ((0x1E, "BMPString", "utf-16-be"), (0x1C, "UniversalString", "utf-32-be")):
        cert = own(subject=seq(set_of(seq(oid("2.5.4.3"), tlv(kind, HOST.encode(coding))))))
        row(f"own, a common name, {text}", "CERT_NO_SAN", cert, anchors=[cert])
    for text, value in (("in pieces", tlv(0x2C, tlv(0x0C, HOST.encode()))), ("inside a SEQUENCE", seq(tlv(0x0C, HOST.encode()))),
                        ("inside a name of its own", name("CN=" + HOST)), ("as a set", set_of(tlv(0x0C, HOST.encode())))):
        cert = own(subject=seq(set_of(seq(oid("2.5.4.3"), value))))
        row(f"own, a common name {text}", "CERT_NO_SAN", cert, anchors=[cert])
    # a subjectAltName of any kind, and the common name counts for nothing
    for text, names, want in (("another host", ["DNS:" + other], "CERT_NAME"), ("an address", ["IP:192.0.2.1"], "CERT_NAME"),
                              ("a mail address", ["email:a@" + HOST], "CERT_NO_SAN"), ("a URI", ["URI:https://%s/" % HOST], "CERT_NO_SAN")):
        for how, cert in (("", own(more=[san(*names)])), (", critical", own(more=[san(*names, critical=True)])), (", its own authority", own(more=[basic(), san(*names)]))):
            row(f"own, a common name beside {text}{how} [D23 D24]", want, cert, anchors=[cert])
    # names of the issuer are not the server's
    cert = own(more=[ext("2.5.29.18", seq(general("DNS:" + other)))])
    row("own, a common name beside names of the issuer", "OK", cert, anchors=[cert])
    # addresses
    for address in ("192.0.2.1", "2001:db8::1"):
        cert = own(subject=name("CN=" + address))
        row(f"own, {address} as common name [D26]", "OK", cert, anchors=[cert], host=address)
    cert = own(subject=name("CN=192.0.2.1"))
    row("own, an address as common name, another [D26]", "CERT_NO_SAN", cert, anchors=[cert], host="192.0.2.2")
    row("own, an address as common name, a host [D26]", "CERT_NO_SAN", cert, anchors=[cert])
    for text, written, host in (("in capitals", "2001:DB8::1", "2001:db8::1"), ("in small letters", "2001:db8::1", "2001:DB8::1"),
                                ("in full", "2001:db8:0:0:0:0:0:1", "2001:db8::1"), ("with zeros", "192.000.002.001", "192.0.2.1"),
                                ("what looks like one", "127.1", "127.1"), ("a number", "2130706433", "2130706433"), ("hexadecimal", "0x7f.1", "0x7f.1"),
                                ("in brackets", "[2001:db8::1]", "2001:db8::1"), ("its octets", "\x41\x42\x43\x44", "65.66.67.68")):
        cert = own(subject=name("CN=" + written))
        row(f"own, an address as common name, {text} [D26]", "CERT_NO_SAN", cert, anchors=[cert], host=host)
    # octet for octet
    again = own()  # the same name and key, another serial number
    row("own, a common name, the same key and name in another certificate", "CERT_NO_SAN", again, anchors=[taken])
    row("own, a common name, the same key and name in another certificate, both given", "OK", again, anchors=[taken, again])
    row("own, a common name, its own authority, the same key and name in another certificate", "CERT_NO_SAN", authority(), anchors=[authority()])
    row("own, with names and a common name beside one without names", "OK", with_names, anchors=[with_names, taken])
    changed = bytearray(taken.der)
    changed[-1] ^= 1
    row("own, a common name, the signature's last bit is another [D10]", "CERT_NO_SAN", bytes(changed), anchors=[taken])
    row("own, a common name, octets behind it [D12]", "CERT_MALFORMED", taken.der + b"\0", anchors=[taken])
    row("own, a common name, cut [D11]", "CERT_MALFORMED", taken.der[:-1], anchors=[taken])
    row("own, a common name, it comes second", "CERT_NO_SAN", leaf(san=None, signer=ROOT), taken, anchors=[taken, ROOT])
    # an authority's common name is nobody's host
    top = root(subject=name("CN=" + HOST))
    row("an authority whose common name is the host, a leaf without names", "CERT_NO_SAN", leaf(san=None, signer=top, subject=name("O=x")), anchors=[top])
    row("an authority whose common name is the host, a leaf with that common name", "CERT_NO_SAN", leaf(san=None, signer=top), anchors=[top])
    row("an intermediate whose common name is the host, a leaf without names", "CERT_NO_SAN",
        leaf(san=None, subject=name("O=x"), signer=ica(subject=name("CN=" + HOST))), ica(subject=name("CN=" + HOST)))
    row("a leaf of an authority that is an anchor, a common name [D22]", "CERT_NO_SAN", leaf(san=None, signer=ROOT), anchors=[ROOT])
    cert = own(hash="sha1")
    row("own, a common name, signed by SHA-1 [D14]", "CERT_WEAK", cert, anchors=[cert])
    cert = own(more=[purpose(CLIENT_AUTH)])
    row("own, a common name, for clients [D17]", "NO_TRUST", cert, anchors=[cert])
    cert = own(more=[ext("1.3.6.1.4.1.55555.1", b"a", True)])
    row("own, a common name, an unknown critical extension [D19]", "CERT_EXTENSION", cert, anchors=[cert])


def trust():
    other_root = root(subject=name("CN=Other"), key=OTHER_KEY)
    row("self-signed, unknown [D1]", "CERT_UNTRUSTED", self_signed())
    row("self-signed, no authority, unknown [D1]", "CERT_UNTRUSTED", self_signed(basic=None))
    row("another authority [D2]", "CERT_UNTRUSTED", LEAF, ICA, anchors=[other_root])
    row("another authority, whose root comes too [D2]", "CERT_UNTRUSTED", LEAF, ICA, ROOT, anchors=[other_root])
    row("an authority of the same name with another key", "CERT_UNTRUSTED", LEAF, ICA, anchors=[root(key=OTHER_KEY)])
    row("two authorities of one name, the second is right", "OK", LEAF, ICA, anchors=[root(key=OTHER_KEY), ROOT])
    row("the intermediate is missing", "CERT_UNTRUSTED", LEAF)
    row("the intermediate as anchor", "OK", LEAF, anchors=[ICA])
    row("the intermediate as anchor, and it comes too", "OK", LEAF, ICA, anchors=[ICA])
    row("the order reversed [D32]", "CERT_USAGE", ICA, LEAF, anchors=[other_root])
    second = ica(signer=ICA, subject=name("CN=Second"), key=OTHER_KEY)
    row("two intermediates", "OK", leaf(signer=second), second, ICA)
    row("two intermediates in the wrong order, a stream [D32]", "CERT_ORDER", leaf(signer=second), ICA, second, profile="public")
    row("a foreign certificate between them [D32]", "OK", LEAF, other_root, ICA)
    row("a foreign certificate between them, a stream [D32]", "OK", LEAF, other_root, ICA, profile="public")
    row("a foreign certificate in place of the issuer's [D32]", "CERT_ORDER", LEAF, other_root, refused="2")
    row("garbage between them [D32]", "OK", LEAF, b"\x30\x03\x02\x01\x01", ICA)
    row("an empty certificate between them [D32]", "OK", LEAF, b"", ICA)
    row("garbage in place of the issuer's [D32]", "CERT_MALFORMED", LEAF, b"\x30\x03\x02\x01\x01", refused="2")
    row("the leaf twice [D32]", "OK", LEAF, LEAF, ICA)
    row("an intermediate twice [D32]", "CERT_UNTRUSTED", LEAF, ICA, ICA, anchors=[other_root])
    row("no certificate at all [D34]", "CERT_MALFORMED")
    row("an empty certificate [D34]", "CERT_MALFORMED", b"")
    row("a leaf as anchor [D50]", "OK", LEAF, anchors=[LEAF])
    row("a leaf as anchor, what follows does not matter [D50]", "OK", LEAF, other_root, anchors=[LEAF])
    row("a leaf as anchor, another name [D50]", "CERT_NAME", LEAF, anchors=[LEAF], host="other.example.org")
    row("a leaf as anchor, expired [D50]", "NO_TRUST", LEAF, anchors=[LEAF], time="2028-01-01T00:00:00Z")
    row("a leaf as anchor beside others, expired [D50]", "CERT_EXPIRED", LEAF, anchors=[LEAF, ROOT], time="2028-01-01T00:00:00Z")
    row("a leaf as anchor, another leaf of that authority", "CERT_UNTRUSTED", leaf(key=OTHER_KEY), ICA, anchors=[LEAF])
    own = self_signed()
    row("self-signed as anchor, its own authority", "OK", own, anchors=[own])
    row("self-signed as anchor, another name [D50]", "CERT_NAME", own, anchors=[own], host="other.example.org")
    own = self_signed(basic=None)
    row("self-signed as anchor, no authority", "OK", own, anchors=[own])
    own_names(own)
    row("an authority's certificate for a server", "CERT_USAGE", leaf(basic=basic(), usage=usage(KU_SIGN | KU_CERT)), ICA)
    row("an authority's certificate for a server, of its own name", "CERT_UNTRUSTED",
        leaf(subject=ICA.subject, basic=basic(), usage=usage(KU_SIGN | KU_CERT), san=san("DNS:" + HOST)), ICA)
    bad = bytearray(LEAF.der)
    bad[-1] ^= 1
    row("the leaf's signature is wrong [D10]", "CERT_SIGNATURE", bytes(bad), ICA)
    bad = bytearray(ICA.der)
    bad[-1] ^= 1
    row("the intermediate's signature is wrong [D10]", "CERT_UNTRUSTED", LEAF, bytes(bad))
    row("signed by another key under the issuer's name", "CERT_SIGNATURE", LEAF, ica(key=OTHER_KEY))
    row("the issuer's name in other letters: BearSSL compares octets", "CERT_ORDER", leaf(issuer=name("O=popcl tests", "CN=intermediate")), ICA)
    row("the issuer's name in another string type: BearSSL compares octets", "CERT_ORDER",
        leaf(issuer=name("O=popcl tests", "CN=Intermediate", kind=19)), ICA)
    row("an RSA signature where the issuer has an EC key", "CERT_SIGNATURE", leaf(inner=RSA["sha256"], outer=RSA["sha256"]), ICA)
    row("an expired root: no anchor", "NO_TRUST", DIRECT, anchors=[root(end="20260201000000Z")])
    for text, more in (("excluded names", constrained(excluded=["DNS:example.com"])), ("other names", constrained([("dir", name("O=x"))])),
                       ("hosts and addresses", constrained(["DNS:example.org"], ["IP:0.0.0.0/0"])),
                       ("hosts and mail", constrained(["DNS:example.org", "email:example.org"]))):
        row(f"a root limited by {text}: no anchor", "NO_TRUST", DIRECT, anchors=[root(more=[more])])
    row("a root that is no authority: it is trusted as a server", "CERT_UNTRUSTED", DIRECT, anchors=[root(basic=None, usage=None)])
    row("a root of version 1: it is trusted as a server", "CERT_UNTRUSTED", DIRECT, anchors=[root(version=None, extensions=b"")])
    for text, top in (("whose serial number is 0", root(serial=integer(0))), ("whose serial number has 21 octets", root(serial=tlv(2, b"\x01" * 21))),
                      ("without subjectKeyIdentifier", root(ski=None)), ("with names that are critical", root(more=[san("DNS:ca.example", critical=True)])),
                      ("with a GeneralizedTime before 2050", root(validity=seq(tlv(0x18, b"20200101000000Z"), tlv(0x18, b"20400101000000Z")))),
                      ("whose common name is another host's", root(subject=name("CN=ca.example"), more=[san("DNS:www.example")])),
                      ("signed by RSA without NULL", root(key=RSA_KEY_2048, inner=seq(oid("1.2.840.113549.1.1.11")), outer=seq(oid("1.2.840.113549.1.1.11"))))):
        row(f"a root {text}", "OK", leaf(signer=top), anchors=[top])
        row(f"a root {text}, and it comes too", "OK", leaf(signer=top), top, anchors=[top])


def paths():
    def tower(limits, top=None, anchors=None, sizes=None):
        """A chain with an intermediate for each limit, the first below the root."""
        signer, made_ = top or ROOT, []
        for i, limit in enumerate(limits):
            key = EcKey()
            signer = ica(signer=signer, key=key, subject=name(f"CN=I{i}"), basic=basic(path_len=limit))
            made_.insert(0, signer)
        return [leaf(signer=signer)] + made_

    row("an intermediate without CA [D7]", "CERT_NOT_CA", LEAF, ica(basic=basic(False)))
    row("an intermediate without basicConstraints [D7]", "CERT_NOT_CA", LEAF, ica(basic=None, usage=None))
    row("an intermediate of version 1 [D7]", "CERT_NOT_CA", LEAF, ica(version=None, extensions=b""))
    row("an intermediate without keyCertSign [D8]", "CERT_USAGE", LEAF, ica(usage=usage(KU_CRL)))
    row("an intermediate with digitalSignature alone [D8]", "CERT_USAGE", LEAF, ica(usage=usage(KU_SIGN)))
    row("a path of 0, a leaf", "OK", *tower([0]))
    row("a path of 0, an intermediate below [D9]", "CERT_NOT_CA", *tower([0, None]))
    row("a path of 1, an intermediate below", "OK", *tower([1, None]))
    row("a path of 1, two below [D9]", "CERT_NOT_CA", *tower([1, None, None]))
    row("a path of 1, which grows below", "OK", *tower([1, 5]))
    row("the limit of the middle one counts [D9]", "CERT_NOT_CA", *tower([5, 0, 3]))
    row("a path of 300", "OK", *tower([300, None]))
    row("eight intermediates", "OK", *tower([None] * 8))
    top = root(basic=basic(path_len=0))
    row("the root's own limit is 0, a leaf", "OK", leaf(signer=top), anchors=[top])
    row("the root's own limit is 0, a leaf, and it comes too", "OK", leaf(signer=top), top, anchors=[top])
    middle = ica(signer=top)
    row("the root's own limit is 0, an intermediate [D9]", "CERT_NOT_CA", leaf(signer=middle), middle, anchors=[top])
    row("the root's own limit is 0, an intermediate, and it comes too [D9]", "CERT_NOT_CA", leaf(signer=middle), middle, top, anchors=[top])
    top = root(basic=basic(path_len=1))
    row("the root's own limit is 1, an intermediate", "OK", *tower([None], top), anchors=[top])
    row("the root's own limit is 1, two [D9]", "CERT_NOT_CA", *tower([None, None], top), anchors=[top])
    again_key = EcKey()
    narrow = ica(basic=basic(path_len=0))
    again = ica(signer=narrow, subject=narrow.subject, key=again_key, basic=basic(path_len=0))
    row("an issuer's certificate for itself does not count", "OK", leaf(signer=again), again, narrow)
    below = ica(signer=again, subject=name("CN=Below"), key=EcKey())
    row("an issuer's certificate for itself does not count, the one below it does [D9]", "CERT_NOT_CA", leaf(signer=below), below, again, narrow)
    row("a path length without CA", "CERT_MALFORMED", leaf(basic=ext(BASIC, seq(integer(0)), True)), ICA)
    row("a path length without CA, in an intermediate", "CERT_MALFORMED", LEAF, ica(basic=ext(BASIC, seq(integer(0)), True)))
    row("a negative path length", "CERT_MALFORMED", LEAF, ica(basic=ext(BASIC, seq(boolean(True), integer(-1)), True)))
    row("CA: FALSE in so many octets", "OK", leaf(basic=ext(BASIC, seq(boolean(False)))), ICA)
    row("CA: FALSE in so many octets, critical", "OK", leaf(basic=ext(BASIC, seq(boolean(False)), True)), ICA)
    row("CA: FALSE in so many octets, and a path length", "CERT_MALFORMED", leaf(basic=ext(BASIC, seq(boolean(False), integer(0)))), ICA)
    row("CA: FALSE in so many octets, and keyCertSign", "CERT_USAGE", leaf(basic=ext(BASIC, seq(boolean(False))), usage=usage(KU_SIGN | KU_CERT)), ICA)
    row("CA: FALSE in so many octets, in an intermediate [D7]", "CERT_NOT_CA", LEAF, ica(basic=ext(BASIC, seq(boolean(False)), True)))
    row("CA: FALSE and TRUE, in an intermediate", "CERT_MALFORMED", LEAF, ica(basic=ext(BASIC, seq(boolean(False), boolean(True)), True)))
    row("CA: 1 in a leaf", "CERT_MALFORMED", leaf(basic=ext(BASIC, seq(b"\x01\x01\x01"))), ICA)
    row("CA: two octets of 0", "CERT_MALFORMED", leaf(basic=ext(BASIC, seq(b"\x01\x02\x00\x00"))), ICA)
    row("CA: no octet", "CERT_MALFORMED", leaf(basic=ext(BASIC, seq(b"\x01\x00"))), ICA)
    row("CA: 1 instead of 255", "CERT_MALFORMED", LEAF, ica(basic=ext(BASIC, seq(b"\x01\x01\x01"), True)))
    row("an intermediate with an empty subject", "CERT_MALFORMED", leaf(issuer=EMPTY), ica(subject=EMPTY))
    row("an intermediate with an empty subject, and names that are critical", "CERT_MALFORMED", leaf(issuer=EMPTY),
        ica(subject=EMPTY, more=[san("DNS:ca.example", critical=True)]))
    row("an empty issuer", "CERT_MALFORMED", leaf(issuer=EMPTY), ICA)
    row("an intermediate without subjectKeyIdentifier", "OK", LEAF, ica(ski=None))
    row("an intermediate without authorityKeyIdentifier", "OK", LEAF, ica(aki=None))
    row("an intermediate without key identifiers", "OK", leaf(aki=None), ica(aki=None, ski=None))
    row("an intermediate whose authorityKeyIdentifier has issuer and serial alone", "OK",
        LEAF, ica(aki=ext(AKI, seq(tlv(0xA1, tlv(0xA4, ROOT.subject)), tlv(0x82, b"\x10")))))
    row("key identifiers are not compared", "OK", leaf(aki=aki(OTHER_KEY.spki)), ica(aki=aki(OTHER_KEY.spki), ski=ski(OTHER_KEY.spki)))
    row("key identifiers that fit, and another key", "CERT_SIGNATURE", LEAF, ica(key=OTHER_KEY, ski=ski(ICA_KEY.spki)))
    row("a path of 2^31 - 1", "OK", LEAF, ica(basic=basic(path_len=2**31 - 1)))
    row("a path of 2^31", "CERT_MALFORMED", LEAF, ica(basic=basic(path_len=2**31)))
    row("a path of 2^32", "CERT_MALFORMED", LEAF, ica(basic=basic(path_len=2**32)))
    row("a path of 2^64", "CERT_MALFORMED", LEAF, ica(basic=basic(path_len=2**64)))
    row("an intermediate for clients [D17]", "CERT_USAGE", LEAF, ica(purpose=purpose(CLIENT_AUTH)))
    row("an expired intermediate [D6]", "CERT_EXPIRED", LEAF, ica(end="20260301000000Z"))
    row("an intermediate that is not valid yet [D6]", "CERT_NOT_YET", LEAF, ica(start="20260901000000Z"))


def names():
    listed = "mail.example.org"
    row("another host [D3 R66]", "CERT_NAME", LEAF, ICA, host="other.example.org", names=listed)
    row("a subdomain of the name [R66]", "CERT_NAME", LEAF, ICA, host="a.mail.example.org", names=listed)
    row("the domain above the name [R66]", "CERT_NAME", LEAF, ICA, host="example.org")
    row("a name that the host ends in", "CERT_NAME", leaf("DNS:example.org", subject=name("O=x")), ICA)
    row("a name that begins with the host", "CERT_NAME", leaf("DNS:mail.example.org.evil.example", subject=name("O=x")), ICA)
    row("letters of either case", "OK", leaf("DNS:MAIL.Example.ORG", subject=name("O=x")), ICA, host="mail.EXAMPLE.org")
    row("a trailing dot of the host", "OK", LEAF, ICA, host=HOST + ".")
    row("two trailing dots of the host", "CERT_NAME", LEAF, ICA, host=HOST + "..")
    row("a trailing dot of the name", "CERT_NAME", leaf("DNS:mail.example.org.", subject=name("O=x")), ICA)
    row("a leading dot of the name", "CERT_NAME", leaf("DNS:.example.org", subject=name("O=x")), ICA)
    row("the right name is the last of many", "OK", leaf(*[f"DNS:h{i}.example" for i in range(300)], "DNS:" + HOST), ICA)
    row("a common name alone [D22 R66]", "CERT_NO_SAN", leaf(san=None), ICA)
    row("no names at all", "CERT_NO_SAN", leaf(san=None, subject=name("O=x")), ICA)
    row("version 1, a common name alone [D22]", "CERT_NO_SAN", leaf(version=None, extensions=b""), ICA)
    row("the common name matches, the name does not [D23 R66]", "CERT_NAME", leaf("DNS:other.example.org"), ICA, names="other.example.org")
    row("the common name matches, another kind of name is there [D24]", "CERT_NO_SAN", leaf("email:a@mail.example.org"), ICA)
    row("names of other kinds alone [D24]", "CERT_NO_SAN", leaf("URI:https://mail.example.org/", tlv(0xA4, name("CN=" + HOST))), ICA)
    row("a name of another kind beside the right one", "OK", leaf("email:a@example.org", "DNS:" + HOST), ICA)
    other_name = tlv(0xA0, oid("1.3.6.1.5.5.7.8.7"), tlv(0xA0, tlv(22, HOST.encode())))
    row("an otherName that holds the host [D24]", "CERT_NO_SAN", leaf(other_name), ICA)
    hidden = tlv(0xA0, oid("1.2.3"), tlv(0xA0, general("DNS:" + HOST)))
    row("an otherName that holds a dNSName [D24]", "CERT_NO_SAN", leaf(hidden), ICA)
    hidden = tlv(0xA4, seq(set_of(seq(oid("2.5.4.3"), tlv(0x87, bytes([192, 0, 2, 1]))))))
    row("a directoryName that holds an iPAddress [D24]", "CERT_NO_SAN", leaf(hidden), ICA, host="192.0.2.1")
    row("the common name is none of the names", "OK", leaf(subject=name("CN=www.example.org")), ICA)
    row("the common name is one of the names", "OK", leaf("DNS:" + HOST, "DNS:www.example.org", subject=name("CN=www.example.org")), ICA)
    row("the common name in other letters", "OK", leaf(subject=name("CN=Mail.example.org")), ICA)
    row("a common name that is no host's", "OK", leaf(subject=name("CN=The mail server of example.org")), ICA)
    row("a common name of one word", "OK", leaf(subject=name("CN=localhost")), ICA)
    row("the common name is an address of the certificate", "OK", leaf("DNS:" + HOST, "IP:192.0.2.1", subject=name("CN=192.0.2.1")), ICA)
    row("the common name is an IPv6 address of the certificate", "OK",
        leaf("IP:2001:db8::1", subject=name("CN=2001:db8::1")), ICA, host="2001:db8::1")
    row("the common name is that address in capitals", "OK",
        leaf("IP:2001:db8::1", subject=name("CN=2001:DB8::1")), ICA, host="2001:db8::1")
    row("the common name is that address in full", "OK",
        leaf("IP:2001:db8::1", subject=name("CN=2001:db8:0:0:0:0:0:1")), ICA, host="2001:db8::1")
    row("the common name is that address with zeros", "OK",
        leaf("IP:192.0.2.1", subject=name("CN=192.000.002.001")), ICA, host="192.0.2.1")
    for given, of in (("::", "::"), ("::1", "::1"), ("1::", "1::"), ("1:0:0:2::3", "1:0:0:2:0:0:0:3"), ("1::2:0:0:3:4", "1:0:0:2:0:0:3:4"),
                      ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"), ("::ffff:c000:201", "::ffff:192.0.2.1"), ("abcd:ef01:2345:6789:abcd:ef01:2345:6789",) * 2):
        row(f"{of} is told as {given}", "CERT_NAME", leaf("IP:" + of, subject=name("O=x")), ICA, names=given)
    row("the text of a name that is cut, and what a terminal would obey", "CERT_NAME", leaf("DNS:a\x1b[2Jb.example, c", subject=name("O=x")), ICA,
        names="a??2Jb.example??c")

    wild = leaf("DNS:*.example.org", subject=name("O=x"))
    row("a wildcard [D25 R66]", "OK", wild, ICA)
    row("a wildcard, another label [D25]", "OK", wild, ICA, host="x.example.org")
    row("a wildcard, two labels [D25 R66]", "CERT_NAME", wild, ICA, host="a.b.example.org")
    row("a wildcard, no label [D25]", "CERT_NAME", wild, ICA, host="example.org")
    row("a wildcard, an empty label [D25]", "CERT_NAME", wild, ICA, host=".example.org")
    row("a wildcard over an A-label", "OK", wild, ICA, host="xn--bcher-kva.example.org")
    row("a wildcard over a label with an underscore", "OK", wild, ICA, host="my_host.example.org")
    row("a wildcard over a single label [D25]", "OK", leaf("DNS:*.example", subject=name("O=x")), ICA, host="mail.example")
    row("a wildcard over a single label, two labels [D25]", "CERT_NAME", leaf("DNS:*.example", subject=name("O=x")), ICA, host="a.b.example")
    row("a star alone [D25]", "CERT_NAME", leaf("DNS:*", subject=name("O=x")), ICA, host="mail")
    row("a star alone, a host of three labels [D25]", "CERT_NAME", leaf("DNS:*", subject=name("O=x")), ICA)
    row("a star and a dot [D25]", "CERT_NAME", leaf("DNS:*.", subject=name("O=x")), ICA, host="mail")
    for text in ("m*.example.org", "*l.example.org", "ma*l.example.org", "**.example.org", "*.*.org", "mail.*.org", "mail.example.*", "*.*", "*mail.example.org",
                 "xn--*.example.org", "*", "*.mail.example.org", "*.org", "\\*.example.org"):
        row(f"{text} [D25 R66]", "CERT_NAME", leaf("DNS:" + text, subject=name("O=x")), ICA)
    row("a star in the host", "CERT_NAME", wild, ICA, host="*.example.org")
    row("an underscore in the name: no host's", "CERT_NAME", leaf("DNS:my_host.example.org", subject=name("O=x")), ICA, host="my_host.example.org")
    row("NUL in the name [D30]", "CERT_NAME", leaf("DNS:mail.example.org\0.evil.example", subject=name("O=x")), ICA)
    row("NUL behind the name [D30]", "CERT_NAME", leaf("DNS:mail.example.org\0", subject=name("O=x")), ICA)
    row("octets above 127 in the name", "CERT_NAME", leaf("DNS:m\xe4il.example.org", subject=name("O=x")), ICA)
    row("a space behind the name", "CERT_NAME", leaf("DNS:mail.example.org ", subject=name("O=x")), ICA)
    row("an empty name", "CERT_MALFORMED", leaf("DNS:", "DNS:" + HOST), ICA)
    row("a name in capitals with a star [D25]", "OK", leaf("DNS:*.EXAMPLE.org", subject=name("O=x")), ICA)
    long = "a" * 64 + ".example.org"
    row("a label of 64 octets", "CERT_NAME", leaf("DNS:" + long, subject=name("O=x")), ICA, host=long)
    row("a label that begins with a hyphen", "CERT_NAME", leaf("DNS:-a.example.org", subject=name("O=x")), ICA, host="-a.example.org")
    long = ".".join(["a" * 63] * 4)
    row("a host of 255 octets", "CERT_NAME", leaf("DNS:" + long, subject=name("O=x")), ICA, host=long)
    row("a host of 256 octets [D28]", "ERR_HOST", LEAF, ICA, host="a" * 256)
    row("no host [D27]", "ERR_HOST", LEAF, ICA, host="")
    row("a dot as host [D27]", "ERR_HOST", LEAF, ICA, host=".")

    v4, v6 = leaf("IP:192.0.2.1", subject=name("O=x")), leaf("IP:2001:db8::1", subject=name("O=x"))
    row("an address [D26]", "OK", v4, ICA, host="192.0.2.1")
    row("another address [D26]", "CERT_NAME", v4, ICA, host="192.0.2.2", names="192.0.2.1")
    row("an IPv6 address [D26]", "OK", v6, ICA, host="2001:db8::1")
    row("an IPv6 address in other words [D26]", "OK", v6, ICA, host="2001:0DB8:0:0::0.0.0.1")
    many = [f"10{i % 10}.1{i % 90 + 10}.2{i // 100 % 50:02}.{100 + i // 5000 % 100}" for i in range(5000)]
    row("told: more names than 16 bits count", "CERT_NAME", leaf(*["IP:" + one for one in many], subject=name("O=x")), ICA, host="192.0.2.1", names=", ".join(many)[:65535])
    row("more names than 16 bits count, the issuers in any order", "CERT_UNTRUSTED", leaf(*["IP:" + one for one in many], subject=name("O=x")), ROOT, ICA,
        host=many[-1], anchors=[root(subject=name("CN=Other"), key=OTHER_KEY)])
    row("another IPv6 address [D26]", "CERT_NAME", v6, ICA, host="2001:db8::2")
    row("an address as dNSName [D26]", "CERT_NAME", leaf("DNS:192.0.2.1", subject=name("O=x")), ICA, host="192.0.2.1")
    row("an IPv6 address as dNSName [D26]", "CERT_NAME", leaf("DNS:2001:db8::1", subject=name("O=x")), ICA, host="2001:db8::1")
    row("an address as common name [D26]", "CERT_NO_SAN", leaf(san=None, subject=name("CN=192.0.2.1")), ICA, host="192.0.2.1")
    row("a wildcard over an address [D26]", "CERT_NAME", leaf("DNS:*.0.2.1", subject=name("O=x")), ICA, host="192.0.2.1")
    for host in ("127.1", "2130706433", "0x7f.1", "0x7f000001", "127.0.0.01", "0177.0.0.1", "127.0.0.0x1", "1.2.3.4.5", "a.0x1f", "a.7", "999.1.1.1"):
        row(f"{host} looks like an address [D26]", "CERT_NAME",
            leaf("DNS:" + host, "IP:127.0.0.1", "DNS:*." + host.split(".", 1)[-1], subject=name("O=x")), ICA, host=host)
    row("an IPv4 address mapped into IPv6 is another", "CERT_NAME", leaf("IP:::ffff:192.0.2.1", subject=name("O=x")), ICA, host="192.0.2.1")
    row("an iPAddress of 5 octets", "CERT_MALFORMED", leaf(tlv(0x87, b"\1\2\3\4\5"), "DNS:" + HOST), ICA)
    row("an iPAddress of 8 octets, as in constraints", "CERT_MALFORMED", leaf(tlv(0x87, b"\xc0\0\2\1\xff\xff\xff\xff"), "DNS:" + HOST), ICA)
    row("an iPAddress as text", "CERT_MALFORMED", leaf(tlv(0x87, b"192.0.2.1")), ICA, host="192.0.2.1")
    row("a host beside addresses", "OK", leaf("IP:192.0.2.1", "DNS:" + HOST), ICA)
    row("an address beside hosts", "OK", leaf("DNS:" + HOST, "IP:192.0.2.1"), ICA, host="192.0.2.1")
    row("a host, and the certificate has an address alone", "CERT_NAME", v4, ICA)
    row("an address whose octets are a host's letters", "CERT_NAME", leaf(tlv(0x87, b"mail"), subject=name("O=x")), ICA, host="mail")


def extensions():
    host = san("DNS:" + HOST)
    row("two subjectAltNames [D31]", "CERT_MALFORMED", leaf(more=[host]), ICA)
    row("two subjectAltNames, the second is right [D31]", "CERT_MALFORMED", leaf("DNS:other.example.org", more=[host]), ICA)
    row("two basicConstraints", "CERT_MALFORMED", LEAF, ica(more=[basic()]))
    row("two key usages", "CERT_MALFORMED", leaf(more=[usage(KU_SIGN)]), ICA)
    strange = ext("1.3.6.1.4.1.55555.1", b"a")
    row("an unknown extension twice, another one before it", "CERT_MALFORMED", leaf(more=[ext("1.3.6.1.4.1.55555.2", b""), strange, strange]), ICA)
    row("an unknown extension twice", "CERT_MALFORMED", leaf(more=[strange, ext("1.3.6.1.4.1.55555.2", b""), strange]), ICA)
    row("an unknown critical extension [D19]", "CERT_EXTENSION", leaf(more=[ext("1.3.6.1.4.1.55555.1", b"a", True)]), ICA)
    row("an unknown critical extension in an intermediate [D19]", "CERT_EXTENSION", LEAF, ica(more=[ext("1.3.6.1.4.1.55555.1", b"a", True)]))
    row("a precertificate (CT poison)", "CERT_EXTENSION", leaf(more=[ext("1.3.6.1.4.1.11129.2.4.3", NULL, True)]), ICA)
    row("a critical extension whose number only begins like a known one", "CERT_EXTENSION", leaf(more=[ext("2.5.29.17.1", b"a", True)]), ICA)
    row("critical: FALSE in so many octets", "CERT_MALFORMED", leaf(more=[ext("1.3.6.1.4.1.55555.1", b"a", boolean(False))]), ICA)
    row("critical: 1 instead of 255", "CERT_MALFORMED", leaf(more=[ext("1.3.6.1.4.1.55555.1", b"a", b"\x01\x01\x01")]), ICA)
    row("critical: two octets", "CERT_MALFORMED", leaf(more=[ext("1.3.6.1.4.1.55555.1", b"a", b"\x01\x02\xff\xff")]), ICA)
    row("names critical beside a subject", "OK", leaf(san=san("DNS:" + HOST, critical=True)), ICA)
    row("names critical beside a subject, another host's [D3]", "CERT_NAME", leaf(san=san("DNS:other.example.org", critical=True)), ICA)
    row("names critical in an intermediate", "OK", LEAF, ica(more=[san("DNS:ca.example", critical=True)]))
    row("an empty subject, the names not critical", "OK", leaf(subject=EMPTY), ICA)
    row("an empty subject, the names not critical, another host's [D3]", "CERT_NAME", leaf("DNS:other.example.org", subject=EMPTY), ICA)
    row("an empty subject, no names", "CERT_NO_SAN", leaf(subject=EMPTY, san=None), ICA)
    row("no extension in the list", "CERT_MALFORMED", leaf(extensions=tlv(0xA3, seq())), ICA)
    row("no list of extensions", "CERT_MALFORMED", leaf(extensions=tlv(0xA3)), ICA)
    row("no names in subjectAltName", "CERT_MALFORMED", leaf(san=ext(SAN, seq())), ICA)
    row("an empty subjectAltName", "CERT_MALFORMED", leaf(san=ext(SAN, b"")), ICA)
    row("subjectAltName with octets behind it", "CERT_MALFORMED", leaf(san=ext(SAN, seq(general("DNS:" + HOST)) + b"\0")), ICA)
    row("subjectAltName cut", "CERT_MALFORMED", leaf(san=ext(SAN, seq(general("DNS:" + HOST))[:-1])), ICA)
    row("subjectAltName with a name of no kind", "CERT_MALFORMED", leaf(general("DNS:" + HOST), tlv(0x89, b"a")), ICA)
    row("subjectAltName with a plain IA5String", "CERT_MALFORMED", leaf(general("DNS:" + HOST), tlv(22, b"a")), ICA)
    row("a dNSName in pieces", "CERT_MALFORMED", leaf(tlv(0xA2, tlv(4, HOST.encode()))), ICA)
    row("version 3 without extensions", "CERT_NO_SAN", leaf(extensions=b""), ICA)
    row("extensions in version 1", "CERT_MALFORMED", leaf(version=None), ICA)
    row("extensions in version 2", "CERT_MALFORMED", leaf(version=1), ICA)
    row("version 1 in so many octets", "CERT_MALFORMED", leaf(version=0), ICA)
    row("version 1 in so many octets, without extensions", "CERT_MALFORMED", leaf(version=0, extensions=b""), ICA)
    row("version 2, without extensions", "CERT_NO_SAN", leaf(version=1, extensions=b""), ICA)
    row("version 4", "CERT_MALFORMED", leaf(version=3), ICA)
    row("version 513", "CERT_MALFORMED", leaf(version=512), ICA)
    row("a critical authorityKeyIdentifier", "CERT_MALFORMED", leaf(aki=ext(AKI, seq(tlv(0x80, b"k")), True)), ICA)
    row("an authorityKeyIdentifier that is none", "CERT_MALFORMED", leaf(aki=ext(AKI, octets(b"k"))), ICA)
    row("a critical subjectKeyIdentifier", "CERT_MALFORMED", LEAF, ica(ski=ext(SKI, octets(b"k"), True)))
    row("a critical authorityInfoAccess", "CERT_MALFORMED",
        leaf(more=[ext("1.3.6.1.5.5.7.1.1", seq(seq(oid("1.3.6.1.5.5.7.48.1"), general("URI:http://a/"))), True)]), ICA)
    row("an authorityInfoAccess that is none", "CERT_MALFORMED", leaf(more=[ext("1.3.6.1.5.5.7.1.1", b"malformed")]), ICA)
    row("CRL addresses that are none", "CERT_MALFORMED", leaf(more=[ext("2.5.29.31", b"\x30\x05\x30\x03\xa0\x02\xa0")]), ICA)

    row("a leaf for clients [D17]", "CERT_USAGE", leaf(purpose=purpose(CLIENT_AUTH)), ICA)
    again = root(subject=name("CN=Again"), key=OTHER_KEY)
    row("an issuer nine times over, which is ten certificates", "CERT_UNTRUSTED", leaf(signer=again), *[again] * 9)
    row("an issuer ten times over: nobody checks signatures without end", "CERT_UNSUPPORTED", leaf(signer=again), *[again] * 10)
    row("a leaf for anything", "CERT_USAGE", leaf(purpose=purpose(ANY_PURPOSE)), ICA)
    row("a leaf for servers and anything", "OK", leaf(purpose=purpose(SERVER_AUTH, ANY_PURPOSE)), ICA)
    row("a leaf for anything and servers", "OK", leaf(purpose=purpose(ANY_PURPOSE, SERVER_AUTH)), ICA)
    row("a leaf for clients and anything", "CERT_USAGE", leaf(purpose=purpose(CLIENT_AUTH, ANY_PURPOSE)), ICA)
    row("a leaf for mail", "CERT_USAGE", leaf(purpose=purpose("1.3.6.1.5.5.7.3.4")), ICA)
    row("no purpose in the list", "CERT_MALFORMED", leaf(purpose=ext(PURPOSE, seq())), ICA)
    row("a critical purpose, serverAuth [D18]", "OK", leaf(purpose=purpose(SERVER_AUTH, critical=True)), ICA)
    row("a critical purpose, clientAuth [D18]", "CERT_USAGE", leaf(purpose=purpose(CLIENT_AUTH, critical=True)), ICA)
    row("key usage: keyEncipherment alone", "CERT_USAGE", leaf(usage=usage(KU_ENCIPHER)), ICA)
    row("key usage: nonRepudiation alone", "CERT_USAGE", leaf(usage=usage(0x40)), ICA)
    row("key usage: keyCertSign in a leaf", "CERT_USAGE", leaf(usage=usage(KU_SIGN | KU_CERT)), ICA)
    row("key usage: no bits", "CERT_MALFORMED", leaf(usage=ext(USAGE, bits(b""), True)), ICA)
    row("key usage: nothing", "CERT_MALFORMED", leaf(usage=ext(USAGE, tlv(3), True)), ICA)
    row("key usage: zeros", "CERT_USAGE", leaf(usage=ext(USAGE, bits(b"\0"), True)), ICA)
    row("key usage: zeros behind it", "OK", leaf(usage=ext(USAGE, bits(b"\x80"), True)), ICA)
    row("key usage: an octet of zeros behind it, as in some public roots", "OK", LEAF, ica(usage=ext(USAGE, bits(b"\x06\0", 7), True)))
    row("key usage: unused bits set", "CERT_MALFORMED", leaf(usage=ext(USAGE, bits(b"\x81", 7), True)), ICA)
    row("key usage: 9 unused bits", "CERT_MALFORMED", leaf(usage=ext(USAGE, bits(b"\x80", 9), True)), ICA)
    row("key usage: decipherOnly beside digitalSignature", "OK", leaf(usage=ext(USAGE, bits(b"\x88\x80", 7), True)), ICA)

    constraints = seq(tlv(0xA0, seq(general("DNS:example.org"))))
    for critical in (True, False):
        how = "critical" if critical else "not critical"
        row(f"constraints on names, {how} [D20]", "OK", LEAF, ica(more=[ext(NAME_CONSTRAINTS, constraints, critical)]))
        row(f"constraints on names in the leaf, {how} [D20]", "CERT_CONSTRAINTS", leaf(more=[ext(NAME_CONSTRAINTS, constraints, critical)]), ICA)
        row(f"constraints on policies, {how}", "CERT_CONSTRAINTS" if critical else "OK", LEAF, ica(more=[ext(POLICY_CONSTRAINTS, seq(tlv(0x80, b"\0")), critical)]))
        row(f"inhibitAnyPolicy, {how}", "CERT_CONSTRAINTS" if critical else "OK", LEAF, ica(more=[ext(INHIBIT_ANY, integer(0), critical)]))
    row("policies with a qualifier, critical", "OK",
        leaf(more=[ext(POLICIES, seq(seq(oid("2.23.140.1.2.1"), seq(seq(oid("1.3.6.1.5.5.7.2.2"), seq())))), True)]), ICA)
    row("policy mappings, critical", "CERT_EXTENSION", LEAF, ica(more=[ext("2.5.29.33", seq(seq(oid("1.2.3"), oid("1.2.4"))), True)]))


def siblings():
    """Certificates of one issuer with its key or its name: the right one is taken."""
    expired, other_key = ica(end="20260301000000Z"), ica(key=OTHER_KEY)
    for profile in ("host", "public"):
        row(f"an expired issuer before the right one, {profile}", "OK", LEAF, expired, ICA, profile=profile)
        row(f"an issuer of the same name with another key before the right one, {profile}", "OK", LEAF, other_key, ICA, profile=profile)
        row(f"an issuer that is no authority before the right one, {profile}", "OK", LEAF, ica(basic=None, usage=None), ICA, profile=profile)
        row(f"an issuer for clients before the right one, {profile}", "OK", LEAF, ica(purpose=purpose(CLIENT_AUTH)), ICA, profile=profile)
        row(f"a weak issuer before the right one, {profile}", "OK", LEAF, ica(hash="sha1"), ICA, profile=profile)
        row(f"an issuer whose names exclude the host before the right one, {profile}", "OK", LEAF,
            ica(more=[constrained(permitted=["DNS:example.com"])]), ICA, profile=profile)
        row(f"a damaged issuer before the right one, {profile}", "OK", LEAF, ICA.der[:-90], ICA, profile=profile)
        # beyond what is signed, so that its names, its key and its signature of the leaf are right
        for text, damaged in (("another algorithm outside", ica(outer=ECDSA["sha384"])), ("parameters outside", ica(outer=seq(oid("1.2.840.10045.4.3.2"), NULL))),
                              ("octets behind it", ica(tail=b"\0")), ("octets behind its signature", seq(ICA.tbs, ECDSA["sha256"], bits(ICA_KEY.sign(ICA.tbs, "sha256")), NULL)),
                              ("its last octet is missing", ICA.der[:-1]), ("no signature", ica(signature=b"")), ("no signature, and no unused bits", seq(ICA.tbs, ECDSA["sha256"], tlv(3))),
                              ("unused bits in its signature", seq(ICA.tbs, ECDSA["sha256"], bits(b"\0" * 64, 1))), ("a signature of 513 octets", ica(signature=b"\0" * 513)),
                              ("a signature in an OCTET STRING", seq(ICA.tbs, ECDSA["sha256"], octets(b"\0" * 71))), ("nothing after the signed part", seq(ICA.tbs)),
                              ("nothing after the algorithm", seq(ICA.tbs, ECDSA["sha256"]))):
            row(f"a damaged issuer before the right one, {text}, {profile} [D32]", "OK", LEAF, damaged, ICA, profile=profile)
            row(f"told: a damaged issuer, {text}, {profile}", "CERT_UNSUPPORTED" if "513" in text else "CERT_MALFORMED", LEAF, damaged, profile=profile, refused="2")
    forged = ICA.der[:-1] + bytes([ICA.der[-1] ^ 1])  # that shows when the anchors are asked, and then it has the place
    row("an issuer whose own signature is wrong before the right one [D32]", "OK", LEAF, forged, ICA)
    row("an issuer whose own signature is wrong before the right one, a stream [D32]", "CERT_ORDER", LEAF, forged, ICA, profile="public", refused="3")
    row("an issuer signed by a hash that the profile has not, before the right one", "OK", LEAF, ica(hash="sha384"), ICA, profile="ecdsa")
    row("told: an issuer signed by a hash that the profile has not", "CERT_UNSUPPORTED", LEAF, ica(hash="sha384"), profile="ecdsa", refused="2")
    row("told: an expired issuer, and one with another key [D6]", "CERT_EXPIRED", LEAF, expired, other_key, refused="2 2026-03-01T00:00:00Z")


def orders():
    """Issuers in any order, and certificates for other roots beside them: a host finds the path."""
    def each_order(title, certs, want="OK", **kw):
        for i, order in enumerate(itertools.permutations(certs[1:])):
            row(f"any order, {title}, {i + 1} [D32]", want, certs[0], *order, **kw)

    key = [EcKey() for _ in range(4)]
    upper = ica(subject=name("CN=Upper"), key=key[0])
    middle = ica(signer=upper, subject=name("CN=Middle"), key=key[1])
    lower = ica(signer=middle, subject=name("CN=Lower"), key=key[2])
    bottom = leaf(signer=lower)
    other_root = root(subject=name("CN=Other"), key=OTHER_KEY)
    each_order("three issuers", [bottom, lower, middle, upper])
    each_order("three issuers and the root", [leaf(signer=middle), middle, upper, ROOT])
    each_order("three issuers, the root is unknown", [bottom, lower, middle, upper], "CERT_UNTRUSTED", anchors=[other_root])
    # cross-signed: the same name and key below two roots
    crossed = ica(signer=other_root, subject=upper.subject, key=key[0])
    for text, sibling in (("another root", crossed), ("another root, expired", ica(signer=other_root, subject=upper.subject, key=key[0], end="20260301000000Z")),
                          ("this root, expired", ica(subject=upper.subject, key=key[0], end="20260301000000Z")),
                          ("this root, no authority", ica(subject=upper.subject, key=key[0], basic=None, usage=None)),
                          ("this root, another key", ica(subject=upper.subject, key=key[3])),
                          ("this root, for clients", ica(subject=upper.subject, key=key[0], purpose=purpose(CLIENT_AUTH))),
                          ("this root, for another host", ica(subject=upper.subject, key=key[0], more=[constrained(["DNS:example.com"])])),
                          ("this root, too short a path", ica(subject=upper.subject, key=key[0], basic=basic(path_len=0)))):
        each_order(f"an issuer also below {text}", [leaf(signer=middle), middle, upper, sibling])
    each_order("an issuer below two other roots", [leaf(signer=middle), middle, crossed, ica(signer=root(subject=name("CN=Third"), key=key[3]), subject=upper.subject, key=key[0])],
               "CERT_UNTRUSTED")
    # two issuers that signed each other
    left, right = name("CN=Left"), name("CN=Right")
    cycle = [ica(signer=ica(subject=right, key=key[1]), subject=left, key=key[0]), ica(signer=ica(subject=left, key=key[0]), subject=right, key=key[1])]
    each_order("a cycle, and a way out of it", [leaf(signer=cycle[0]), *cycle, ica(subject=right, key=key[1])])
    each_order("a cycle without a way out", [leaf(signer=cycle[0]), *cycle, ica(signer=other_root, subject=right, key=key[1])], "CERT_UNTRUSTED")
    # many paths: their number is bounded
    crowd = [ica(signer=root(subject=name(f"CN=Crowd {i}"), key=key[3]), subject=upper.subject, key=key[0]) for i in range(28)]
    row("any order, the 29th of issuers of one name", "OK", leaf(signer=upper), *crowd, upper)
    wide = [ica(signer=ica(subject=left, key=EcKey()), subject=left, key=EcKey()) for _ in range(12)]
    row("any order, more paths than are tried", "CERT_SIGNATURE", leaf(signer=ica(subject=left, key=key[0])), *wide)
    row("any order, a certificate too large to be kept beside the right one", "OK", LEAF, ica(more=[ext("1.3.6.1.4.1.55555.1", b"x" * 40000)]), ICA)
    row("any order, 40 certificates, the right one first", "OK", LEAF, ICA, *[other_root] * 40)
    chain = [ICA]
    for i in range(30):
        chain.append(ica(signer=chain[-1], subject=name(f"CN=Step {i}"), key=key[i % 2]))
    row("any order, 31 issuers above each other", "CERT_UNSUPPORTED", leaf(signer=chain[-1]), *chain)
    row("31 issuers above each other", "CERT_UNSUPPORTED", leaf(signer=chain[-1]), *chain[::-1])
    row("nine issuers above each other", "OK", leaf(signer=chain[8]), *chain[8::-1])
    row("ten issuers above each other", "CERT_UNSUPPORTED", leaf(signer=chain[9]), *chain[9::-1])
    row("two foreign certificates in place of the issuer's", "CERT_ORDER", LEAF, other_root, root(subject=name("CN=Third"), key=key[3]), refused="2")
    row("any order, another host", "CERT_NAME", bottom, middle, upper, lower, host="other.example.org")
    row("any order, the server's certificate is too large to be kept", "CERT_TOO_LARGE", leaf(more=[ext("1.3.6.1.4.1.55555.1", b"x" * 33000)]), ICA, ROOT, refused="1")
    row("300 certificates, the right one second", "OK", LEAF, ICA, *[other_root] * 298)
    row("300 certificates, the right one last", "CERT_ORDER", LEAF, *[other_root] * 298, ICA, refused="2")
    row("an authority's certificate as the server's, among others", "CERT_UNTRUSTED",
        leaf(subject=upper.subject, issuer=upper.subject, basic=basic(), usage=usage(KU_SIGN | KU_CERT)), upper, middle)
    # a stream looks at 16 certificates
    row("the 16th certificate is the right one, public", "OK", LEAF, *[other_root] * 14, ICA, profile="public")
    row("the 17th certificate is the right one, public", "CERT_UNSUPPORTED", LEAF, *[other_root] * 15, ICA, profile="public", refused="16")
    # the reason and the place of what was refused
    late = ica(subject=name("CN=Upper"), key=key[0], end="20260301000000Z")
    below = ica(signer=late, subject=name("CN=Middle"), key=key[1])
    row("any order, told: an expired issuer before the one that it signed [D6]", "CERT_EXPIRED", leaf(signer=below), late, below,
        refused="2 2026-03-01T00:00:00Z")
    row("any order, told: 20 foreign ones, the root is unknown", "CERT_UNTRUSTED", LEAF, ICA, *[other_root] * 20,
        anchors=[root(subject=name("CN=Unknown"), key=key[3])], refused="2")
    row("any order, told: an expired issuer, and one that is not kept before it [D6]", "CERT_EXPIRED", LEAF,
        ica(more=[ext("1.3.6.1.4.1.55555.1", b"x" * 40000)]), ica(end="20260301000000Z"), refused="3 2026-03-01T00:00:00Z")
    for profile in ("public", "small"):
        row(f"P-521 in the intermediate, {profile}", "CERT_UNSUPPORTED", leaf(signer=ica(key=P521_KEY)), ica(key=P521_KEY), profile=profile)
        row(f"P-521 in the leaf, {profile}", "CERT_UNSUPPORTED", leaf(key=P521_KEY), ICA, profile=profile)
        row(f"pin alone, P-521, {profile}", "CERT_UNSUPPORTED", leaf(key=P521_KEY), pins=[pin(P521_KEY)], anchors=[], profile=profile)
    row("P-521 in the intermediate", "OK", leaf(signer=ica(key=P521_KEY)), ica(key=P521_KEY))
    row("P-521 in the leaf", "OK", leaf(key=P521_KEY), ICA)
    # a stream takes them in order alone
    row("in order, an issuer also below another root, which comes second", "OK", leaf(signer=upper), upper, crossed, profile="public")
    row("in order, an issuer also below another root, which comes first", "CERT_ORDER", leaf(signer=upper), crossed, upper, profile="public")


def constraints():
    """Name constraints of an intermediate (RFC 5280, 4.2.1.10)."""
    def below(want, title, permitted=(), excluded=(), names=(), host=HOST, subject=None, **kw):
        for critical in (True, False):
            middle = ica(more=[constrained(permitted, excluded, critical)], **kw)
            row(f"constraints, {title}, {'critical' if critical else 'not critical'} [D20]", want,
                leaf(*(names or ("DNS:" + HOST,)), signer=middle, subject=subject or name("O=x")), middle, host=host)
        if excluded or kw or not all(str(one).startswith("DNS:") for one in permitted):
            return
        # the same limits in an anchor; one that is limited to names vouches for no address
        top = root(more=[constrained(permitted)])
        row(f"a limited root, {title} [D20]", "CERT_CONSTRAINTS" if re.match(r"[0-9a-f.:]+$", host) else want,
            leaf(*(names or ("DNS:" + HOST,)), signer=top, subject=subject or name("O=x")), anchors=[top], host=host)

    # hosts
    below("OK", "the domain", ["DNS:example.org"])
    below("OK", "the host itself", ["DNS:mail.example.org"])
    below("OK", "the top-level domain", ["DNS:org"])
    below("OK", "any host", ["DNS:"])
    below("OK", "other letters", ["DNS:EXAMPLE.Org"])
    below("OK", "one of two domains", ["DNS:example.com", "DNS:example.org"])
    below("OK", "a dot before the domain", ["DNS:.example.org"])
    below("CERT_CONSTRAINTS", "a dot before the host", ["DNS:.mail.example.org"])
    below("CERT_CONSTRAINTS", "another domain", ["DNS:example.com"])
    below("CERT_CONSTRAINTS", "a dot alone", ["DNS:."])
    below("CERT_CONSTRAINTS", "a dot alone is excluded", excluded=["DNS:."])
    below("CERT_CONSTRAINTS", "a domain below the host", ["DNS:a.mail.example.org"])
    below("CERT_CONSTRAINTS", "a domain that the host's only ends in", ["DNS:ample.org"])
    below("CERT_CONSTRAINTS", "a domain that only begins like the host's", ["DNS:example.org.com"])
    below("CERT_CONSTRAINTS", "the domain is excluded", excluded=["DNS:example.org"])
    below("CERT_CONSTRAINTS", "the domain is excluded, with a dot before it", excluded=["DNS:.example.org"])
    below("CERT_CONSTRAINTS", "the host is excluded, with a dot before it", excluded=["DNS:.mail.example.org"])
    below("CERT_CONSTRAINTS", "all hosts are excluded", excluded=["DNS:"])
    below("OK", "another domain is excluded", excluded=["DNS:example.com"])
    below("OK", "a domain that the host's only ends in is excluded", excluded=["DNS:ample.org"])
    below("CERT_CONSTRAINTS", "permitted and excluded", ["DNS:example.org"], ["DNS:mail.example.org"])
    below("OK", "permitted, and another excluded", ["DNS:example.org"], ["DNS:www.example.org"])
    # every name of the certificate counts
    below("OK", "two names, both inside", ["DNS:example.org"], names=["DNS:" + HOST, "DNS:www.example.org"])
    below("CERT_CONSTRAINTS", "two names, the other one outside", ["DNS:example.org"], names=["DNS:" + HOST, "DNS:www.example.com"])
    below("CERT_CONSTRAINTS", "two names, the other one outside, and first", ["DNS:example.org"], names=["DNS:www.example.com", "DNS:" + HOST])
    below("CERT_CONSTRAINTS", "two names, the other one excluded", excluded=["DNS:example.com"], names=["DNS:" + HOST, "DNS:www.example.com"])
    below("OK", "two names in two domains", ["DNS:example.com", "DNS:example.org"], names=["DNS:" + HOST, "DNS:www.example.com"])
    below("OK", "a wildcard inside", ["DNS:example.org"], names=["DNS:*.example.org"])
    below("OK", "the host alone, of a wildcard's", ["DNS:example.org"], ["DNS:www.example.org"], names=["DNS:*.example.org"])
    below("CERT_CONSTRAINTS", "a wildcard, the host is excluded", excluded=["DNS:mail.example.org"], names=["DNS:*.example.org"])
    below("CERT_CONSTRAINTS", "a wildcard wider than what is permitted", ["DNS:mail.example.org"], names=["DNS:*.example.org"])
    many = [f"DNS:h{i}.example.org" for i in range(30)]
    below("CERT_CONSTRAINTS", "more names than are kept", ["DNS:example.org"], names=["DNS:" + HOST, *many])
    below("OK", "more names than are kept, and none is limited", ["IP:192.0.2.0/24"], names=["DNS:" + HOST, *many])
    # addresses
    below("OK", "the address, a host's names are free", ["IP:192.0.2.0/24"])
    for host, inside, outside in (("192.0.2.1", "192.0.2.0/24", "192.0.3.0/24"), ("2001:db8::1", "2001:db8::/32", "2001:db9::/32")):
        one = ["IP:" + host]
        below("OK", f"{host} inside", ["IP:" + inside], names=one, host=host)
        below("OK", f"{host} itself", [f"IP:{host}/{32 if '.' in host else 128}"], names=one, host=host)
        below("OK", f"{host}, all addresses of its kind", [f"IP:{host}/0"], names=one, host=host)
        below("CERT_CONSTRAINTS", f"{host} outside", ["IP:" + outside], names=one, host=host)
        below("CERT_CONSTRAINTS", f"{host} excluded", excluded=["IP:" + inside], names=one, host=host)
        below("OK", f"{host}, others are excluded", excluded=["IP:" + outside], names=one, host=host)
        below("OK", f"{host}, hosts are limited", ["DNS:example.com"], names=one, host=host)
        below("CERT_CONSTRAINTS", f"a host beside {host}, which is outside", ["IP:" + outside], names=["DNS:" + HOST, *one])
        below("CERT_CONSTRAINTS", f"a host beside {host}, which is excluded", excluded=["IP:" + inside], names=["DNS:" + HOST, *one])
    below("CERT_CONSTRAINTS", "an address of the other kind", ["IP:2001:db8::/32"], names=["IP:192.0.2.1"], host="192.0.2.1")
    below("CERT_CONSTRAINTS", "the last bit of a mask", ["IP:192.0.2.0/31"], names=["IP:192.0.2.2"], host="192.0.2.2")
    below("OK", "the last bit of a mask, inside", ["IP:192.0.2.2/31"], names=["IP:192.0.2.3"], host="192.0.2.3")
    # the subject
    subject = name("C=DE", "O=Example", "CN=" + HOST)
    below("OK", "the subject begins so", [("dir", name("C=DE", "O=Example"))], subject=subject)
    below("OK", "the subject itself", [("dir", subject)], subject=subject)
    below("OK", "any subject", [("dir", EMPTY)], subject=subject)
    below("OK", "no subject", [("dir", name("C=DE"))], subject=EMPTY)
    below("CERT_CONSTRAINTS", "another subject", [("dir", name("C=FR"))], subject=subject)
    below("CERT_CONSTRAINTS", "the subject goes on otherwise", [("dir", name("C=DE", "O=Other"))], subject=subject)
    below("CERT_CONSTRAINTS", "the subject is shorter", [("dir", name("C=DE", "O=Example", "CN=" + HOST, "OU=x"))], subject=subject)
    below("CERT_CONSTRAINTS", "the subject is excluded", excluded=[("dir", name("C=DE"))], subject=subject)
    # names that are written in two ways may be equal (RFC 5280, 7.1), and popcl compares octets
    below("CERT_CONSTRAINTS", "another subject is excluded", excluded=[("dir", name("C=FR"))], subject=subject)
    below("CERT_CONSTRAINTS", "the subject in other letters is excluded", excluded=[("dir", name("C=de"))], subject=subject)
    below("CERT_CONSTRAINTS", "the subject in another string type is excluded", excluded=[("dir", name("C=DE", kind=19))], subject=subject)
    below("OK", "a subject is excluded, and there is none", excluded=[("dir", name("C=DE"))], subject=EMPTY)
    long = name("C=DE", *[f"OU={i}" for i in range(8)], "CN=" + HOST)
    below("OK", "a long subject begins so", [("dir", name("C=DE", "OU=0"))], subject=long)
    below("CERT_CONSTRAINTS", "a long subject, and one that is excluded", excluded=[("dir", name("C=FR"))], subject=long)
    below("OK", "what public authorities write", ["DNS:example.org", ("dir", name("C=DE", "O=Example"))],
          ["IP:0.0.0.0/0", "IP:::/0"], subject=subject)
    # other kinds
    below("OK", "mail addresses, the certificate has none", ["email:example.com"])
    below("CERT_CONSTRAINTS", "mail addresses, the certificate has one", ["email:example.org"], names=["DNS:" + HOST, "email:a@example.org"])
    below("OK", "URIs, the certificate has none", excluded=["URI:example.org"])
    # anchors beside each other
    ours, theirs = (root(more=[constrained(["DNS:" + domain])]) for domain in ("example.org", "example.com"))
    lower = ica(signer=ours)
    for profile in ("host", "public", "small"):
        row(f"a limited root over an intermediate, {profile} [D20]", "OK", leaf(signer=lower), lower, anchors=[ours], profile=profile)
        row(f"a limited root over an intermediate, another domain, {profile} [D20]", "CERT_CONSTRAINTS", leaf(signer=lower), lower,
            anchors=[theirs], profile=profile, refused="2")
    row("a limited root, another root of its name and key", "OK", DIRECT, anchors=[theirs, ours])
    row("a limited root, another root of its name and key, limited too", "CERT_CONSTRAINTS", DIRECT, anchors=[theirs, root(more=[constrained(["DNS:org.example"])])])
    row("a limited root, the same root without limits", "OK", DIRECT, anchors=[theirs, ROOT])
    row("a limited root that has not signed the chain", "CERT_CONSTRAINTS", DIRECT, anchors=[root(key=OTHER_KEY, more=[constrained(["DNS:example.com"])])])
    # malformed ones
    def broken(title, value):
        middle = ica(more=[ext(NAME_CONSTRAINTS, value, True)])
        row(f"constraints, {title} [D20]", "CERT_MALFORMED", leaf(signer=middle), middle)
    tree = lambda *parts: seq(tlv(0xA0, *[seq(*p) for p in parts]))
    dns = general("DNS:example.org")
    broken("nothing in them", seq())
    broken("an empty list", seq(tlv(0xA0)))
    broken("two lists that permit", seq(tlv(0xA0, seq(dns)), tlv(0xA0, seq(dns))))
    broken("two lists that exclude", seq(tlv(0xA1, seq(general("DNS:example.com"))), tlv(0xA1, seq(general("DNS:example.net")))))
    broken("the list that excludes comes first", seq(tlv(0xA1, seq(general("DNS:example.com"))), tlv(0xA0, seq(dns))))
    broken("three lists", seq(tlv(0xA0, seq(dns)), tlv(0xA1, seq(general("DNS:example.com"))), tlv(0xA1, seq(general("DNS:example.net")))))
    broken("a third list", seq(tlv(0xA2, seq(dns))))
    broken("no base", tree(()))
    broken("a minimum of 256", tree((dns, tlv(0x80, b"\1\0"))))
    broken("a minimum of 1", tree((dns, tlv(0x80, b"\1"))))
    broken("a maximum", tree((dns, tlv(0x81, b"\1"))))
    broken("a base that is no name", tree((integer(1),)))
    broken("a mask with holes", tree((tlv(0x87, b"\xc0\0\2\0\xff\0\xff\0"),)))
    broken("a mask with holes in an octet", tree((tlv(0x87, b"\xc0\0\2\0\xff\xf5\0\0"),)))
    broken("an address without a mask", tree((tlv(0x87, b"\xc0\0\2\0"),)))
    broken("a host with a space", tree((tlv(0x82, b"example .org"),)))
    broken("a host with a star", tree((tlv(0x82, b"*.example.org"),)))
    for n in (0, 4, 7, 9, 16, 31, 33, 64, 300):
        broken(f"an address and a mask of {n} octets", tree((tlv(0x87, b"\xff" * n),)))
    for n in (256, 300, 600):
        broken(f"a host of {n} octets", tree((tlv(0x82, b"a" * n),)))
    for value in (b"", b"\x30", b"\x31\0", b"\x30\x82\0", b"\x30\xff\0"):
        broken(f"a directory name of the octets {value.hex()}", tree((tlv(0xA4, value),)))
    broken("a host with a dot at its end", tree((tlv(0x82, b"example.org."),)))
    middle = ica(more=[ext(NAME_CONSTRAINTS, tree((dns, tlv(0x80, b"\0"))), True)])
    row("constraints, a minimum of 0 that is written out [D20]", "OK", leaf(signer=middle), middle)
    # in the second intermediate of two
    upper = ica(more=[constrained(["DNS:example.com"])])
    lower = ica(signer=upper, subject=name("CN=Lower"), key=OTHER_KEY)
    row("constraints, two intermediates, the upper one's [D20]", "CERT_CONSTRAINTS", leaf(signer=lower), lower, upper, refused="3")
    lower = ica(signer=ICA, subject=name("CN=Lower"), key=OTHER_KEY, more=[constrained(["DNS:example.com"])])
    row("constraints, two intermediates, the lower one's [D20]", "CERT_CONSTRAINTS", leaf(signer=lower), lower, ICA, refused="2")


def encodings():
    def changed(old, new, cert=LEAF):
        assert cert.der.count(old) == 1, (old, cert.der.count(old))
        return cert.der.replace(old, new)

    row("octets behind the certificate [D12]", "CERT_MALFORMED", leaf(tail=b"\0"), ICA)
    row("octets behind the intermediate [D12]", "CERT_MALFORMED", LEAF, ica(tail=b"\0"))
    row("octets inside, behind the signature [D12]", "CERT_MALFORMED",
        seq(LEAF.tbs, ECDSA["sha256"], bits(ICA_KEY.sign(LEAF.tbs, "sha256")), NULL), ICA)
    row("the last octet is missing [D11]", "CERT_MALFORMED", LEAF.der[:-1], ICA)
    row("one octet [D11]", "CERT_MALFORMED", b"\x30", ICA)
    row("no certificate, other DER", "CERT_MALFORMED", seq(integer(1), octets(b"a")), ICA)
    row("text", "CERT_MALFORMED", b"this is no certificate", ICA)
    row("a length of no end", "CERT_MALFORMED", b"\x30\x80" + LEAF.der[4:] + b"\0\0", ICA)
    long = len(LEAF.der) - 4
    row("a length in more octets than needed", "CERT_MALFORMED", b"\x30\x83\0" + long.to_bytes(2, "big") + LEAF.der[4:], ICA)
    row("a short length in the long form", "CERT_MALFORMED", leaf(serial=b"\x02\x81\x01\x05"), ICA)
    row("a serial number with a zero too many", "CERT_MALFORMED", leaf(serial=b"\x02\x02\x00\x05"), ICA)
    row("a serial number of 0", "OK", leaf(serial=integer(0)), ICA)
    row("a negative serial number", "CERT_MALFORMED", leaf(serial=integer(-5)), ICA)
    row("a serial number of 21 octets", "OK", leaf(serial=tlv(2, b"\x01" * 21)), ICA)
    row("a serial number of 20 octets and a zero", "OK", leaf(serial=tlv(2, b"\x00" + b"\xff" * 20)), ICA)
    row("a serial number of 22 octets", "CERT_MALFORMED", leaf(serial=tlv(2, b"\x01" * 22)), ICA)
    row("a serial number of 21 octets and a zero", "CERT_MALFORMED", leaf(serial=tlv(2, b"\x00" + b"\xff" * 21)), ICA)
    row("a serial number of two zeros", "CERT_MALFORMED", leaf(serial=tlv(2, b"\0\0")), ICA)
    row("an empty serial number", "CERT_MALFORMED", leaf(serial=tlv(2)), ICA)
    row("a serial number that is a string", "CERT_MALFORMED", leaf(serial=octets(b"1")), ICA)
    row("no serial number", "CERT_MALFORMED", leaf(serial=b""), ICA)
    row("the serial number of an intermediate is 0", "OK", LEAF, ica(serial=integer(0)))
    row("the serial number of an intermediate has 21 octets", "OK", LEAF, ica(serial=tlv(2, b"\x01" * 21)))
    row("a signature with unused bits", "CERT_MALFORMED", seq(LEAF.tbs, ECDSA["sha256"], bits(ICA_KEY.sign(LEAF.tbs, "sha256"), 1)), ICA)
    row("an empty signature", "CERT_MALFORMED", leaf(signature=b""), ICA)
    row("a signature that is none", "CERT_SIGNATURE", leaf(signature=b"\x30\x06\x02\x01\x01\x02\x01\x01"), ICA)
    row("a signature of zeros", "CERT_SIGNATURE", leaf(signature=seq(integer(0), integer(0))), ICA)
    row("a set of no attributes", "CERT_MALFORMED", leaf(subject=seq(set_of())), ICA)
    row("a subject that is no sequence", "CERT_MALFORMED", leaf(subject=octets(b"a")), ICA)
    row("a subject of version tags", "CERT_MALFORMED", leaf(subject=seq(seq(seq(oid("2.5.4.3"), tlv(12, b"a"))))), ICA)
    row("tags of several octets", "CERT_MALFORMED", leaf(subject=seq(set_of(seq(oid("2.5.4.3"), b"\x1f\x81\x01\x01a")))), ICA)
    row("a third unique identifier", "CERT_MALFORMED", leaf(unique=tlv(0x84, b"\0x")), ICA)
    row("extensions before the key", "CERT_MALFORMED", leaf(spki=tlv(0xA3, seq(san("DNS:" + HOST))) + LEAF_KEY.spki), ICA)
    row("a second list of extensions", "CERT_MALFORMED", leaf(extensions=tlv(0xA3, seq(san("DNS:" + HOST))) * 2), ICA)


def dates():
    def at(start, end, tag_start=None, tag_end=None):
        one = lambda text, tag: utc(text) if tag is None else tlv(tag, text.encode())
        return seq(one(start, tag_start), one(end, tag_end))

    row("expired [D4]", "CERT_EXPIRED", leaf(end="20260501000000Z"), ICA)
    row("not valid yet [D5]", "CERT_NOT_YET", leaf(start="20260701000000Z"), ICA)
    row("the first second [D5]", "OK", LEAF, ICA, time="2026-01-01T00:00:00Z")
    row("a second before it [D5]", "CERT_NOT_YET", leaf(start="20260102000000Z"), ICA, time="2026-01-01T23:59:59Z")
    row("the last second [D4]", "OK", LEAF, ICA, time="2027-01-01T00:00:00Z")
    row("a second behind it [D4]", "CERT_EXPIRED", LEAF, ICA, time="2027-01-01T00:00:01Z")
    row("the time with an offset", "OK", LEAF, ICA, time="2027-01-01T02:00:00.5+02:00")
    row("a clock of 1970 [J1]", "CLOCK_NOT_SET", LEAF, ICA, time="1970-01-01T00:00:00Z")
    row("a clock of 2000 [J1]", "CLOCK_NOT_SET", LEAF, ICA, time="2000-01-01T00:00:00Z")
    old = root(start="19980101000000Z")
    old_leaf = leaf(signer=old, start="20120101000000Z", end="20160101000000Z")
    row("a clock of 2014, a root of 1998 and a leaf of 2012 to 2016 [J1]", "CLOCK_NOT_SET", old_leaf, anchors=[old], time="2014-06-01T00:00:00Z")
    row("that leaf today [D4]", "CERT_EXPIRED", old_leaf, anchors=[old])
    row("a clock of 2014, that leaf as anchor [J1]", "CLOCK_NOT_SET", old_leaf, anchors=[old_leaf], time="2014-06-01T00:00:00Z")
    row("a clock of 2014, that leaf's pin [J1]", "CLOCK_NOT_SET", old_leaf, anchors=[], pins=[pin(LEAF_KEY)], time="2014-06-01T00:00:00Z")
    row("a second before popcl's own time [J1]", "CLOCK_NOT_SET", LEAF, ICA, time="2025-12-31T23:59:59Z")
    late = root(subject=name("CN=Late"), key=OTHER_KEY, start="20260901000000Z")
    row("an authority that has not begun, beside one that has", "OK", LEAF, ICA, anchors=[late, ROOT])
    row("an authority that has not begun, beside one that has, and its leaf", "CERT_UNTRUSTED", leaf(signer=late), anchors=[late, ROOT])
    row("no authority has begun [J1]", "CLOCK_NOT_SET", leaf(signer=late), anchors=[late])
    later = root(subject=name("CN=Later"), key=OTHER_KEY, start="20261001000000Z")
    row("no authority of two has begun [J1]", "CLOCK_NOT_SET", leaf(signer=late), anchors=[later, late])
    row("a second before the first authority begins [J1]", "CLOCK_NOT_SET", leaf(signer=late), anchors=[later, late], time="2026-08-31T23:59:59Z")
    row("the second in which the first authority begins [J1]", "OK", leaf(signer=late), anchors=[later, late], time="2026-09-01T00:00:00Z")
    row("an authority of 2010 alone, a clock of 2014 [J1]", "CLOCK_NOT_SET", leaf(signer=root(start="20100101000000Z"), start="20120101000000Z"),
        anchors=[root(start="20100101000000Z")], time="2014-06-01T00:00:00Z")
    far = root(start="20200101000000Z", end="99991231235959Z")
    below = lambda start, end: leaf(signer=far, start=start, end=end)
    for year in (2038, 2050, 2106, 2107):
        start, end = f"{year - 1}0601000000Z", f"{year + 1}0601000000Z"
        row(f"in {year} [J3]", "OK", below(start, end), anchors=[far], time=f"{year}-03-01T00:00:00Z")
        row(f"before {year} [J3]", "CERT_NOT_YET", below(start, end), anchors=[far], time=f"{year - 1}-05-31T23:59:59Z")
        row(f"behind {year} [J3]", "CERT_EXPIRED", below(start, end), anchors=[far], time=f"{year + 1}-06-01T00:00:01Z")
    row("for ever", "OK", below("20260101000000Z", "99991231235959Z"), anchors=[far], time="9999-12-31T23:59:59Z")
    row("the seconds around 2038 [J3]", "CERT_EXPIRED", below("20260101000000Z", "20380119031407Z"), anchors=[far], time="2038-01-19T03:14:08Z")
    row("the seconds around 2106 [J3]", "CERT_EXPIRED", below("20260101000000Z", "21060207062815Z"), anchors=[far], time="2106-02-07T06:28:16Z")
    row("from 1950 on", "OK", leaf(validity=at("500101000000Z", "270101000000Z", 0x17, 0x17)), ICA)
    row("until 1999", "CERT_EXPIRED", leaf(validity=at("500101000000Z", "991231235959Z", 0x17, 0x17)), ICA)
    row("a leap day", "OK", leaf(validity=at("240229000000Z", "270101000000Z", 0x17, 0x17)), ICA)
    for text, why in (("260229000000Z", "a leap day that is none"), ("260431000000Z", "April 31"), ("261301000000Z", "month 13"), ("260001000000Z", "month 0"),
                      ("260100000000Z", "day 0"), ("260101240000Z", "hour 24"), ("260101006000Z", "minute 60"), ("260101000060Z", "second 60"),
                      ("2601010000Z", "no seconds"), ("260101000000", "no Z"), ("260101000000+0000", "an offset"), ("26010100000aZ", "a letter"),
                      ("260101000000z", "a small z"), ("", "nothing"), ("260101000000.0Z", "fractions"), ("26010100000 Z", "a space")):
        row(f"a UTCTime with {why}", "CERT_MALFORMED", leaf(validity=at(text, "270101000000Z", 0x17, 0x17)), ICA)
    row("a GeneralizedTime before 2050", "OK", leaf(validity=at("20260101000000Z", "20270101000000Z", 0x18, 0x18)), ICA)
    row("a GeneralizedTime before 2050 as the end", "OK", leaf(validity=at("260101000000Z", "20270101000000Z", 0x17, 0x18)), ICA)
    row("a GeneralizedTime before 2050 as the start", "OK", leaf(validity=at("20260101000000Z", "270101000000Z", 0x18, 0x17)), ICA)
    row("a GeneralizedTime before 2050, in an intermediate", "OK", LEAF, ica(validity=at("20260101000000Z", "20270101000000Z", 0x18, 0x18)))
    row("a GeneralizedTime before 2050, expired [D4]", "CERT_EXPIRED", leaf(validity=at("20260101000000Z", "20260501000000Z", 0x18, 0x18)), ICA)
    row("a GeneralizedTime before 2050, not valid yet [D5]", "CERT_NOT_YET", leaf(validity=at("20260701000000Z", "20270101000000Z", 0x18, 0x18)), ICA)
    row("a GeneralizedTime before 2050, not valid yet, as a UTCTime would be read [D5]", "CERT_MALFORMED",
        leaf(validity=at("260101000000Z", "270101000000Z", 0x18, 0x18)), ICA)
    row("a GeneralizedTime of 1949", "OK", leaf(validity=at("19490101000000Z", "270101000000Z", 0x18, 0x17)), ICA)
    for day in ("0101", "0228", "0229", "0301"):
        end = at("20260101000000Z", f"0000{day}000000Z", 0x18, 0x18)
        row(f"the end is 0000-{day} [D4]", "CERT_MALFORMED", leaf(validity=end), ICA)
        row(f"the end of an intermediate is 0000-{day} [D6]", "CERT_MALFORMED", LEAF, ica(validity=end))
        row(f"the begin is 0000-{day}", "OK", leaf(validity=at(f"0000{day}000000Z", "270101000000Z", 0x18, 0x17)), ICA)
        row(f"begin and end are 0000-{day} [D4]", "CERT_EXPIRED", leaf(validity=at(f"0000{day}000000Z", f"0000{day}000000Z", 0x18, 0x18)), ICA)
    row("told: an expired issuer whose place another one took [D6]", "CERT_UNTRUSTED", LEAF, ica(end="20260301000000Z"), ICA,
        anchors=[root(subject=name("CN=Other"), key=OTHER_KEY)], profile="public", refused="3")
    row("told: an expired issuer whose place another one took, another pin", "CERT_PIN", LEAF, ica(end="20260301000000Z"), ICA,
        pins=[pin(OTHER_KEY)], profile="public", refused="1")
    row("constraints, another name fills the room that there is [D20]", "OK",
        leaf("DNS:" + HOST, "DNS:" + ".".join(["a" * 30] * 3) + "b", signer=ica(more=[constrained(["DNS:"])])), ica(more=[constrained(["DNS:"])]))
    row("a GeneralizedTime of the year 0", "OK", leaf(validity=at("00000301000000Z", "270101000000Z", 0x18, 0x17)), ICA)
    row("a GeneralizedTime without seconds", "CERT_MALFORMED", leaf(validity=at("202601010000Z", "270101000000Z", 0x18, 0x17)), ICA)
    row("a UTCTime that is a GeneralizedTime", "CERT_MALFORMED", leaf(validity=at("20260101000000Z", "270101000000Z", 0x17, 0x17)), ICA)
    row("a GeneralizedTime with fractions", "CERT_MALFORMED", leaf(validity=at("260101000000Z", "20500101000000.5Z", 0x17, 0x18)), ICA)
    row("a GeneralizedTime with an offset", "CERT_MALFORMED", leaf(validity=at("260101000000Z", "20500101000000+0100", 0x17, 0x18)), ICA)
    row("a time that is a string", "CERT_MALFORMED", leaf(validity=at("260101000000Z", "270101000000Z", 0x16, 0x17)), ICA)
    row("the end before the start", "CERT_MALFORMED", leaf(start="20261201000000Z", end="20260101000000Z"), ICA)
    row("no end", "CERT_MALFORMED", leaf(validity=seq(utc("20260101000000Z"))), ICA)
    row("three times", "CERT_MALFORMED", leaf(validity=seq(utc("20260101000000Z"), utc("20270101000000Z"), utc("20280101000000Z"))), ICA)


def which():
    """Which certificate was refused, and the date that is why."""
    row("told: the leaf has expired [D4]", "CERT_EXPIRED", leaf(end="20260501120000Z"), ICA, refused="1 2026-05-01T12:00:00Z")
    row("told: the leaf is not valid yet [D5]", "CERT_NOT_YET", leaf(start="20260701000001Z"), ICA, refused="1 2026-07-01T00:00:01Z")
    row("told: the intermediate has expired [D6]", "CERT_EXPIRED", LEAF, ica(end="20260301000000Z"), refused="2 2026-03-01T00:00:00Z")
    row("told: the intermediate is not valid yet [D6]", "CERT_NOT_YET", LEAF, ica(start="20260901000000Z"), refused="2 2026-09-01T00:00:00Z")
    row("told: both have expired, the first counts [D4]", "CERT_EXPIRED", leaf(end="20260501000000Z"), ica(end="20260301000000Z"), refused="1 2026-05-01T00:00:00Z")
    row("told: a pinned one has expired [D4]", "CERT_EXPIRED", leaf(end="20260501000000Z"), ICA, anchors=[], pins=[pin(LEAF_KEY)], refused="1 2026-05-01T00:00:00Z")
    far = root(end="99991231235959Z")
    row("told: in 2050 [J3]", "CERT_EXPIRED", leaf(signer=far, end="20500101000000Z"), anchors=[far], time="2050-01-01T00:00:01Z",
        refused="1 2050-01-01T00:00:00Z")
    row("told: another name [D3]", "CERT_NAME", LEAF, ICA, host="other.example.org", refused="1")
    row("told: a weak intermediate [D14]", "CERT_WEAK", LEAF, ica(hash="sha1"), refused="2")
    row("told: an intermediate that is no CA [D7]", "CERT_NOT_CA", LEAF, ica(basic=None, usage=None), refused="2")
    row("told: the leaf's signature [D10]", "CERT_SIGNATURE", LEAF, ica(key=OTHER_KEY), refused="1")
    row("told: a foreign certificate [D32]", "CERT_ORDER", LEAF, root(subject=name("CN=Other"), key=OTHER_KEY), refused="2")
    row("told: a foreign certificate and an expired issuer [D32]", "CERT_EXPIRED", LEAF, root(subject=name("CN=Other"), key=OTHER_KEY),
        ica(end="20260301000000Z"), refused="3 2026-03-01T00:00:00Z")
    row("told: octets behind the third [D12]", "CERT_MALFORMED", leaf(signer=ica(signer=ICA, subject=name("CN=x"), key=OTHER_KEY)),
        ica(signer=ICA, subject=name("CN=x"), key=OTHER_KEY), ica(tail=b"\0"), refused="3")


def pins():
    right, other = pin(LEAF_KEY), pin(OTHER_KEY)
    row("anchor and pin", "OK", LEAF, ICA, pins=[right])
    row("anchor and the second pin", "OK", LEAF, ICA, pins=[other, right])
    row("anchor, another pin", "CERT_PIN", LEAF, ICA, pins=[other])
    row("anchor, the intermediate's pin", "CERT_PIN", LEAF, ICA, pins=[pin(ICA_KEY)])
    row("pin, another anchor", "CERT_UNTRUSTED", LEAF, ICA, pins=[right], anchors=[root(subject=name("CN=Other"), key=OTHER_KEY)])
    row("pin alone", "OK", LEAF, ICA, pins=[right], anchors=[])
    row("pin alone, the leaf alone", "OK", LEAF, pins=[right], anchors=[])
    row("pin alone, another key", "CERT_PIN", LEAF, ICA, pins=[other], anchors=[])
    row("pin alone, self-signed", "OK", self_signed(), pins=[other], anchors=[])
    row("pin alone, self-signed, no authority", "OK", self_signed(basic=None), pins=[other], anchors=[])
    row("pin alone, self-signed, the name is an address", "OK",
        self_signed("IP:192.0.2.1", subject=name("CN=192.0.2.1")), pins=[other], anchors=[], host="192.0.2.1")
    row("pin alone, self-signed, another key", "CERT_PIN", self_signed(), pins=[right], anchors=[])
    for text, cert, host in (("another name", LEAF, "other.example.org"),
                             ("another address", leaf("IP:192.0.2.1", subject=name("O=x")), "192.0.2.2"),
                             ("an address as dNSName", leaf("DNS:192.0.2.1", subject=name("O=x")), "192.0.2.1"),
                             ("what looks like an address", LEAF, "127.1"),
                             ("a common name alone", leaf(san=None), HOST),
                             ("another common name alone", leaf(san=None), "other.example.org"),
                             ("no name at all", leaf(san=None, subject=EMPTY), HOST),
                             ("version 1", leaf(version=None, extensions=b""), HOST)):
        row(f"pin alone, {text} [D22]", "OK", cert, pins=[right], anchors=[], host=host)
        row(f"pin alone, {text}, another key [D22]", "CERT_PIN", cert, pins=[other], anchors=[], host=host)
        row(f"a pin beside anchors, {text} [D22]", "CERT_NO_SAN" if cert.subject == EMPTY or "common" in text or "version" in text else "CERT_NAME",
            cert, ICA, pins=[right], host=host)
    # dates are looked at, and what key and signature algorithm are needed for
    row("pin alone, expired [D4]", "CERT_EXPIRED", LEAF, pins=[right], anchors=[], time="2027-06-01T00:00:00Z")
    row("pin alone, not valid yet [D5]", "CERT_NOT_YET", leaf(start="20260701000000Z"), pins=[right], anchors=[])
    row("pin alone, the last second [D4]", "OK", LEAF, pins=[right], anchors=[], time="2027-01-01T00:00:00Z")
    row("pin alone, a second behind it [D4]", "CERT_EXPIRED", LEAF, pins=[right], anchors=[], time="2027-01-01T00:00:01Z")
    row("pin alone, a clock of 2000 [J1]", "CLOCK_NOT_SET", LEAF, pins=[right], anchors=[], time="2000-01-01T00:00:00Z")
    for text, weak in (("RSA 1024", RsaKey(1024)), ("RSA with exponent 1", None)):
        spki = weak.spki if weak else rsa_spki(RSA_KEY_2048.n, 1)
        row(f"pin alone, {text} [D15]", "CERT_WEAK", leaf(spki=spki), anchors=[], pins=["sha256:" + hashlib.sha256(spki).hexdigest()])
    ed25519 = seq(seq(oid("1.3.101.112")), bits(b"k" * 32))
    row("pin alone, Ed25519", "CERT_UNSUPPORTED", leaf(spki=ed25519), anchors=[], pins=["sha256:" + hashlib.sha256(ed25519).hexdigest()])
    row("pin alone, octets behind the certificate [D12]", "CERT_MALFORMED", leaf(tail=b"\0"), pins=[right], anchors=[])
    row("pin alone, the last octet is missing [D11]", "CERT_MALFORMED", LEAF.der[:-1], pins=[right], anchors=[])
    row("pin alone, a profile without RSA", "CERT_PIN", leaf(key=RSA_KEY_2048), pins=[right], anchors=[], profile="ecdsa")
    # the rest of certificate 0 decides nothing
    alone = lambda text, cert, **kw: row(f"pin alone, {text}", "OK", cert, pins=[right], anchors=[], **kw)
    alone("a damaged signature", leaf(signature=ICA_KEY.sign(b"x", "sha256")))
    alone("for clients", leaf(purpose=purpose(CLIENT_AUTH)))
    alone("a critical purpose", leaf(purpose=purpose(SERVER_AUTH, critical=True)))
    alone("key usage: keyEncipherment alone", leaf(usage=usage(KU_ENCIPHER)))
    alone("an unknown critical extension", leaf(more=[ext("1.3.6.1.4.1.55555.1", b"a", True)]))
    alone("constraints on names", leaf(more=[ext(NAME_CONSTRAINTS, seq(tlv(0xA0, seq(general("DNS:example.com")))), True)]))
    alone("an authority", leaf(basic=basic(), usage=usage(KU_CERT)))
    alone("a signature by ECDSA with SHA-384", leaf(hash="sha384"))
    row("pin alone, signed by ECDSA with SHA-384, in a profile without it", "OK", leaf(hash="sha384"), pins=[right], anchors=[], profile="ecdsa", end_point="")
    row("pin alone, signed by SHA-1 (RFC 5929: the end-point is by SHA-256)", "OK", leaf(hash="sha1"), pins=[right], anchors=[], end_point="sha256")
    row("pin alone, signed by SHA-224", "OK", leaf(hash="sha224"), pins=[right], anchors=[], end_point="")
    row("pin alone, signed by Ed25519", "OK", leaf(inner=seq(oid("1.3.101.112")), outer=seq(oid("1.3.101.112"))), pins=[right], anchors=[], end_point="")
    long = seq(oid("1.2.840.113549.1.1.5"), octets(b"a" * 40))
    row("pin alone, signed by SHA-1 with long parameters", "OK", leaf(inner=long, outer=long), pins=[right], anchors=[], end_point="")
    tiny = Cert(EMPTY, LEAF_KEY, ICA, version=None, issuer=seq(set_of(seq(oid("2.5.4.3"), NULL))), spki=seq(seq(EC_KEY), bits(b"\4")), serial=integer(1), signature=b"s")
    assert len(tiny.der) < 128
    row("a certificate of fewer than 128 octets", "CERT_UNSUPPORTED", tiny)
    short = Cert(EMPTY, LEAF_KEY, ICA, issuer=EMPTY, inner=seq(oid("1.2.3")), outer=seq(oid("1.2.3")), serial=integer(1))
    row("pin alone, the key comes in the first octets", "OK", short, pins=[right], anchors=[], end_point="")
    # nor does what follows
    for text, behind in (("a chain that does not follow", [root(subject=name("CN=Other"), key=OTHER_KEY)]), ("an intermediate that is none", [ica(basic=None, usage=None)]),
                         ("an expired intermediate", [ica(end="20260301000000Z")]), ("garbage", [b"\x30\x80garbage"]), ("an empty certificate", [b""]),
                         ("another server's certificate", [leaf(key=OTHER_KEY)]), ("itself", [LEAF]), ("thirty of them", [ICA] * 30)):
        row(f"pin alone, behind it {text}", "OK", LEAF, *behind, pins=[right], anchors=[])
    row("pin alone, the pinned key comes second", "CERT_PIN", leaf(key=OTHER_KEY), LEAF, pins=[right], anchors=[])
    row("pin alone, the pinned key is its issuer's", "CERT_PIN", LEAF, ICA, pins=[pin(ICA_KEY)], anchors=[])
    row("pin alone, the pinned key is in an extension", "CERT_PIN", leaf(key=OTHER_KEY, more=[ext("1.3.6.1.4.1.55555.1", LEAF_KEY.spki)]), pins=[right], anchors=[])
    row("pin alone, the pinned key is a unique identifier", "CERT_PIN", leaf(key=OTHER_KEY, unique=tlv(0x81, b"\0" + LEAF_KEY.spki)), pins=[right], anchors=[])
    row("pin alone, two keys, the first is pinned", "CERT_MALFORMED", leaf(spki=LEAF_KEY.spki + OTHER_KEY.spki), pins=[right], anchors=[])
    row("pin alone, two keys, the second is pinned", "CERT_MALFORMED", leaf(spki=OTHER_KEY.spki + LEAF_KEY.spki), pins=[right], anchors=[])
    row("pin alone, no certificate", "CERT_MALFORMED", pins=[right], anchors=[])
    for text, key in (("RSA", RSA_KEY_2048), ("P-384", P384_KEY)):
        row(f"pin alone, {text}", "OK", leaf(key=key), pins=[pin(key)], anchors=[])
    row("neither anchors nor pins [D49]", "NO_TRUST", LEAF, ICA, anchors=[])


def denied_keys():
    for profile in ("host", "public", "small", "ecdsa"):
        def check(title, want, *chain, deny, profile=profile, **kw):
            row(f"denied: {title}, {profile} [H25]", want, *chain, denied=[pin(key) for key in deny], profile=profile, **kw)

        check("another key", "OK", LEAF, ICA, deny=[OTHER_KEY])
        check("the server's key", "CERT_DENIED", LEAF, ICA, deny=[OTHER_KEY, LEAF_KEY], refused="1")
        check("the server's key, no anchor", "CERT_DENIED", self_signed(), deny=[OTHER_KEY], refused="1")
        check("the server's key, a pin alone", "CERT_DENIED", LEAF, pins=[pin(LEAF_KEY)], anchors=[], deny=[LEAF_KEY], refused="1")
        check("the server's own certificate, an anchor", "CERT_DENIED", self_signed(), anchors=[self_signed()], deny=[OTHER_KEY], refused="1")
        check("the issuer's key", "CERT_DENIED", LEAF, ICA, deny=[ICA_KEY], refused="2")
        check("the issuer's key, a pin alone", "OK", LEAF, ICA, pins=[pin(LEAF_KEY)], anchors=[], deny=[ICA_KEY])
        check("the anchor's key: anchors are left out instead", "OK", LEAF, ICA, ROOT, deny=[ROOT_KEY])
        check("the key of one that does not belong", "OK", LEAF, root(subject=name("CN=Foreign"), key=OTHER_KEY), ICA, deny=[OTHER_KEY])
        check("the key of an issuer's namesake", "OK", LEAF, ica(key=OTHER_KEY), ICA, deny=[OTHER_KEY])
        check("after the anchor", "OK", DIRECT, ICA, deny=[ICA_KEY])
        upper_a = ica(subject=name("CN=Upper A"), key=OTHER_KEY)
        upper_b = ica(subject=name("CN=Upper B"), key=NEW_KEY)
        below_a, below_b = ica(signer=upper_a), ica(signer=upper_b)
        check("the upper issuer's key", "CERT_DENIED", LEAF, below_a, upper_a, deny=[OTHER_KEY], refused="3")
        check("of two paths one", "OK" if profile == "host" else "CERT_DENIED", LEAF, below_a, upper_a, below_b, upper_b, deny=[OTHER_KEY])
        check("of two paths both", "CERT_DENIED", LEAF, below_a, upper_a, below_b, upper_b, deny=[OTHER_KEY, NEW_KEY], refused="3")


for part in (accepted_chains, keys_and_signatures, trust, paths, names, extensions, siblings, orders, constraints, encodings, dates, which, pins, denied_keys):
    part()
