# SPDX-License-Identifier: MIT
"""Chains of certificates at random, for run.py: a right chain, changed in up to three of some hundreds of kinds. The same seed gives the same chain.

    root (the anchor) -> none to three intermediates -> the server's certificate

A kind is a function with a name: "leaf: expired". It changes a Plan, which has a Part for each certificate. Of a Part every argument of certs.Cert
and every extension can be replaced. Kinds of one table (`EXTENSIONS`, `KEYS`, ...) exist for several places: leaf, ca (one of the intermediates)
and root.
"""
import copy
import json
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "x509check"))
import certs  # noqa: E402
from certs import *  # noqa: E402

HOST, NOW = "mail.example.org", 1780272000  # 2026-06-01, as in table.py
CRL_EXT, AIA, ISSUER_ALT, POISON = "2.5.29.31", "1.3.6.1.5.5.7.1.1", "2.5.29.18", "1.3.6.1.4.1.11129.2.4.3"
UNKNOWN = "1.3.6.1.4.1.55555.1"


# ---- keys: few, since they take time ----

class Fixed(random.Random):
    """In place of the module `secrets`: the keys of all runs are the same."""

    def randbelow(self, n):
        return self.randrange(n)


certs.secrets = Fixed(1)


def rsa_pool(place):
    """{bits: [RsaKey]}, kept in a file of the build folder."""
    path, fields = os.path.join(place, "rsa.json"), ("n", "e", "d", "p", "q")
    if not os.path.exists(path):
        os.makedirs(place, exist_ok=True)
        made = [RsaKey(size) for size in (1024, 2048, 2048, 3072, 4096)]
        with open(path + f".{os.getpid()}", "w", encoding="ascii") as file:
            json.dump([{field: getattr(key, field) for field in fields} for key in made], file)
        os.rename(file.name, path)
    pool = {}
    with open(path, encoding="ascii") as file:
        for numbers in json.load(file):
            key = RsaKey.__new__(RsaKey)
            for field in fields:
                setattr(key, field, numbers[field])
            key.spki = rsa_spki(key.n, key.e)
            pool.setdefault(key.n.bit_length(), []).append(key)
    return pool


EC = [EcKey() for _ in range(10)]
OTHER = EcKey()
EC384, EC521 = [EcKey(P384) for _ in range(3)], [EcKey(P521) for _ in range(2)]
RSA_KEYS = rsa_pool(os.path.join(os.environ.get("B", "build"), "chains"))


# ---- a chain that is to be made ----

class Part:
    """A certificate that is to be made. exts: {its name: Extension, None: left out}; more: further ones; kw: arguments of Cert; after: changes of the
    DER. A value may be a function of the Part and its issuer's Cert."""

    def __init__(self, subject, key, by, exts, **kw):
        self.subject, self.key, self.by, self.exts, self.more, self.kw, self.after = subject, key, by, exts, [], kw, []
        self.made = None

    def make(self):
        if self.made is None:
            signer = self.by.make() if self.by else None
            exts = self.extensions(signer)
            kw = {name: value(self, signer) if callable(value) else value for name, value in self.kw.items()}
            self.made = Cert(self.subject, self.key, signer, exts, **kw)
            for change in self.after:
                self.made.der = change(self.made, signer)
        return self.made

    def extensions(self, signer):
        found = [value(self, signer) if callable(value) else value for value in self.exts.values()]
        return [one for one in found if one is not None] + self.more

    def signer_key(self):
        return self.by.key if self.by else self.key


class Plan:
    def __init__(self):
        self.kinds, self.host, self.time = [], HOST, NOW
        self.root = self.leaf = None
        self.cas = []      # from the root down
        self.anchors = []  # Parts
        self.sent = None   # Parts or octets, in the order of the server; None: leaf, intermediates
        self.last = []     # changes of the list of DER

    def path(self):
        return [self.leaf] + self.cas[::-1]

    def ders(self):
        """(anchors, chain) as lists of DER"""
        made = [part if isinstance(part, bytes) else part.make().der for part in (self.path() if self.sent is None else self.sent)]
        for change in self.last:
            made = change(made)
        return [part if isinstance(part, bytes) else part.make().der for part in self.anchors], made

    def send(self):
        """The list of what is sent, to be changed."""
        if self.sent is None:
            self.sent = self.path()
        return self.sent


own_id = lambda part, signer: ski(part.key.spki)
above_id = lambda part, signer: aki(signer.key.spki) if signer else None


def authority(subject, key, by, **kw):
    exts = {"aki": above_id, "ski": own_id, "basic": basic(), "usage": usage(KU_CERT | KU_CRL), "purpose": None, "san": None}
    dates = {"start": "20250101000000Z", "end": "20300101000000Z"} if by else {"start": "20200101000000Z", "end": "20400101000000Z"}
    return Part(subject, key, by, exts, **{**dates, **kw})


def server(by, key, *names):
    exts = {"aki": above_id, "ski": None, "basic": None, "usage": usage(KU_SIGN), "purpose": purpose(SERVER_AUTH), "san": san(*(names or ("DNS:" + HOST,)))}
    return Part(name("CN=" + HOST), key, by, exts)


def right(rng, cas=None):
    """A chain that every judge takes."""
    plan = Plan()
    keys = rng.sample(EC, 6)
    cas = rng.choice((1, 1, 1, 2, 2, 3)) if cas is None else cas
    plan.root = above = authority(name("O=popcl tests", "CN=Root"), keys[0], None)
    for i in range(cas):
        above = authority(name("O=popcl tests", f"CN=Authority {i}"), keys[1 + i], above)
        plan.cas.append(above)
    plan.leaf = server(above, keys[5])
    plan.anchors = [plan.root]
    return plan


# ---- kinds ----

KINDS = {}  # name: function(plan, rng)


def add(title, change):
    assert title not in KINDS, title
    KINDS[title] = change


def kind(title):
    def note(function):
        add(title, function)
        return function
    return note


PLACES = {"leaf": lambda plan, rng: plan.leaf, "ca": lambda plan, rng: rng.choice(plan.cas), "root": lambda plan, rng: plan.root}


def each(places, title, change):
    """A kind for each place: change(part, rng)."""
    for place in places.split():
        add(f"{place}: {title}", lambda plan, rng, find=PLACES[place]: change(find(plan, rng), rng))


def table(places, rows):
    for title, change in rows.items():
        each(places, title, change)


def with_ext(key, value):
    return lambda part, rng: part.exts.__setitem__(key, value)


def with_more(*values):
    return lambda part, rng: part.more.extend(values)


def with_kw(**kw):
    return lambda part, rng: part.kw.update(kw)


ALL = "leaf ca root"
EMPTY = seq()
false_ = boolean(False)

# extensions; a value replaces the one that is there
BASICS = {
    "basicConstraints absent": None, "basicConstraints not critical": basic(critical=False), "basicConstraints critical": basic(),
    "basicConstraints empty": ext(BASIC, EMPTY, True), "cA FALSE": ext(BASIC, seq(false_), True), "cA FALSE, not critical": ext(BASIC, seq(false_)),
    "cA FALSE and a path length": ext(BASIC, seq(false_, integer(0)), True), "a path length without cA": ext(BASIC, seq(integer(0)), True),
    "cA is 1": ext(BASIC, seq(b"\x01\x01\x01"), True), "cA of two octets": ext(BASIC, seq(b"\x01\x02\xff\xff"), True), "cA empty": ext(BASIC, seq(b"\x01\x00"), True),
    "basicConstraints with more inside": ext(BASIC, seq(boolean(True), integer(3), NULL), True), "basicConstraints and an octet": ext(BASIC, seq(boolean(True)) + b"\0", True),
    "basicConstraints is a set": ext(BASIC, set_of(boolean(True)), True), "basicConstraints cut": ext(BASIC, seq(boolean(True))[:-1], True),
    "basicConstraints of no octets": ext(BASIC, b"", True), "path length 0": basic(path_len=0), "path length 1": basic(path_len=1), "path length 2": basic(path_len=2),
    "path length 254": basic(path_len=254), "path length 255": basic(path_len=255), "path length 256": basic(path_len=256), "path length -1": basic(path_len=-1),
    "path length 2^31": basic(path_len=2**31), "path length 2^32": basic(path_len=2**32), "path length 2^64": basic(path_len=2**64),
    "path length with a zero too many": ext(BASIC, seq(boolean(True), b"\x02\x02\x00\x01"), True), "path length empty": ext(BASIC, seq(boolean(True), b"\x02\x00"), True)}
for title_, value_ in BASICS.items():
    each(ALL, title_, with_ext("basic", value_))

USAGES = {
    "key usage absent": None, "key usage not critical": lambda part: usage(KU_CERT if part.exts["basic"] else KU_SIGN, critical=False),
    "usage digitalSignature": usage(KU_SIGN), "usage keyEncipherment": usage(KU_ENCIPHER), "usage keyAgreement": usage(0x08), "usage nonRepudiation": usage(0x40),
    "usage keyCertSign": usage(KU_CERT), "usage digitalSignature and keyCertSign": usage(KU_SIGN | KU_CERT), "usage cRLSign": usage(KU_CRL),
    "usage of all bits": ext(USAGE, bits(b"\xff\x80", 7), True), "usage empty": ext(USAGE, bits(b""), True), "usage of no octets": ext(USAGE, tlv(3), True),
    "usage of zeros": ext(USAGE, bits(b"\0"), True), "usage with zeros at its end": lambda part: ext(USAGE, bits(b"\x06\0" if part.exts["basic"] else b"\x80\0"), True),
    "usage with unused bits set": ext(USAGE, bits(b"\x87", 7), True), "usage with 9 unused bits": ext(USAGE, bits(b"\x84", 9), True),
    "usage is an OCTET STRING": ext(USAGE, octets(b"\x06\x84"), True), "usage and an octet": ext(USAGE, bits(b"\x84", 2) + b"\0", True)}
for title_, value_ in USAGES.items():
    each(ALL, title_, (lambda part, rng, v=value_: part.exts.__setitem__("usage", v(part))) if callable(value_) else with_ext("usage", value_))

PURPOSES = {
    "purpose absent": None, "purpose serverAuth": purpose(SERVER_AUTH), "purpose serverAuth, critical": purpose(SERVER_AUTH, critical=True),
    "purpose clientAuth": purpose(CLIENT_AUTH), "purpose clientAuth, critical": purpose(CLIENT_AUTH, critical=True),
    "purposes serverAuth and clientAuth": purpose(SERVER_AUTH, CLIENT_AUTH), "purposes clientAuth and serverAuth": purpose(CLIENT_AUTH, SERVER_AUTH),
    "purpose any": purpose(ANY_PURPOSE), "purpose any, critical": purpose(ANY_PURPOSE, critical=True), "purposes serverAuth and any": purpose(SERVER_AUTH, ANY_PURPOSE),
    "purpose mail": purpose("1.3.6.1.5.5.7.3.4"), "purpose OCSP": purpose("1.3.6.1.5.5.7.3.9"), "purpose of nobody": purpose(UNKNOWN),
    "purpose Netscape's": purpose("2.16.840.1.113730.4.1"), "purpose Microsoft's": purpose("1.3.6.1.4.1.311.10.3.3"),
    "purpose below serverAuth": purpose(SERVER_AUTH + ".1"), "purpose above serverAuth": purpose("1.3.6.1.5.5.7.3"),
    "purposes, 20 of them": purpose(*[f"1.2.3.{i}" for i in range(20)], SERVER_AUTH), "purposes twice": purpose(SERVER_AUTH, SERVER_AUTH),
    "purposes none": ext(PURPOSE, EMPTY), "purposes of no octets": ext(PURPOSE, b""), "purposes and an octet": ext(PURPOSE, seq(oid(SERVER_AUTH)) + b"\0"),
    "purpose is an INTEGER": ext(PURPOSE, seq(integer(1))), "purpose with an empty OID": ext(PURPOSE, seq(oid(SERVER_AUTH), b"\x06\x00")),
    "purpose with a bad OID": ext(PURPOSE, seq(oid(SERVER_AUTH), b"\x06\x02\x80\x01")), "purposes nested": ext(PURPOSE, seq(seq(oid(SERVER_AUTH))))}
for title_, value_ in PURPOSES.items():
    each(ALL, title_, with_ext("purpose", value_))

IDS = {
    "aki absent": ("aki", None), "aki of another key": ("aki", aki(OTHER.spki)), "aki critical": ("aki", ext(AKI, seq(tlv(0x80, b"k")), True)),
    "aki empty": ("aki", ext(AKI, EMPTY)), "aki of an empty key": ("aki", ext(AKI, seq(tlv(0x80)))), "aki is an OCTET STRING": ("aki", ext(AKI, octets(b"k"))),
    "aki of no octets": ("aki", ext(AKI, b"")), "aki with another issuer and serial": ("aki", ext(AKI, seq(tlv(0xA1, tlv(0xA4, name("CN=x"))), tlv(0x82, b"\x10")))),
    "aki with a serial alone": ("aki", ext(AKI, seq(tlv(0x82, b"\x10")))), "aki with fields in another order": ("aki", ext(AKI, seq(tlv(0x82, b"\x10"), tlv(0x80, b"k")))),
    "aki and an octet": ("aki", ext(AKI, EMPTY + b"\0")), "ski absent": ("ski", None), "ski another": ("ski", ext(SKI, octets(b"k"))),
    "ski critical": ("ski", ext(SKI, octets(b"k"), True)), "ski empty": ("ski", ext(SKI, octets(b""))), "ski of no octets": ("ski", ext(SKI, b"")),
    "ski is an INTEGER": ("ski", ext(SKI, integer(5))), "ski and an octet": ("ski", ext(SKI, octets(b"k") + b"\0")), "ski of 300 octets": ("ski", ext(SKI, octets(b"k" * 300)))}
for title_, (key_, value_) in IDS.items():
    each(ALL, title_, with_ext(key_, value_))

uri = lambda where="http://crl.example/a": general("URI:" + where)
crl_value = seq(seq(tlv(0xA0, tlv(0xA0, uri()))))
aia_value = seq(seq(oid("1.3.6.1.5.5.7.48.1"), uri("http://ocsp.example/")))
policy = seq(seq(oid("2.23.140.1.2.1")))
MORE = {
    "an unknown extension": [ext(UNKNOWN, b"a")], "an unknown extension of no octets": [ext(UNKNOWN, b"")], "an unknown critical extension": [ext(UNKNOWN, b"a", True)],
    "an unknown extension twice": [ext(UNKNOWN, b"a")] * 2, "unknown extensions, 40 of them": [ext(f"1.3.6.1.4.1.55555.{i}", b"") for i in range(40)],
    "unknown extensions, the second of three twice": [ext(f"1.3.6.1.4.1.55555.{i}", b"") for i in (1, 2, 3, 2)],
    "an unknown extension, critical FALSE": [ext(UNKNOWN, b"a", false_)], "an unknown extension, critical 1": [ext(UNKNOWN, b"a", b"\x01\x01\x01")],
    "an unknown extension, critical of two octets": [ext(UNKNOWN, b"a", b"\x01\x02\xff\xff")], "an unknown extension, critical empty": [ext(UNKNOWN, b"a", b"\x01\x00")],
    "an extension with a long OID": [seq(tlv(6, b"\x2b" + b"\x81" * 200 + b"\x01"), octets(b"a"))], "an extension with an empty OID": [seq(b"\x06\x00", octets(b"a"))],
    "an extension with a bad OID": [seq(tlv(6, b"\x2b\x80\x01"), octets(b"a"))], "an extension with an unended OID": [seq(tlv(6, b"\x2b\x81"), octets(b"a"))],
    "an extension without a value": [seq(oid(UNKNOWN))], "an extension with two values": [seq(oid(UNKNOWN), octets(b"a"), octets(b"b"))],
    "an extension whose value is no OCTET STRING": [seq(oid(UNKNOWN), NULL)], "an extension of 20,000 octets": [ext(UNKNOWN, b"a" * 20000)],
    "an extension of 70,000 octets": [ext(UNKNOWN, b"a" * 70000)], "an extension that is empty": [EMPTY], "an extension that is a set": [set_of(oid(UNKNOWN), octets(b"a"))],
    "poison of a precertificate": [ext(POISON, NULL, True)], "stapling is demanded": [ext("1.3.6.1.5.5.7.1.24", seq(integer(5)))],
    "stapling is demanded, critical": [ext("1.3.6.1.5.5.7.1.24", seq(integer(5)), True)], "Netscape's type, server": [ext("2.16.840.1.113730.1.1", bits(b"\x40", 6))],
    "Netscape's type, client": [ext("2.16.840.1.113730.1.1", bits(b"\x80", 7))], "Netscape's type, critical": [ext("2.16.840.1.113730.1.1", bits(b"\x40", 6), True)],
    "policies": [ext(POLICIES, policy)], "policies, critical": [ext(POLICIES, policy, True)], "policies twice": [ext(POLICIES, policy)] * 2,
    "one policy twice": [ext(POLICIES, seq(seq(oid("1.2.3")), seq(oid("1.2.3"))))], "policy any": [ext(POLICIES, seq(seq(oid("2.5.29.32.0"))), True)],
    "policies with a qualifier, critical": [ext(POLICIES, seq(seq(oid("1.2.3"), seq(seq(oid("1.3.6.1.5.5.7.2.1"), tlv(22, b"http://a/"))))), True)],
    "policies with an unknown qualifier, critical": [ext(POLICIES, seq(seq(oid("1.2.3"), seq(seq(oid(UNKNOWN), NULL)))), True)],
    "policies none": [ext(POLICIES, EMPTY)], "policies of no octets": [ext(POLICIES, b"")], "policies cut": [ext(POLICIES, policy[:-1])],
    "policies that are no sequence": [ext(POLICIES, octets(b"a"))], "policy constraints": [ext(POLICY_CONSTRAINTS, seq(tlv(0x80, b"\0")))],
    "policy constraints, critical": [ext(POLICY_CONSTRAINTS, seq(tlv(0x80, b"\0")), True)], "policy constraints, empty": [ext(POLICY_CONSTRAINTS, EMPTY, True)],
    "inhibitAnyPolicy": [ext(INHIBIT_ANY, integer(0))], "inhibitAnyPolicy, critical": [ext(INHIBIT_ANY, integer(0), True)],
    "policy mappings": [ext("2.5.29.33", seq(seq(oid("1.2.3"), oid("1.2.4"))))], "policy mappings, critical": [ext("2.5.29.33", seq(seq(oid("1.2.3"), oid("1.2.4"))), True)],
    "places of CRLs": [ext(CRL_EXT, crl_value)], "places of CRLs, critical": [ext(CRL_EXT, crl_value, True)], "places of CRLs, cut": [ext(CRL_EXT, crl_value[:-1])],
    "places of CRLs, none": [ext(CRL_EXT, EMPTY)], "places of CRLs that are no sequence": [ext(CRL_EXT, octets(b"a"))], "freshest CRL, critical": [ext("2.5.29.46", crl_value, True)],
    "places of services": [ext(AIA, aia_value)], "places of services, critical": [ext(AIA, aia_value, True)], "places of services, cut": [ext(AIA, aia_value[:-1])],
    "places of services, none": [ext(AIA, EMPTY)], "places of services that are no sequence": [ext(AIA, b"malformed")],
    "names of the issuer": [ext(ISSUER_ALT, seq(general("DNS:ca.example")))], "names of the issuer, critical": [ext(ISSUER_ALT, seq(general("DNS:ca.example")), True)],
    "names of the issuer, malformed": [ext(ISSUER_ALT, b"a")], "directory attributes": [ext("2.5.29.9", seq(seq(oid("1.2.3"), set_of(NULL))))],
    "directory attributes, critical": [ext("2.5.29.9", seq(seq(oid("1.2.3"), set_of(NULL))), True)], "period of the private key": [ext("2.5.29.16", seq(tlv(0x80, b"20260101000000Z")))],
    "places of the subject's services, critical": [ext("1.3.6.1.5.5.7.1.11", aia_value, True)], "no check by OCSP": [ext("1.3.6.1.5.5.7.48.1.5", NULL)],
    "list of SCTs, malformed": [ext("1.3.6.1.4.1.11129.2.4.2", octets(b"a"))], "basicConstraints twice": [basic()], "key usage twice": [usage(KU_SIGN | KU_CERT)],
    "purposes in two extensions": [purpose(SERVER_AUTH)] * 2, "extension below subjectAltName, critical": [ext(SAN + ".1", b"a", True)]}
for title_, value_ in MORE.items():
    each(ALL, title_, with_more(*value_))
table("ca root", {"a subjectAltName": with_ext("san", san("DNS:ca.example")), "a subjectAltName, critical": with_ext("san", san("DNS:ca.example", critical=True)),
                  "a subjectAltName, malformed": with_ext("san", ext(SAN, b"a")), "a subjectAltName with a mail address": with_ext("san", san("email:a@ca.example"))})

ip = lambda value: tlv(0x87, value)
dns = lambda value: tlv(0x82, value)
other_name = tlv(0xA0, oid("1.3.6.1.5.5.7.8.7"), tlv(0xA0, tlv(22, HOST.encode())))
NAMES = {
    "san absent": None, "san critical": san("DNS:" + HOST, critical=True), "san another host": san("DNS:other.example.org"), "san the domain above": san("DNS:example.org"),
    "san a host below": san("DNS:a.mail.example.org"), "san in capitals": san("DNS:MAIL.Example.ORG"), "san a wildcard": san("DNS:*.example.org"),
    "san a wildcard in capitals": san("DNS:*.EXAMPLE.org"), "san a wildcard too high": san("DNS:*.org"), "san a wildcard of all": san("DNS:*"), "san two stars": san("DNS:*.*.org"),
    "san a star at a label's end": san("DNS:m*.example.org"), "san a star at a label's begin": san("DNS:*l.example.org"), "san a star inside": san("DNS:ma*l.example.org"),
    "san double star": san("DNS:**.example.org"), "san a star behind": san("DNS:mail.*.org"), "san a wildcard of the host": san("DNS:*.mail.example.org"),
    "san with NUL": san(dns(HOST.encode() + b"\0.evil.example")), "san with NUL at its end": san(dns(HOST.encode() + b"\0")), "san with a dot at its end": san("DNS:mail.example.org."),
    "san with a dot before it": san("DNS:.example.org"), "san with a space": san("DNS:mail.example.org "), "san above 127": san(dns(b"m\xe4il.example.org"), "DNS:" + HOST),
    "san with an underscore beside": san("DNS:a_b.example.org", "DNS:" + HOST), "san with a slash beside": san("DNS:a/b", "DNS:" + HOST), "san empty name beside": san("DNS:", "DNS:" + HOST),
    "san a long label beside": san("DNS:" + "a" * 64 + ".org", "DNS:" + HOST), "san 400 names": san(*[f"DNS:h{i}.example" for i in range(400)], "DNS:" + HOST),
    "san an address": san("IP:192.0.2.1"), "san an address beside": san("IP:192.0.2.1", "DNS:" + HOST), "san an address as text": san("DNS:192.0.2.1"),
    "san an address of 5 octets beside": san(ip(b"\1\2\3\4\5"), "DNS:" + HOST), "san an address of 8 octets beside": san(ip(b"\1\2\3\4\xff\xff\xff\xff"), "DNS:" + HOST),
    "san an empty address beside": san(ip(b""), "DNS:" + HOST), "san a mail address": san("email:a@" + HOST), "san a mail address beside": san("email:a@example.org", "DNS:" + HOST),
    "san a bad mail address beside": san("email:@@", "DNS:" + HOST), "san a URI": san("URI:https://" + HOST + "/"), "san a URI beside": san("URI:https://a.example/", "DNS:" + HOST),
    "san a bad URI beside": san("URI:://[", "DNS:" + HOST), "san a directory name": san(tlv(0xA4, name("CN=" + HOST))), "san a directory name beside": san(tlv(0xA4, name("CN=x")), "DNS:" + HOST),
    "san an otherName": san(other_name), "san an otherName beside": san(other_name, "DNS:" + HOST), "san a registeredID beside": san(tlv(0x88, b"\x2a\x03"), "DNS:" + HOST),
    "san an x400Address beside": san(tlv(0xA3, seq()), "DNS:" + HOST), "san an ediPartyName beside": san(tlv(0xA5, tlv(0xA1, tlv(12, b"a"))), "DNS:" + HOST),
    "san a name of no kind beside": san(tlv(0x89, b"a"), "DNS:" + HOST), "san an IA5String beside": san(tlv(22, b"a"), "DNS:" + HOST), "san in pieces": san(tlv(0xA2, tlv(4, HOST.encode()))),
    "san hidden in an otherName": san(tlv(0xA0, oid("1.2.3"), tlv(0xA0, general("DNS:" + HOST)))), "san none": ext(SAN, EMPTY), "san of no octets": ext(SAN, b""),
    "san and an octet": ext(SAN, seq(general("DNS:" + HOST)) + b"\0"), "san cut": ext(SAN, seq(general("DNS:" + HOST))[:-1]), "san is a set": ext(SAN, set_of(general("DNS:" + HOST))),
    "san a dot alone beside": san("DNS:.", "DNS:" + HOST), "san two dots beside": san("DNS:mail..example.org", "DNS:" + HOST), "san two dots": san("DNS:mail..example.org"), "san a star and a dot beside": san("DNS:*.", "DNS:" + HOST),
    "san a star in an A-label": san("DNS:xn--*.example.org"), "san a U-label beside": san(dns("b\u00fccher.example".encode()), "DNS:" + HOST), "san labels of digits beside": san("DNS:1.2.3.4", "DNS:" + HOST), "san a hyphen first beside": san("DNS:-a.example", "DNS:" + HOST),
    "san a tab": san(dns(b"\tmail.example.org")), "san a line end": san(dns(HOST.encode() + b"\r\n")), "san above 253 octets beside": san("DNS:" + ".".join(["a" * 63] * 5), "DNS:" + HOST), "san a mapped address beside": san("IP:::ffff:192.0.2.1", "DNS:" + HOST),
    "san an address of 17 octets beside": san(ip(bytes(17)), "DNS:" + HOST), "san an address of 1 octet beside": san(ip(b"\1"), "DNS:" + HOST), "san an address of 32 octets beside": san(ip(bytes(32)), "DNS:" + HOST),
    "san the host twice": san("DNS:" + HOST, "DNS:" + HOST), "san an A-label beside": san("DNS:xn--bcher-kva.example", "DNS:" + HOST)}
for title_, value_ in NAMES.items():
    each("leaf", title_, with_ext("san", value_))
each("leaf", "san twice", with_more(san("DNS:" + HOST)))
each("leaf", "san twice, the first another", lambda part, rng: (part.exts.__setitem__("san", san("DNS:other.example.org")), part.more.append(san("DNS:" + HOST))))
HOSTS = {  # host: what is asked for, names
    "an address": ("192.0.2.1", san("IP:192.0.2.1")), "another address": ("192.0.2.2", san("IP:192.0.2.1")), "an IPv6 address": ("2001:db8::1", san("IP:2001:db8::1")),
    "an IPv6 address in full": ("2001:DB8:0:0:0:0:0:1", san("IP:2001:db8::1")), "an address as dNSName": ("192.0.2.1", san("DNS:192.0.2.1")),
    "a wildcard over an address": ("192.0.2.1", san("DNS:*.0.2.1")), "an address mapped into IPv6": ("192.0.2.1", san("IP:::ffff:192.0.2.1")),
    "a mapped address": ("::ffff:192.0.2.1", san("IP:::ffff:192.0.2.1")), "a mapped address, the name is not mapped": ("::ffff:192.0.2.1", san("IP:192.0.2.1")), "a mapped address in groups": ("::ffff:c000:201", san("IP:::ffff:192.0.2.1")),
    "a first label of digits": ("1.example.org", san("DNS:1.example.org")), "a first label of digits, a wildcard": ("1.example.org", san("DNS:*.example.org")), "in capitals, a wildcard": ("MAIL.EXAMPLE.ORG", san("DNS:*.example.org")),
    "in capitals": ("MAIL.EXAMPLE.ORG", san("DNS:" + HOST)), "with a dot at its end": (HOST + ".", san("DNS:" + HOST)), "of one label": ("mail", san("DNS:mail")),
    "with an underscore, a wildcard": ("my_host.example.org", san("DNS:*.example.org")), "with an underscore": ("my_host.example.org", san("DNS:my_host.example.org")),
    "two labels below a wildcard": ("a.b.example.org", san("DNS:*.example.org")), "the domain of a wildcard": ("example.org", san("DNS:*.example.org")),
    "one label below a wildcard of two": ("mail.example", san("DNS:*.example")), "an A-label below a wildcard": ("xn--bcher-kva.example.org", san("DNS:*.example.org")),
    "a number": ("2130706433", san("IP:127.0.0.1", "DNS:2130706433")), "127.1": ("127.1", san("IP:127.0.0.1", "DNS:127.1")), "of 253 octets": (".".join(["a" * 63] * 3 + ["b" * 61]),) * 2}
for title_, (host_, value_) in HOSTS.items():
    def ask_for(plan, _, host=host_, value=value_):
        plan.host = host
        plan.leaf.exts["san"] = san("DNS:" + host) if isinstance(value, str) else value
        if isinstance(value, str):
            plan.leaf.subject = name("O=x")
    add(f"host: {title_}", ask_for)


# ---- constraints on names ----

def base(one):
    """A GeneralName as base: text; IP with a prefix length; or DER."""
    if isinstance(one, bytes):
        return one
    if one.startswith("IP:"):
        import ipaddress
        net = ipaddress.ip_network(one[3:], strict=False)
        return ip(net.network_address.packed + net.netmask.packed)
    return general(one)


def limits(permitted=(), excluded=(), critical=True):
    return ext(NAME_CONSTRAINTS, seq(*[tlv(tag, *[seq(base(one)) for one in bases]) for tag, bases in ((0xA0, permitted), (0xA1, excluded)) if bases]), critical)


directory = lambda *parts: tlv(0xA4, name(*parts) if parts else EMPTY)
GERMAN = ("C=DE", "O=Example", "CN=" + HOST)
tree = lambda *parts: ext(NAME_CONSTRAINTS, seq(tlv(0xA0, *[seq(*p) for p in parts])), True)
LIMITS = {  # constraint, names of the leaf (None: the host), subject of the leaf
    "the domain": (limits(["DNS:example.org"]),), "the host": (limits(["DNS:" + HOST]),), "another domain": (limits(["DNS:example.com"]),), "one of two domains": (limits(["DNS:example.com", "DNS:example.org"]),),
    "the domain, a dot before it": (limits(["DNS:.example.org"]),), "the host, a dot before it": (limits(["DNS:.mail.example.org"]),), "any host": (limits(["DNS:"]),), "the domain's end": (limits(["DNS:ample.org"]),),
    "in capitals": (limits(["DNS:EXAMPLE.ORG"]),), "the domain excluded": (limits((), ["DNS:example.org"]),), "the domain excluded, a dot before it": (limits((), ["DNS:.example.org"]),),
    "the host excluded, a dot before it": (limits((), ["DNS:.mail.example.org"]),), "all hosts excluded": (limits((), ["DNS:"]),), "another domain excluded": (limits((), ["DNS:example.com"]),),
    "the domain's end excluded": (limits((), ["DNS:ample.org"]),), "in capitals, excluded": (limits((), ["DNS:EXAMPLE.ORG"]),), "permitted and excluded": (limits(["DNS:example.org"], ["DNS:" + HOST]),),
    "permitted and another excluded": (limits(["DNS:example.org"], ["DNS:www.example.org"]),), "a second name outside": (limits(["DNS:example.org"]), ["DNS:" + HOST, "DNS:www.example.com"]),
    "a second name excluded": (limits((), ["DNS:example.com"]), ["DNS:" + HOST, "DNS:www.example.com"]), "a wildcard inside": (limits(["DNS:example.org"]), ["DNS:*.example.org"]),
    "a wildcard, its host excluded": (limits((), ["DNS:" + HOST]), ["DNS:*.example.org"]), "a wildcard, its host permitted": (limits(["DNS:" + HOST]), ["DNS:*.example.org"]),
    "a wildcard, another host excluded": (limits((), ["DNS:www.example.org"]), ["DNS:*.example.org"]),
    "more names than are kept": (limits(["DNS:example.org"]), ["DNS:" + HOST, *[f"DNS:h{i}.example.org" for i in range(30)]]),
    "addresses, there is none": (limits(["IP:192.0.2.0/24"]),), "an address inside": (limits(["IP:192.0.2.0/24"]), ["DNS:" + HOST, "IP:192.0.2.1"]), "an address outside": (limits(["IP:192.0.3.0/24"]), ["DNS:" + HOST, "IP:192.0.2.1"]),
    "an address excluded": (limits((), ["IP:192.0.2.0/24"]), ["DNS:" + HOST, "IP:192.0.2.1"]), "the other kind of address": (limits(["IP:2001:db8::/32"]), ["DNS:" + HOST, "IP:192.0.2.1"]),
    "all addresses excluded": (limits((), ["IP:0.0.0.0/0", "IP:::/0"]),), "an IPv6 address inside": (limits(["IP:2001:db8::/32"]), ["DNS:" + HOST, "IP:2001:db8::1"]),
    "an IPv6 address outside": (limits(["IP:2001:db9::/32"]), ["DNS:" + HOST, "IP:2001:db8::1"]), "the last bit of a mask": (limits(["IP:192.0.2.0/31"]), ["DNS:" + HOST, "IP:192.0.2.2"]),
    "a mask with holes": (tree((ip(b"\xc0\0\2\0\xff\0\xff\0"),)),), "an address without a mask": (tree((ip(b"\xc0\0\2\0"),)),), "an address of 6 octets": (tree((ip(b"\xc0\0\2\0\xff\xff"),)),),
    "mail, there is none": (limits(["email:example.com"]),), "mail inside": (limits(["email:example.org"]), ["DNS:" + HOST, "email:a@example.org"]), "mail outside": (limits(["email:example.com"]), ["DNS:" + HOST, "email:a@example.org"]),
    "mail excluded": (limits((), ["email:example.org"]), ["DNS:" + HOST, "email:a@example.org"]), "mail outside, in the subject": (limits(["email:example.com"]), None, seq(set_of(seq(oid("1.2.840.113549.1.9.1"), tlv(22, b"a@example.org"))))),
    "a URI, there is none": (limits(["URI:example.com"]),), "a URI outside": (limits(["URI:example.com"]), ["DNS:" + HOST, "URI:https://example.org/"]), "a URI excluded": (limits((), ["URI:example.org"]), ["DNS:" + HOST, "URI:https://example.org/"]),
    "the subject": (limits([directory("C=DE", "O=Example")]), None, name(*GERMAN)), "another subject": (limits([directory("C=FR")]), None, name(*GERMAN)), "any subject": (limits([directory()]), None, name(*GERMAN)),
    "a subject, there is none": (limits([directory("C=DE")]), None, EMPTY), "the subject excluded": (limits((), [directory("C=DE")]), None, name(*GERMAN)), "another subject excluded": (limits((), [directory("C=FR")]), None, name(*GERMAN)),
    "the subject in another string type": (limits([tlv(0xA4, name("C=DE", "O=Example", kind=19))]), None, name(*GERMAN)), "the subject in capitals excluded": (limits((), [directory("C=de")]), None, name(*GERMAN)),
    "a directory name outside": (limits([directory("CN=" + HOST)]), ["DNS:" + HOST, directory("CN=x")]), "a directory name excluded": (limits((), [directory("CN=x")]), ["DNS:" + HOST, directory("CN=x")]),
    "an otherName, there is none": (limits([other_name]),), "an otherName": (limits([other_name]), ["DNS:" + HOST, other_name]), "a registeredID": (limits((), [tlv(0x88, b"\x2a\x03")]), ["DNS:" + HOST, tlv(0x88, b"\x2a\x03")]),
    "an x400Address, there is none": (limits([tlv(0xA3, seq())]),), "minimum 0": (tree((dns(b"example.org"), tlv(0x80, b"\0"))),), "minimum 1": (tree((dns(b"example.org"), tlv(0x80, b"\1"))),),
    "a maximum": (tree((dns(b"example.org"), tlv(0x81, b"\1"))),), "nothing": (ext(NAME_CONSTRAINTS, EMPTY, True),), "an empty list": (ext(NAME_CONSTRAINTS, seq(tlv(0xA0)), True),), "no base": (tree(()),),
    "two lists that exclude": (ext(NAME_CONSTRAINTS, seq(tlv(0xA1, seq(dns(b"a.example"))), tlv(0xA1, seq(dns(b"b.example")))), True),),
    "two lists that permit": (ext(NAME_CONSTRAINTS, seq(tlv(0xA0, seq(dns(b"example.org"))), tlv(0xA0, seq(dns(b"example.org")))), True),),
    "an address mapped into IPv6": (limits(["IP:192.0.2.0/24"]), ["DNS:" + HOST, "IP:::ffff:192.0.2.1"]), "a mapped address, its range excluded": (limits((), ["IP:192.0.2.0/24"]), ["DNS:" + HOST, "IP:::ffff:192.0.2.1"]),
    "a range of mapped addresses": (limits(["IP:::ffff:192.0.2.0/120"]), ["DNS:" + HOST, "IP:::ffff:192.0.2.1"]), "a host of an A-label": (limits(["DNS:xn--bcher-kva.example"]), ["DNS:" + HOST, "DNS:xn--bcher-kva.example"]),
    "a dot alone": (limits(["DNS:."]),), "a dot alone excluded": (limits((), ["DNS:."]),), "a host of 300 octets": (limits(["DNS:" + "a" * 300]),), "an address of no octets": (tree((ip(b""),)),),
    "mail at a host": (limits(["email:example.org"]),), "mail of one person": (limits(["email:a@example.org"]), ["DNS:" + HOST, "email:b@example.org"]), "400 bases": (limits([f"DNS:h{i}.example" for i in range(400)] + ["DNS:example.org"]),),
    "400 bases and 300 names": (limits((), [f"DNS:h{i}.example" for i in range(400)]), ["DNS:" + HOST, *[f"DNS:g{i}.example.org" for i in range(300)]]),
    "no octets": (ext(NAME_CONSTRAINTS, b"", True),), "excluded before permitted": (ext(NAME_CONSTRAINTS, seq(tlv(0xA1, seq(dns(b"a.example"))), tlv(0xA0, seq(dns(b"example.org")))), True),),
    "a base of no kind": (tree((integer(1),)),), "a host with a star": (tree((dns(b"*.example.org"),)),), "a host with a space": (tree((dns(b"example .org"),)),), "a host with a dot at its end": (tree((dns(b"example.org."),)),),
    "and an octet": (ext(NAME_CONSTRAINTS, seq(tlv(0xA0, seq(dns(b"example.org")))) + b"\0", True),), "what authorities write": (limits(["DNS:example.org", directory("C=DE", "O=Example")], ["IP:0.0.0.0/0", "IP:::/0"]), None, name(*GERMAN)),
    "not critical": (limits(["DNS:example.org"], critical=False),), "another domain, not critical": (limits(["DNS:example.com"], critical=False),)}
for title_, (value_, *rest_) in LIMITS.items():
    def limit(plan, rng, where="ca", value=value_, rest=rest_):
        PLACES[where](plan, rng).more.append(value)
        if rest and rest[0]:
            plan.leaf.exts["san"] = san(*rest[0])
        if len(rest) > 1:
            plan.leaf.subject = rest[1]
    add(f"ca: limits, {title_}", limit)
    if title_ in ("the domain", "another domain", "addresses, there is none", "what authorities write", "nothing"):
        add(f"leaf: limits, {title_}", lambda plan, rng, f=limit: f(plan, rng, "leaf"))
        add(f"root: limits, {title_}", lambda plan, rng, f=limit: f(plan, rng, "root"))


@kind("ca: limits that the next authority's subject is outside of")
def limit_subjects(plan, rng):
    plan.cas[0].more.append(limits([directory("C=DE")]))
    plan.leaf.subject = name(*GERMAN)
    second(plan)


@kind("ca: limits that the next authority's names are outside of")
def limit_names(plan, rng):
    plan.cas[0].more.append(limits(["DNS:example.org"]))
    second(plan).exts["san"] = san("DNS:ca.example.com")


@kind("ca: limits twice")
def limit_twice(plan, rng):
    rng.choice(plan.cas).more.extend([limits(["DNS:example.com"]), limits(["DNS:example.org"])])


# ---- keys ----

def use_key(key):
    return lambda part, rng: setattr(part, "key", key)


for title_, keys_ in (("RSA 1024", RSA_KEYS[1024]), ("RSA 2048", RSA_KEYS[2048]), ("RSA 3072", RSA_KEYS[3072]), ("RSA 4096", RSA_KEYS[4096]), ("P-384", EC384), ("P-521", EC521)):
    each(ALL, "key " + title_, lambda part, rng, keys=keys_: use_key(rng.choice(keys))(part, rng))
modulus, point_ = RSA_KEYS[2048][0].n, OTHER.point
spki = lambda algorithm, value, unused=0: seq(algorithm, bits(value, unused))
ec_spki = lambda value, curve=P256: spki(seq(EC_KEY, curve.oid), value)
SPKIS = {
    "RSA 2047": rsa_spki(modulus >> 1 | 1, 65537), "RSA 2049": rsa_spki(modulus << 1 | 1, 65537), "RSA 2056": rsa_spki(modulus << 8 | 1, 65537), "RSA 4104": rsa_spki(1 << 4103 | 1, 65537),
    "RSA 16384": rsa_spki(1 << 16383 | 1, 65537), "RSA of one bit": rsa_spki(1, 3), "RSA 0": rsa_spki(0, 3), "an even modulus": rsa_spki(modulus - 1, 65537), "a negative modulus": rsa_spki(-modulus, 65537),
    "exponent 0": rsa_spki(modulus, 0), "exponent 1": rsa_spki(modulus, 1), "exponent 2": rsa_spki(modulus, 2), "exponent 3": rsa_spki(modulus, 3), "exponent 65536": rsa_spki(modulus, 65536), "exponent -3": rsa_spki(modulus, -3),
    "exponent 2^31 - 1": rsa_spki(modulus, 2**31 - 1), "exponent 2^32 + 1": rsa_spki(modulus, 2**32 + 1), "exponent of 64 bits": rsa_spki(modulus, 2**64 - 1), "exponent as long as the modulus": rsa_spki(modulus, modulus - 2),
    "modulus with a zero": spki(RSA_KEY, seq(tlv(2, b"\0\0" + modulus.to_bytes(256, "big")), integer(65537))), "RSA without NULL": spki(seq(oid("1.2.840.113549.1.1.1")), seq(integer(modulus), integer(65537))),
    "RSA with three numbers": spki(RSA_KEY, seq(integer(modulus), integer(65537), integer(3))), "RSA and an octet": spki(RSA_KEY, seq(integer(modulus), integer(65537)) + b"\0"),
    "RSA with unused bits": spki(RSA_KEY, seq(integer(modulus), integer(65536)), 1), "RSA for PSS": spki(seq(oid("1.2.840.113549.1.1.10")), seq(integer(modulus), integer(65537))),
    "RSA's octets, named EC": spki(seq(EC_KEY, P256.oid), seq(integer(modulus), integer(65537))), "EC's octets, named RSA": spki(RSA_KEY, point_), "point compressed": ec_spki(bytes([2 + (point_[-1] & 1)]) + point_[1:33]),
    "point hybrid": ec_spki(bytes([6 + (point_[-1] & 1)]) + point_[1:]), "point at infinity": ec_spki(b"\0"), "point of zeros": ec_spki(b"\4" + bytes(64)), "point beside the curve": ec_spki(point_[:-1] + bytes([point_[-1] ^ 1])),
    "point not reduced": ec_spki(b"\4" + b"\xff" * 64), "point cut": ec_spki(point_[:-1]), "point and an octet": ec_spki(point_ + b"\0"), "point empty": ec_spki(b""), "point of another curve": ec_spki(point_, P384),
    "point of another curve, longer": ec_spki(EC384[0].point), "curve P-192": spki(seq(EC_KEY, oid("1.2.840.10045.3.1.1")), point_[:49]), "curve P-224": spki(seq(EC_KEY, oid("1.3.132.0.33")), point_[:57]),
    "curve secp256k1": spki(seq(EC_KEY, oid("1.3.132.0.10")), point_), "curve brainpoolP256r1": spki(seq(EC_KEY, oid("1.3.36.3.3.2.8.1.1.7")), point_), "curve NULL": spki(seq(EC_KEY, NULL), point_), "curve absent": spki(seq(EC_KEY), point_),
    "curve twice": spki(seq(EC_KEY, P256.oid, P256.oid), point_), "curve by its parameters": spki(seq(EC_KEY, seq(integer(1), seq(oid("1.2.840.10045.1.1"), integer(P256.p)), seq(octets((P256.p - 3).to_bytes(32, "big")),
        octets(P256.b.to_bytes(32, "big"))), octets(b"\4" + P256.g[0].to_bytes(32, "big") + P256.g[1].to_bytes(32, "big")), integer(P256.n), integer(1))), point_),
    "key Ed25519": spki(seq(oid("1.3.101.112")), b"k" * 32), "key X25519": spki(seq(oid("1.3.101.110")), b"k" * 32), "key DSA": spki(seq(oid("1.2.840.10040.4.1"), seq(integer(7), integer(3), integer(2))), integer(5)),
    "key of nobody": spki(seq(oid(UNKNOWN)), b"k" * 32), "key empty": EMPTY, "key without its octets": seq(RSA_KEY), "key twice": OTHER.spki * 2, "key in an OCTET STRING": seq(seq(EC_KEY, P256.oid), octets(b"\0" + point_)),
    "point with unused bits": spki(seq(EC_KEY, P256.oid), point_[:-1] + bytes([point_[-1] & 0xfe]), 1)}
for title_, value_ in SPKIS.items():
    each("leaf", title_ if title_.startswith("key") else "key, " + title_, with_kw(spki=value_))
    if not title_.startswith("exponent"):
        each("ca root", title_ if title_.startswith("key") else "key, " + title_, with_kw(spki=value_))


# ---- signatures ----

def signed_by(hash_name):
    def change(part, rng):
        part.kw["hash"] = hash_name
        if hash_name == "md5" and not isinstance(part.signer_key(), RsaKey):
            part.kw["hash"] = "sha1"
    return change


for hash_ in ("sha256", "sha384", "sha512", "sha1", "md5", "sha224"):
    each(ALL, "signed by " + hash_, signed_by(hash_))


def rsa_signer(part):
    """Gives its issuer an RSA key."""
    use_key(RSA_KEYS[2048][0])(part.by or part, None)
    return RSA_KEYS[2048][0]


for hash_ in ("sha256", "sha384", "sha512", "sha1", "sha224", "md5"):
    def by_rsa(part, rng, h=hash_):
        rsa_signer(part)
        part.kw["hash"] = h
    each(ALL, "signed by RSA, " + hash_, by_rsa)
    def by_p384(part, rng, h=hash_):
        if h != "md5":
            use_key(EC384[0])(part.by or part, rng)
            part.kw["hash"] = h
    if hash_ != "md5":
        each("leaf ca", "signed by P-384, " + hash_, by_p384)


def labelled(inner, outer=None):
    return with_kw(inner=inner, outer=inner if outer is None else outer)


pss = seq(oid("1.2.840.113549.1.1.10"), EMPTY)
for title_, change_ in {
        "algorithm with NULL": labelled(seq(oid("1.2.840.10045.4.3.2"), NULL)), "algorithm with an OID": labelled(seq(oid("1.2.840.10045.4.3.2"), P256.oid)), "algorithm Ed25519": labelled(seq(oid("1.3.101.112"))),
        "algorithm PSS": labelled(pss), "algorithm of nobody": labelled(seq(oid(UNKNOWN))), "algorithm SHA-384, wrongly": labelled(ECDSA["sha384"]), "algorithm RSA, wrongly": labelled(RSA["sha256"]),
        "algorithm ecdsa-with-SHA2 without a hash": labelled(seq(oid("1.2.840.10045.4.3"))), "algorithm another inside": with_kw(inner=ECDSA["sha384"]), "algorithm another outside": with_kw(outer=ECDSA["sha384"]),
        "algorithm another parameter inside": with_kw(inner=seq(oid("1.2.840.10045.4.3.2"), NULL)), "algorithm another parameter outside": with_kw(outer=seq(oid("1.2.840.10045.4.3.2"), NULL)),
        "algorithm with an element of tag 0": labelled(seq(oid("1.2.840.10045.4.3.2"), tlv(0, b""))), "algorithm with an element of tag 0 outside": with_kw(outer=seq(oid("1.2.840.10045.4.3.2"), tlv(0, b"ab"))),
        "algorithm empty": labelled(EMPTY), "algorithm the key's": labelled(seq(EC_KEY, P256.oid))}.items():
    each(ALL, title_, change_)


def ecdsa(change):
    """Changes r and s of an ECDSA signature: change(r, s, n) is DER."""
    def value(part, signer):
        key = signer.key if signer else part.key
        if not isinstance(key, EcKey):
            return b"\0"
        kw = {k: v(part, signer) if callable(v) else v for k, v in part.kw.items() if k != "signature"}
        tbs_of = Cert(part.subject, part.key, signer, part.extensions(signer), **{**kw, "serial": kw.setdefault("serial", integer(77)), "signature": b"\0"}).tbs
        part.kw["serial"] = kw["serial"]
        parts = read_all(read_tlv(key.sign(tbs_of, part.kw.get("hash") or key.hash), 0)[1])
        r, s = (int.from_bytes(x, "big") for x in parts)
        return change(r, s, key.curve.n)

    def set_it(part, rng):
        part.kw["serial"] = integer(77)
        part.kw["signature"] = value
    return set_it


for title_, change_ in {
        "signature with the other s": lambda r, s, n: seq(integer(r), integer(n - s)), "signature with r + n": lambda r, s, n: seq(integer(r + n), integer(s)), "signature with s + n": lambda r, s, n: seq(integer(r), integer(s + n)),
        "signature of zeros": lambda r, s, n: seq(integer(0), integer(0)), "signature with r 0": lambda r, s, n: seq(integer(0), integer(s)), "signature with s 0": lambda r, s, n: seq(integer(r), integer(0)),
        "signature of n": lambda r, s, n: seq(integer(n), integer(n)), "signature with a negative s": lambda r, s, n: seq(integer(r), integer(s - n)), "signature with r and s exchanged": lambda r, s, n: seq(integer(s), integer(r)),
        "signature with zeros before r": lambda r, s, n: seq(tlv(2, bytes(3) + r.to_bytes(66, "big").lstrip(b"\0")), integer(s)), "signature and an octet": lambda r, s, n: seq(integer(r), integer(s)) + b"\0",
        "signature with three numbers": lambda r, s, n: seq(integer(r), integer(s), integer(1)), "signature with a long length": lambda r, s, n: b"\x30\x81" + seq(integer(r), integer(s))[1:],
        "signature raw": lambda r, s, n: r.to_bytes((n.bit_length() + 7) // 8, "big") + s.to_bytes((n.bit_length() + 7) // 8, "big"), "signature is a set": lambda r, s, n: set_of(integer(r), integer(s)),
        "signature empty inside": lambda r, s, n: EMPTY, "signature without the sign's octet": lambda r, s, n: seq(tlv(2, r.to_bytes(32 if n < 2**257 else 66, "big")), tlv(2, s.to_bytes(32 if n < 2**257 else 66, "big")))}.items():
    each("leaf ca", title_, ecdsa(change_))
table("leaf ca", {"signature empty": with_kw(signature=b""), "signature of 600 octets": with_kw(signature=b"s" * 600), "signature of one octet": with_kw(signature=b"s")})


def padded(change):
    """Replaces what RSA signs: change(digest) are the octets that follow the zero."""
    def set_it(part, rng):
        key = rsa_signer(part)
        part.kw.update(hash="sha256", serial=integer(78))

        def sign_it(cert, _):
            block = change(hashlib.sha256(cert.tbs).digest())
            if len(block) < 256:
                block = b"\x00\x01" + b"\xff" * (256 - 3 - len(block)) + b"\0" + block
            return seq(cert.tbs, RSA["sha256"], bits(key.sign_padded(block)))
        part.after.insert(0, sign_it)
    return set_it


info = lambda digest, parameters=NULL, h="sha256": seq(seq(oid(HASH_OIDS[h]), parameters), octets(digest))
for title_, change_ in {
        "RSA block without NULL": lambda d: info(d, b""), "RSA block with another hash": lambda d: info(d, NULL, "sha384"), "RSA block with SHA-1 named": lambda d: info(d, NULL, "sha1"), "RSA block with the hash alone": lambda d: d,
        "RSA block, short padding": lambda d: b"\x00\x01" + b"\xff" * 8 + b"\0" + info(d) + b"\0" * (256 - 11 - len(info(d))), "RSA block, octets behind": lambda d: b"\x00\x01" + b"\xff" * (256 - 3 - 4 - len(info(d))) + b"\0" + info(d) + b"abcd",
        "RSA block, type 2": lambda d: b"\x00\x02" + b"\xff" * (256 - 3 - len(info(d))) + b"\0" + info(d), "RSA block, type 0": lambda d: b"\x00\x00" + b"\xff" * (256 - 3 - len(info(d))) + b"\0" + info(d),
        "RSA block, a padding octet is FE": lambda d: b"\x00\x01" + b"\xff" * 50 + b"\xfe" + b"\xff" * (256 - 3 - 51 - len(info(d))) + b"\0" + info(d), "RSA block, parameters hold octets": lambda d: info(d, tlv(4, b"a" * 20)),
        "RSA block, a long length": lambda d: b"\x30\x81" + info(d)[1:], "RSA block, octets inside": lambda d: seq(seq(oid(HASH_OIDS["sha256"]), NULL), octets(d), NULL), "RSA block of another hash": lambda d: info(hashlib.sha256(d).digest())}.items():
    each("leaf ca", title_, padded(change_))


def rsa_octets(change):
    def set_it(part, rng):
        key = rsa_signer(part)
        part.kw["hash"] = "sha256"
        part.after.insert(0, lambda cert, _: seq(cert.tbs, RSA["sha256"], bits(change(key.sign(cert.tbs, "sha256"), key))))
    return set_it


for title_, change_ in {"RSA signature with a zero before it": lambda s, key: b"\0" + s, "RSA signature cut": lambda s, key: s[:-1], "RSA signature of 0": lambda s, key: bytes(256), "RSA signature of 1": lambda s, key: bytes(255) + b"\1",
                        "RSA signature not reduced": lambda s, key: (int.from_bytes(s, "big") + key.n).to_bytes(257, "big"), "RSA signature, a bit": lambda s, key: bytes([s[0] ^ 1]) + s[1:]}.items():
    each("leaf ca", title_, rsa_octets(change_))
bare = lambda n: seq(oid(f"1.2.840.113549.1.1.{n}"))
for title_, kw_ in {"RSA algorithm without NULL": {"inner": bare(11), "outer": bare(11)}, "RSA algorithm without NULL inside": {"inner": bare(11)}, "RSA algorithm without NULL outside": {"outer": bare(11)},
                    "RSA algorithm with a SEQUENCE": {"inner": seq(oid("1.2.840.113549.1.1.11"), EMPTY), "outer": seq(oid("1.2.840.113549.1.1.11"), EMPTY)}}.items():
    each("leaf ca", title_, lambda part, rng, kw=kw_: (rsa_signer(part), part.kw.update(hash="sha256", **kw)))
each("leaf ca", "signed by another key", lambda part, rng: part.after.insert(0, lambda cert, _: seq(cert.tbs, ECDSA["sha256"], bits(OTHER.sign(cert.tbs, "sha256")))))
each("leaf ca", "signed by itself", lambda part, rng: part.after.insert(0, lambda cert, _: seq(cert.tbs, cert.key.algorithms[cert.key.hash], bits(cert.key.sign(cert.tbs, cert.key.hash)))))
each("leaf ca root", "a bit of the signature", lambda part, rng: part.after.append(lambda cert, _: cert.der[:-1] + bytes([cert.der[-1] ^ 1])))
each("leaf ca root", "a bit of the signed part", lambda part, rng: part.after.append(lambda cert, _: cert.der[:16] + bytes([cert.der[16] ^ 1]) + cert.der[17:]))
each("leaf ca", "signature with unused bits", lambda part, rng: part.after.append(lambda cert, _: cert.der.replace(b"\x03\x47\x00\x30", b"\x03\x47\x01\x30").replace(b"\x03\x48\x00\x30", b"\x03\x48\x01\x30").replace(b"\x03\x46\x00\x30", b"\x03\x46\x01\x30")))

# ---- dates, versions, serial numbers ----

def time_of(text, tag):
    return tlv(tag, text.encode())


BEGIN, END = time_of("260101000000Z", 0x17), time_of("270101000000Z", 0x17)
DATES = {
    "expired": seq(time_of("250101000000Z", 0x17), time_of("260501000000Z", 0x17)), "not valid yet": seq(time_of("260701000000Z", 0x17), time_of("300101000000Z", 0x17)),
    "valid from this second": seq(time_of("260601000000Z", 0x17), END), "valid to this second": seq(BEGIN, time_of("260601000000Z", 0x17)), "valid from the next second": seq(time_of("260601000001Z", 0x17), END),
    "valid to the second before": seq(BEGIN, time_of("260531235959Z", 0x17)), "dates exchanged": seq(END, BEGIN), "valid from 1950": seq(time_of("500101000000Z", 0x17), END),
    "valid to 9999": seq(BEGIN, time_of("99991231235959Z", 0x18)), "valid to 2050": seq(BEGIN, time_of("20500101000000Z", 0x18)), "both in GeneralizedTime": seq(time_of("20260101000000Z", 0x18), time_of("20270101000000Z", 0x18)),
    "GeneralizedTime of year 0": seq(time_of("00000301000000Z", 0x18), END), "GeneralizedTime of 1949": seq(time_of("19490301000000Z", 0x18), END), "GeneralizedTime, fractions": seq(BEGIN, time_of("20270101000000.5Z", 0x18)),
    "GeneralizedTime, no seconds": seq(BEGIN, time_of("202701010000Z", 0x18)), "GeneralizedTime, an offset": seq(BEGIN, time_of("20270101000000+0100", 0x18)), "GeneralizedTime, no Z": seq(BEGIN, time_of("20270101000000", 0x18)),
    "UTCTime, no seconds": seq(time_of("2601010000Z", 0x17), END), "UTCTime, no Z": seq(time_of("260101000000", 0x17), END), "UTCTime, an offset": seq(time_of("260101000000+0000", 0x17), END), "UTCTime, a small z": seq(time_of("260101000000z", 0x17), END),
    "UTCTime, month 13": seq(time_of("251301000000Z", 0x17), END), "UTCTime, month 0": seq(time_of("260001000000Z", 0x17), END), "UTCTime, day 0": seq(time_of("260100000000Z", 0x17), END), "UTCTime, February 29": seq(time_of("250229000000Z", 0x17), END),
    "UTCTime, April 31": seq(time_of("260431000000Z", 0x17), END), "UTCTime, hour 24": seq(time_of("260101240000Z", 0x17), END), "UTCTime, minute 60": seq(time_of("260101006000Z", 0x17), END), "UTCTime, second 60": seq(time_of("260101000060Z", 0x17), END),
    "UTCTime, a letter": seq(time_of("26010100000aZ", 0x17), END), "UTCTime, a space": seq(time_of("26010100000 Z", 0x17), END), "UTCTime, empty": seq(time_of("", 0x17), END), "UTCTime of 4 digits": seq(time_of("20260101000000Z", 0x17), END),
    "dates in a string": seq(time_of("260101000000Z", 0x16), END), "one date": seq(BEGIN), "three dates": seq(BEGIN, END, END), "no date": EMPTY, "dates in a set": set_of(BEGIN, END), "a leap day": seq(time_of("240229000000Z", 0x17), END)}
for title_, value_ in DATES.items():
    each(ALL, title_, with_kw(validity=value_))
for title_, kw_ in {
        "version 1": {"version": None}, "version 1, no extensions": {"version": None, "extensions": b""}, "version 2": {"version": 1}, "version 2, no extensions": {"version": 1, "extensions": b""}, "version 3, no extensions": {"extensions": b""},
        "version 1 written": {"version": 0}, "version 1 written, no extensions": {"version": 0, "extensions": b""}, "version 4": {"version": 3}, "version 2^64": {"version": 2**64}, "version -1": {"version": -1},
        "serial 0": {"serial": integer(0)}, "serial -5": {"serial": integer(-5)}, "serial of 20 octets": {"serial": tlv(2, b"\x7f" * 20)}, "serial of 21 octets": {"serial": tlv(2, b"\x7f" * 21)}, "serial of 22 octets": {"serial": tlv(2, b"\x7f" * 22)},
        "serial of 300 octets": {"serial": tlv(2, b"\x7f" * 300)}, "serial with a zero too many": {"serial": b"\x02\x02\x00\x05"}, "serial with FF too many": {"serial": b"\x02\x02\xff\x85"}, "serial empty": {"serial": b"\x02\x00"}, "serial absent": {"serial": b""},
        "serial is a string": {"serial": octets(b"1")}, "serial twice": {"serial": integer(1) * 2}, "serial with a long length": {"serial": b"\x02\x81\x01\x05"}, "extensions empty": {"extensions": tlv(0xA3, EMPTY)}, "extensions without a list": {"extensions": tlv(0xA3)},
        "extensions in a set": {"extensions": tlv(0xA3, set_of(san("DNS:" + HOST)))}, "unique identifiers": {"unique": tlv(0x81, b"\0x") + tlv(0x82, b"\0y")}, "unique identifiers in another order": {"unique": tlv(0x82, b"\0x") + tlv(0x81, b"\0y")},
        "a unique identifier with unused bits": {"unique": tlv(0x81, b"\x09x")}, "a third unique identifier": {"unique": tlv(0x84, b"\0x")}, "an octet behind": {"tail": b"\0"}}.items():
    each(ALL, title_, with_kw(**kw_))

# ---- names of subjects and issuers ----

attribute = lambda value, which="2.5.4.3": set_of(seq(oid(which), value))
for title_, value_ in {
        "subject printable": name("CN=Name x", kind=19), "subject teletex": name("CN=Name x", kind=20), "subject ia5": name("CN=Name x", kind=22), "subject visible": name("CN=Name x", kind=26), "subject numeric": seq(attribute(tlv(18, b"12"))),
        "subject bmp": seq(attribute(tlv(30, "Name".encode("utf-16-be")))), "subject universal": seq(attribute(tlv(28, "Name".encode("utf-32-be")))), "subject bmp of odd length": seq(attribute(tlv(30, b"abc"))), "subject bits": seq(attribute(bits(b"ab"))),
        "subject sequence": seq(attribute(seq(tlv(12, b"x")))), "subject NULL": seq(attribute(NULL)), "subject empty text": name("CN="), "subject NUL inside": name("CN=a\0b"), "subject bad UTF-8": seq(attribute(tlv(12, b"\xc3\x28"))),
        "subject printable with bad letters": seq(attribute(tlv(19, b"a@*_"))), "subject ia5 above 127": seq(attribute(tlv(22, b"\xff"))), "subject of 300 letters": name("CN=" + "x" * 300), "subject of 70,000 letters": name("CN=" + "x" * 70000),
        "subject of 30 parts": name(*[f"OU={i}" for i in range(30)]), "subject of several values": seq(set_of(seq(oid("2.5.4.3"), tlv(12, b"x")), seq(oid("2.5.4.10"), tlv(12, b"y")))),
        "subject of several values, not sorted": seq(set_of(seq(oid("2.5.4.10"), tlv(12, b"y")), seq(oid("2.5.4.3"), tlv(12, b"x")))), "subject an empty set": seq(set_of()), "subject an empty attribute": seq(set_of(EMPTY)),
        "subject an attribute without a value": seq(set_of(seq(oid("2.5.4.3")))), "subject an attribute of two values": seq(set_of(seq(oid("2.5.4.3"), tlv(12, b"x"), tlv(12, b"y")))), "subject an unknown attribute": seq(attribute(tlv(12, b"x"), UNKNOWN)),
        "subject with a bad OID": seq(set_of(seq(b"\x06\x02\x80\x01", tlv(12, b"x")))), "subject with a tag of several octets": seq(attribute(b"\x1f\x81\x01\x01a")), "subject is a set": set_of(seq(seq(oid("2.5.4.3"), tlv(12, b"x")))),
        "subject mail": seq(attribute(tlv(22, b"a@example.org"), "1.2.840.113549.1.9.1")), "subject country of three letters": name("C=DEU"), "subject twice a country": name("C=DE", "C=FR"), "subject constructed text": seq(attribute(tlv(0x2C, tlv(12, b"x")))),
        "subject empty": EMPTY}.items():
    each(ALL, title_, lambda part, rng, v=value_: setattr(part, "subject", v))
each("leaf", "subject empty, san critical", lambda part, rng: (setattr(part, "subject", EMPTY), part.exts.__setitem__("san", san("DNS:" + HOST, critical=True))))
for title_, change_ in {
        "issuer in other letters": lambda s: s.swapcase(), "issuer in another string type": lambda s: s.replace(b"\x0c", b"\x13"), "issuer with a space more": None, "issuer empty": lambda s: EMPTY, "issuer another": lambda s: name("CN=Nobody")}.items():
    def rename(part, rng, change=change_):
        above = part.by
        if change is None:
            above.subject = name("O=popcl tests", "CN=A  b")
            part.kw["issuer"] = name("O=popcl tests", "CN=A b")
        elif change(b"\x0c") == b"\x13":
            part.kw["issuer"] = lambda p, signer: name("O=popcl tests", "CN=" + p.by.subject.decode("latin-1").rsplit("\x0c", 1)[1][1:], kind=19)
        elif change(b"aB") == b"Ab":
            above.subject = name("O=popcl tests", "CN=SOME AUTHORITY")
            part.kw["issuer"] = name("O=popcl tests", "CN=Some Authority")
        else:
            part.kw["issuer"] = change(b"")
    each("leaf ca", title_, rename)
each("leaf ca", "issuer with parts exchanged", lambda part, rng: (setattr(part.by, "subject", name("O=a", "CN=b")), part.kw.update(issuer=name("CN=b", "O=a"))))


# ---- DER of the whole ----

def outside(change):
    """Changes the DER of the finished certificate."""
    return lambda part, rng: part.after.append(lambda cert, _: change(cert.der, cert))


for title_, change_ in {
        "of indefinite length": lambda d, c: b"\x30\x80" + read_tlv(d, 0)[1] + b"\0\0", "a length of three octets": lambda d, c: b"\x30\x83" + len(read_tlv(d, 0)[1]).to_bytes(3, "big") + read_tlv(d, 0)[1], "cut by an octet": lambda d, c: d[:-1],
        "cut in the middle": lambda d, c: d[:len(d) // 2], "empty": lambda d, c: b"", "one octet": lambda d, c: b"\x30", "zeros": lambda d, c: bytes(len(d)), "text": lambda d, c: b"no certificate", "a set": lambda d, c: b"\x31" + d[1:],
        "in a sequence": lambda d, c: seq(d), "twice": lambda d, c: d + d, "with a fourth part": lambda d, c: seq(read_tlv(d, 0)[1], NULL), "without a signature": lambda d, c: seq(c.tbs, ECDSA["sha256"]), "the signed part alone": lambda d, c: c.tbs}.items():
    each("leaf ca", "der " + title_, outside(change_))


# ---- what is sent, and the anchors ----

def second(plan):
    """The lower of the last two authorities; makes one if there is but one."""
    if len(plan.cas) < 2:
        lower = authority(name("O=popcl tests", "CN=Lower"), EC[-1] if plan.cas[0].key is not EC[-1] else EC[-2], plan.cas[0])
        plan.cas.append(lower)
        plan.leaf.by = lower
    return plan.cas[1]


def foreign():
    return authority(name("CN=Foreign"), OTHER, None)


def sibling(plan, **kw):
    """A second certificate of the leaf's issuer."""
    ca = plan.cas[-1]
    return authority(ca.subject, kw.pop("key", ca.key), ca.by, **kw)


def sibling_with(change):
    """Sends a second certificate of the issuer before the right one."""
    def set_it(plan, rng):
        one = sibling(plan)
        change(one)
        plan.send().insert(1, one)
    return set_it


def sent(change):
    return lambda plan, rng: change(plan.send(), plan, rng)


for title_, change_ in {
        "the root too": lambda s, p, r: s.append(p.root), "reversed": lambda s, p, r: s.reverse(), "authorities reversed": lambda s, p, r: (second(p), s.__setitem__(slice(0, None), [p.leaf] + p.cas)), "shuffled behind the leaf": lambda s, p, r: s.__setitem__(slice(1, None), r.sample(s[1:] + [p.root, foreign()], len(s) + 1)),
        "the leaf twice": lambda s, p, r: s.insert(1, p.leaf), "an authority twice": lambda s, p, r: s.insert(2, s[1]), "a foreign one before the authority": lambda s, p, r: s.insert(1, foreign()), "a foreign one at the end": lambda s, p, r: s.append(foreign()),
        "garbage before the authority": lambda s, p, r: s.insert(1, b"\x30\x03\x02\x01\x01"), "an empty one before the authority": lambda s, p, r: s.insert(1, b""), "garbage at the end": lambda s, p, r: s.append(b"\0garbage"), "without the last authority": lambda s, p, r: s.pop(),
        "without the first authority": lambda s, p, r: s.pop(1), "the leaf alone": lambda s, p, r: s.__delitem__(slice(1, None)), "nothing": lambda s, p, r: s.clear(), "the authority alone": lambda s, p, r: s.pop(0), "the root alone": lambda s, p, r: s.__setitem__(slice(0, None), [p.root]),
        "20 foreign ones at the end": lambda s, p, r: s.extend([foreign()] * 20), "20 foreign ones before the authority": lambda s, p, r: s.__setitem__(slice(1, 1), [foreign()] * 20), "another server's before the authority": lambda s, p, r: s.insert(1, server(p.cas[-1], OTHER)),
        "the leaf's issuer signed by nobody, first": lambda s, p, r: s.insert(1, authority(p.cas[-1].subject, p.cas[-1].key, foreign()))}.items():
    add("sent: " + title_, sent(change_))
for title_, change_ in {
        "expired": lambda one: one.kw.update(end="20260301000000Z"), "of another key": lambda one: setattr(one, "key", OTHER), "without CA": lambda one: one.exts.update(basic=None, usage=None), "for clients": lambda one: one.exts.update(purpose=purpose(CLIENT_AUTH)),
        "by SHA-1": lambda one: one.kw.update(hash="sha1"), "with limits": lambda one: one.more.append(limits(["DNS:example.com"])), "damaged": lambda one: one.after.append(lambda cert, _: cert.der[:-90]), "of a longer life": lambda one: one.kw.update(end="20350101000000Z"),
        "of an unknown critical extension": lambda one: one.more.append(ext(UNKNOWN, b"a", True)), "self-signed": lambda one: setattr(one, "by", None), "of RSA": lambda one: setattr(one, "key", RSA_KEYS[2048][1]), "signed wrongly": lambda one: one.after.append(lambda cert, _: cert.der[:-1] + bytes([cert.der[-1] ^ 1]))}.items():
    add("sibling first: " + title_, sibling_with(change_))


@kind("sent: cross-signed, the unknown root's first")
def cross_first(plan, rng):
    ca = plan.cas[0]
    plan.send().insert(1 if len(plan.cas) == 1 else len(plan.sent), authority(ca.subject, ca.key, foreign()))


@kind("sent: the root, cross-signed by an unknown one, in its place")
def cross_root(plan, rng):
    plan.send().append(authority(plan.root.subject, plan.root.key, foreign()))


@kind("sent: the root, cross-signed by another anchor")
def cross_anchor(plan, rng):
    other = foreign()
    plan.send().append(authority(plan.root.subject, plan.root.key, other))
    plan.anchors = [other]


@kind("anchor: the root is of another key, and cross-signed")
def cross_other(plan, rng):
    other = authority(plan.root.subject, OTHER, None)
    plan.anchors = [other]
    plan.send().append(plan.root)


@kind("path: two that issue each other")
def loop(plan, rng):
    one, two = authority(name("CN=One"), EC[0], None), authority(name("CN=Two"), EC[1], None)
    one.by, two.by = authority(name("CN=Two"), EC[1], None), authority(name("CN=One"), EC[0], None)
    plan.leaf.by = one
    plan.cas = [two, one]


def tower(limits_of, selfish=False):
    def build(plan, rng):
        above, plan.cas = plan.root, []
        for i, limit_ in enumerate(limits_of):
            subject = name("CN=Self") if selfish else name(f"CN=Tower {i}")
            above = authority(subject, EC[i % len(EC)], above)
            above.exts["basic"] = basic(path_len=limit_)
            plan.cas.append(above)
        plan.leaf.by = above
    return build


for title_, limits_ in {"5 authorities": [None] * 5, "7 authorities": [None] * 7, "8 authorities": [None] * 8, "9 authorities": [None] * 9, "14 authorities": [None] * 14, "20 authorities": [None] * 20, "a limit of 0, one below": [0, None], "a limit of 1, one below": [1, None],
                        "a limit of 1, two below": [1, None, None], "a limit of 2, two below": [2, None, None], "a limit that grows below": [1, 5], "a limit that a middle one lowers": [5, 0, 3], "a limit of 0 twice": [0, 0], "a limit of 300": [300, None]}.items():
    add("path: " + title_, tower(limits_))
add("path: self-issued, a limit of 0 above", tower([0, 0], True))
add("path: self-issued, five of them, limits of 0", tower([0] * 5, True))
add("path: self-issued, no limits", tower([None, None], True))


def nested(upper, lower):
    """Purposes of the upper authority and of the one below it: each has to permit servers."""
    def build(plan, rng):
        plan.leaf.by = second(plan)
        plan.cas[0].exts["purpose"], plan.cas[1].exts["purpose"] = upper, lower
    return build


for title_, upper_, lower_ in (("for servers, for servers", purpose(SERVER_AUTH), purpose(SERVER_AUTH)), ("for servers, for clients", purpose(SERVER_AUTH), purpose(CLIENT_AUTH)),
                               ("for clients, for servers", purpose(CLIENT_AUTH), purpose(SERVER_AUTH)), ("for clients, for anything", purpose(CLIENT_AUTH), purpose(ANY_PURPOSE)),
                               ("for anything, for servers", purpose(ANY_PURPOSE), purpose(SERVER_AUTH)), ("for clients, without", purpose(CLIENT_AUTH), None),
                               ("without, for clients", None, purpose(CLIENT_AUTH)), ("for both, for servers", purpose(CLIENT_AUTH, SERVER_AUTH), purpose(SERVER_AUTH)),
                               ("for mail, for both", purpose("1.3.6.1.5.5.7.3.4"), purpose(CLIENT_AUTH, SERVER_AUTH))):
    add(f"path: purposes {title_}", nested(upper_, lower_))


@kind("path: below the root itself")
def direct(plan, rng):
    plan.cas = []
    plan.leaf.by = plan.root


@kind("path: a server's certificate as an authority")
def by_server(plan, rng):
    upper = server(plan.cas[-1], EC[8], "DNS:other.example")
    upper.subject = name("CN=other.example")
    plan.leaf.by = upper
    plan.cas.append(upper)


@kind("path: a CA's certificate as the server's")
def ca_as_server(plan, rng):
    plan.leaf.exts.update(basic=basic(), usage=usage(KU_SIGN | KU_CERT))


@kind("path: a CA's certificate as the server's, of its issuer's name")
def ca_as_self(plan, rng):
    ca_as_server(plan, rng)
    plan.leaf.subject = plan.leaf.by.subject


@kind("path: self-signed, unknown")
def self_unknown(plan, rng):
    plan.leaf.by, plan.sent = None, [plan.leaf]


@kind("path: self-signed, the anchor")
def self_anchor(plan, rng):
    self_unknown(plan, rng)
    plan.anchors = [plan.leaf]


@kind("path: self-signed, CA, the anchor")
def self_ca_anchor(plan, rng):
    self_anchor(plan, rng)
    plan.leaf.exts.update(basic=basic(), usage=None)


@kind("anchor: the server's certificate")
def leaf_anchor(plan, rng):
    plan.anchors = [plan.leaf]


@kind("anchor: the server's certificate, without a name")
def cn_anchor(plan, rng):
    plan.anchors = [plan.leaf]
    plan.leaf.exts["san"] = None


@kind("anchor: an authority")
def ca_anchor(plan, rng):
    plan.anchors = [rng.choice(plan.cas)]


@kind("anchor: an authority, and what is above it is sent")
def ca_anchor_sent(plan, rng):
    plan.anchors = [plan.cas[-1]]
    plan.send().append(plan.root)


@kind("anchor: another root")
def other_anchor(plan, rng):
    plan.anchors = [foreign()]


@kind("anchor: a root of the same name and another key")
def same_name(plan, rng):
    plan.anchors = [authority(plan.root.subject, OTHER, None)]


@kind("anchor: two roots of one name")
def two_roots(plan, rng):
    plan.anchors = rng.sample([authority(plan.root.subject, OTHER, None), plan.root], 2)


@kind("anchor: one of ten")
def ten_roots(plan, rng):
    plan.anchors = [authority(name(f"CN=Root {i}"), EC[i], None) for i in range(9)] + [plan.root]


@kind("anchor: expired, another valid")
def expired_beside(plan, rng):
    plan.root.kw["end"] = "20260301000000Z"
    plan.anchors = [plan.root, foreign()]


@kind("anchor: the root with another serial and dates")
def renewed(plan, rng):
    plan.anchors = [authority(plan.root.subject, plan.root.key, None, start="20240101000000Z")]
    plan.send().append(plan.root)


@kind("clock: 2025")
def early_clock(plan, rng):
    plan.time = 1750000000


@kind("clock: 2031")
def late_clock(plan, rng):
    plan.time = 1930000000


# ---- mutants of the DER ----

class Node:
    """An element of a certificate: tag, and content as octets or as elements. `around` is what an extension or a key has before them."""

    def __init__(self, path, tag, body, inside=None, before=b""):
        self.path, self.tag, self.body, self.inside, self.before = path, tag, body, inside, before

    def content(self, emit):
        return self.body if self.inside is None else self.before + b"".join(map(emit, self.inside))


TBS_PARTS = {0x02: "serial", 0xA0: "version", 0x81: "unique", 0x82: "unique", 0xA3: "extensions"}
TBS_SEQUENCES = ("algorithm", "issuer", "validity", "subject", "key")
EXTENSION_NAMES = {oid(text)[2:]: text_name for text_name, text in (
    ("san", SAN), ("basic", BASIC), ("usage", USAGE), ("purpose", PURPOSE), ("aki", AKI), ("ski", SKI), ("limits", NAME_CONSTRAINTS), ("policies", POLICIES),
    ("crls", CRL_EXT), ("services", AIA), ("unknown", UNKNOWN))}


def elements(data):
    """[(tag, content)] if the octets are elements one after the other, else []"""
    found, at = [], 0
    try:
        while at < len(data):
            tag, value, at = read_tlv(data, at)
            found.append((tag, value))
    except IndexError:
        return []
    return found if b"".join(tlv(*one) for one in found) == data else []


def nodes(path, tag, body, within=""):
    """A Node with all that is in it. within: the kind of what is around it."""
    node = Node(path, tag, body)
    inner = body
    if within == "tbs" and tag == 0x30 and path.endswith("/key"):
        within = "key"
    if tag == 3 and within == "key" and body[1:2] == b"\x30":
        node.before, inner = b"\0", body[1:]
    elif not tag & 0x20 and not (tag == 4 and within == "extension"):
        return node
    parts = elements(inner)
    if not parts:
        return node
    node.inside, sequences = [], iter(TBS_SEQUENCES)
    for tag_, value in parts:
        if path == "cert":
            node.inside.append(nodes(("tbs", "outer", "signature")[len(node.inside)], tag_, value, "cert"))
        elif path == "tbs":
            node.inside.append(nodes("tbs/" + (next(sequences) if tag_ == 0x30 else TBS_PARTS[tag_]), tag_, value, "tbs"))
        elif path == "tbs/extensions" and tag_ == 0x30 and within == "list":
            which = EXTENSION_NAMES.get(read_tlv(value, 0)[1], "other")
            node.inside.append(nodes("ext " + which, tag_, value, "extension"))
        else:
            deeper = path if path == "tbs/extensions" or path.endswith("+") or within in ("cert", "key") else path + "+"
            inside = "list" if path == "tbs/extensions" else "value" if tag == 4 else within
            node.inside.append(nodes(deeper, tag_, value, inside))
    return node


def walk(node):
    yield node
    for one in node.inside or ():
        yield from walk(one)


def flipped(body, at, bit):
    return body[:at] + bytes([body[at] ^ bit]) + body[at + 1:] if body else b"\x01"


CONTENTS = {  # what becomes of the content
    "first bit": lambda b, rng: flipped(b, 0, 0x80), "last bit": lambda b, rng: flipped(b, len(b) - 1, 1), "a bit": lambda b, rng: flipped(b, rng.randrange(max(1, len(b))), 1 << rng.randrange(8)),
    "emptied": lambda b, rng: b"", "zero before": lambda b, rng: b"\0" + b, "zero behind": lambda b, rng: b + b"\0", "FF before": lambda b, rng: b"\xff" + b, "first octet off": lambda b, rng: b[1:], "last octet off": lambda b, rng: b[:-1],
    "random": lambda b, rng: rng.randbytes(len(b)), "long": lambda b, rng: b + b"a" * 300}
TAGS = {"tag + 1": lambda t: (t & 0xE0) | ((t + 1) & 0x1F), "tag constructed": lambda t: t ^ 0x20, "tag of another class": lambda t: t ^ 0x80, "tag of several octets": lambda t: t | 0x1F, "tag UTF8String": lambda t: 0x0C, "tag INTEGER": lambda t: 2}
WHOLES = {  # what becomes of the element
    "length long": lambda t, b: bytes([t, 0x82]) + len(b).to_bytes(2, "big") + b, "length of 4 octets": lambda t, b: bytes([t, 0x84]) + len(b).to_bytes(4, "big") + b, "length + 1": lambda t, b: tlv(t, b + b"\0")[:-1], "length - 1": lambda t, b: tlv(t, b[:-1]) + b[-1:],
    "length indefinite": lambda t, b: bytes([t, 0x80]) + b + b"\0\0", "dropped": lambda t, b: b"", "doubled": lambda t, b: tlv(t, b) * 2, "nested": lambda t, b: tlv(t, tlv(t, b)), "NULL": lambda t, b: NULL, "NULL behind": lambda t, b: tlv(t, b) + NULL, "without its header": lambda t, b: b}
CHANGES = [*CONTENTS, *TAGS, *WHOLES, "exchanged"]


def mutated(der, chosen, what, rng):
    """The octets with a change of the element number `chosen`."""
    top = nodes("cert", *read_tlv(der, 0)[:2])
    target = list(walk(top))[chosen]

    def emit(node):
        if what == "exchanged" and node.inside and target in node.inside[:-1]:
            at = node.inside.index(target)
            node.inside[at:at + 2] = node.inside[at + 1], target
        body = node.content(emit)
        if node is not target or what == "exchanged":
            return tlv(node.tag, body)
        if what in CONTENTS:
            return tlv(node.tag, CONTENTS[what](body, rng))
        return tlv(TAGS[what](node.tag), body) if what in TAGS else WHOLES[what](node.tag, body)
    return emit(top), target.path


def rich(plan, rng):
    """Gives each certificate what real ones have, so that there is something to change."""
    plan.leaf.subject = name(*GERMAN)
    plan.leaf.exts["san"] = san("DNS:www.example.org", "IP:192.0.2.1", "DNS:" + HOST, "email:a@example.org")
    for part in plan.path():
        part.more += [ext(POLICIES, policy), ext(CRL_EXT, crl_value), ext(AIA, aia_value), ext(UNKNOWN, b"ab")]
    if rng.random() < 0.4:
        plan.cas[-1].more.append(limits(["DNS:example.org", directory("C=DE")], ["IP:198.51.100.0/24", "DNS:bad.example.org"]))
        plan.kinds.append("ca: limits, as of the mutants")
    if rng.random() < 0.3:
        plan.cas[0].key = RSA_KEYS[2048][0]
    if rng.random() < 0.2:
        plan.leaf.key = RSA_KEYS[2048][1]


def mutant_of(seed):
    """A Plan with one element of one certificate changed. Mostly the signature is made anew, so that the change itself is judged."""
    rng = random.Random(f"mutant {seed}")
    plan = right(rng, rng.choice((1, 1, 2)))
    rich(plan, rng)
    where = rng.choice(("leaf",) * 5 + ("ca",) * 4 + ("root",))
    part, what, anew = PLACES[where](plan, rng), rng.choice(CHANGES), rng.random() < 0.8
    made = part.make()
    chosen = rng.randrange(len(list(walk(nodes("cert", *read_tlv(made.der, 0)[:2])))))
    made.der, path = mutated(made.der, chosen, what, rng)
    plan.kinds += [f"{where}: {'' if anew else 'unsigned '}der {path}, {what}"]
    if anew and (path.startswith(("tbs", "ext"))):
        tbs = made.der[len(made.der) - len(read_tlv(made.der, 0)[1]):]
        at = 0
        if tbs[:1] == b"\x30" and what not in ("length + 1", "length - 1", "length indefinite"):
            at = read_tlv(tbs, 0)[2]
        key = part.signer_key()
        made.der = seq(tbs[:at], key.algorithms[made.hash], bits(key.sign(tbs[:at], made.hash))) if at else made.der
    return plan


def case_of(seed, kinds=None):
    """A Plan for a seed: with these kinds, or with one to three at random."""
    rng = random.Random(seed)
    plan = right(rng)
    chosen = list(kinds) if kinds is not None else rng.sample(sorted(KINDS), rng.choice((1, 2, 2, 3)))
    for one in chosen:
        if ("ca: " in one or "sibling" in one or "anchor: an auth" in one) and not plan.cas:
            continue
        KINDS[one](plan, rng)
        plan.kinds.append(one)
    return plan
