# SPDX-License-Identifier: MIT
"""Makes certificates octet by octet, right ones and wrong ones: a small DER writer, ECDSA and RSA signatures, and a certificate whose every part
can be replaced. Python's standard library alone; RSA keys come from the openssl command. Nothing here is for use: the arithmetic takes
no care of secrets.
"""
import base64
import hashlib
import secrets
import subprocess

# ---- DER ----


def tlv(tag, *parts):
    body = b"".join(parts)
    n = len(body)
    if n < 0x80:
        return bytes([tag, n]) + body
    size = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + body


def seq(*parts):
    return tlv(0x30, *parts)


def set_of(*parts):
    return tlv(0x31, *parts)


def integer(n):
    return tlv(2, n.to_bytes(n.bit_length() // 8 + 1, "big", signed=True))


def boolean(value):
    return tlv(1, b"\xff" if value else b"\x00")


def octets(*parts):
    return tlv(4, *parts)


def bits(body, unused=0):
    return tlv(3, bytes([unused]), body)


def oid(text):
    first, second, *rest = map(int, text.split("."))
    body = b""
    for n in [first * 40 + second] + rest:
        group = [n & 0x7F]
        while n > 0x7F:
            n >>= 7
            group.insert(0, 0x80 | (n & 0x7F))
        body += bytes(group)
    return tlv(6, body)


NULL = b"\x05\x00"


def name(*parts, kind=12):
    """name("CN=a", "O=b"): each part an RDN of its own."""
    types = {"OU": "2.5.4.11", "CN": "2.5.4.3", "O": "2.5.4.10", "C": "2.5.4.6"}
    return seq(*[set_of(seq(oid(types[k]), tlv(kind, v.encode()))) for k, v in (part.split("=", 1) for part in parts)])


def utc(text):
    """A Time as RFC 5280 wants it, from 20260101000000Z."""
    return tlv(0x17, text[2:].encode()) if text < "2050" else tlv(0x18, text.encode())


# ---- keys ----


class Curve:
    def __init__(self, oid_text, p, b, gx, gy, n, hash_name):
        self.oid, self.p, self.b, self.g, self.n = oid(oid_text), p, b, (gx, gy), n
        self.octets, self.hash, self.nonces = (p.bit_length() + 7) // 8, hash_name, []

    def add(self, s, t):
        if s is None or t is None:
            return t if s is None else s
        if s[0] == t[0]:
            if (s[1] + t[1]) % self.p == 0:
                return None
            slope = (3 * s[0] * s[0] - 3) * pow(2 * s[1], -1, self.p)
        else:
            slope = (t[1] - s[1]) * pow(t[0] - s[0], -1, self.p)
        x = (slope * slope - s[0] - t[0]) % self.p
        return x, (slope * (s[0] - x) - s[1]) % self.p

    def multiply(self, k):
        result, step = None, self.g
        while k:
            if k & 1:
                result = self.add(result, step)
            step = self.add(step, step)
            k >>= 1
        return result

    def nonce(self):
        """(r, 1 / k) for a signature. There are few of them, since each takes milliseconds: nothing that is signed here is to be kept safe."""
        if len(self.nonces) < 8:
            k = secrets.randbelow(self.n - 1) + 1
            self.nonces.append((self.multiply(k)[0] % self.n, pow(k, -1, self.n)))
            return self.nonces[-1]
        return secrets.choice(self.nonces)


P256 = Curve("1.2.840.10045.3.1.7", 2**256 - 2**224 + 2**192 + 2**96 - 1,
             0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
             0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
             0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
             0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551, "sha256")
P384 = Curve("1.3.132.0.34", 2**384 - 2**128 - 2**96 + 2**32 - 1,
             0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
             0xAA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7,
             0x3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F,
             0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973, "sha384")
P521 = Curve("1.3.132.0.35", 2**521 - 1,
             0x51953EB9618E1C9A1F929A21A0B68540EEA2DA725B99B315F3B8B489918EF109E156193951EC7E937B1652C0BD3BB1BF073573DF883D2C34F1EF451FD46B503F00,
             0xC6858E06B70404E9CD9E3ECB662395B4429C648139053FB521F828AF606B4D3DBAA14B5E77EFE75928FE1DC127A2FFA8DE3348B3C1856A429BF97E7E31C2E5BD66,
             0x11839296A789A3BC0045C8A5FB42C7D1BD998F54449579B446817AFBD17273E662C97EE72995EF42640C550B9013FAD0761353C7086A272C24088BE94769FD16650,
             2**521 - 0x5AE79787C40D069948033FEB708F65A2FC44A36477663B851449048E16EC79BF7, "sha512")

ECDSA = {h: seq(oid("1.2.840.10045.4.3.%d" % n)) for h, n in (("sha224", 1), ("sha256", 2), ("sha384", 3), ("sha512", 4))}
ECDSA["sha1"] = seq(oid("1.2.840.10045.4.1"))
RSA = {h: seq(oid("1.2.840.113549.1.1.%d" % n), NULL)
       for h, n in (("md5", 4), ("sha1", 5), ("sha256", 11), ("sha384", 12), ("sha512", 13), ("sha224", 14))}
RSA_KEY = seq(oid("1.2.840.113549.1.1.1"), NULL)
EC_KEY = oid("1.2.840.10045.2.1")
HASH_OIDS = {"md5": "1.2.840.113549.2.5", "sha1": "1.3.14.3.2.26", "sha224": "2.16.840.1.101.3.4.2.4", "sha256": "2.16.840.1.101.3.4.2.1",
             "sha384": "2.16.840.1.101.3.4.2.2", "sha512": "2.16.840.1.101.3.4.2.3"}


class EcKey:
    algorithms = ECDSA

    def __init__(self, curve=P256):
        self.curve, self.hash = curve, curve.hash
        self.secret = secrets.randbelow(curve.n - 1) + 1
        x, y = curve.multiply(self.secret)
        size = curve.octets
        self.point = b"\x04" + x.to_bytes(size, "big") + y.to_bytes(size, "big")
        self.spki = seq(seq(EC_KEY, curve.oid), bits(self.point))

    def sign(self, message, hash_name):
        n = self.curve.n
        digest = hashlib.new(hash_name, message).digest()
        e = int.from_bytes(digest, "big") >> max(0, len(digest) * 8 - n.bit_length())
        r, inverse = self.curve.nonce()
        return seq(integer(r), integer(inverse * (e + r * self.secret) % n))


def read_tlv(data, at):
    """(tag, value, where the next begins)"""
    tag, n, at = data[at], data[at + 1], at + 2
    if n & 0x80:
        size = n & 0x7F
        n, at = int.from_bytes(data[at:at + size], "big"), at + size
    return tag, data[at:at + n], at + n


def read_all(data):
    """The values that stand behind each other."""
    values, at = [], 0
    while at < len(data):
        _, value, at = read_tlv(data, at)
        values.append(value)
    return values


class RsaKey:
    algorithms, hash = RSA, "sha256"

    def __init__(self, size=2048, exponent=65537):
        pem = subprocess.run(["openssl", "genrsa", str(size)], capture_output=True, text=True, check=True).stdout
        parts = read_all(read_tlv(from_pem(pem), 0)[1])
        if "RSA" not in pem.splitlines()[0]:  # PKCS #8 (RFC 5208): version, algorithm, and the key as an OCTET STRING
            parts = read_all(read_tlv(parts[2], 0)[1])
        numbers = [int.from_bytes(value, "big") for value in parts]
        _, self.n, self.e, self.d, self.p, self.q = numbers[:6]
        if exponent != self.e:
            self.e, self.d = exponent, pow(exponent, -1, (self.p - 1) * (self.q - 1))
        self.spki = rsa_spki(self.n, self.e)

    def sign(self, message, hash_name, parameters=NULL):
        size = (self.n.bit_length() + 7) // 8
        info = seq(seq(oid(HASH_OIDS[hash_name]), parameters), octets(hashlib.new(hash_name, message).digest()))
        return self.sign_padded(b"\x00\x01" + b"\xff" * (size - len(info) - 3) + b"\x00" + info)

    def sign_padded(self, padded):
        value, p, q = int.from_bytes(padded, "big"), self.p, self.q
        by_q = pow(value, self.d % (q - 1), q)
        by_p = pow(value, self.d % (p - 1), p)  # RFC 8017, 5.1.2: in a fourth of the time
        return (by_q + q * ((by_p - by_q) * pow(q, -1, p) % p)).to_bytes(len(padded), "big")


def rsa_spki(n, e):
    return seq(RSA_KEY, bits(seq(integer(n), integer(e))))


def from_pem(text):
    return base64.b64decode("".join(line for line in text.splitlines() if line and "-----" not in line))


def to_pem(der):
    text = base64.b64encode(der).decode()
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])


def pin(key):
    return "sha256:" + hashlib.sha256(key.spki).hexdigest()


# ---- extensions ----

KU_SIGN, KU_ENCIPHER, KU_CERT, KU_CRL = 0x80, 0x20, 0x04, 0x02
SERVER_AUTH, CLIENT_AUTH, ANY_PURPOSE = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "2.5.29.37.0"
SAN, BASIC, USAGE, PURPOSE, AKI, SKI = "2.5.29.17", "2.5.29.19", "2.5.29.15", "2.5.29.37", "2.5.29.35", "2.5.29.14"
NAME_CONSTRAINTS, POLICY_CONSTRAINTS, INHIBIT_ANY, POLICIES = "2.5.29.30", "2.5.29.36", "2.5.29.54", "2.5.29.32"


def ext(which, value, critical=False):
    """An Extension; critical may be True, False (not sent), or the octets that are to stand there."""
    flag = critical if isinstance(critical, bytes) else boolean(True) if critical else b""
    return seq(oid(which), flag, octets(value))


def general(text):
    kind, value = text.split(":", 1)
    if kind == "DNS":
        return tlv(0x82, value.encode("latin-1"))
    if kind == "IP":
        import ipaddress
        return tlv(0x87, ipaddress.ip_address(value).packed)
    return tlv({"email": 0x81, "URI": 0x86}[kind], value.encode("latin-1"))


def san(*names, critical=False):
    """Names as text (DNS:a, IP:1.2.3.4) or as DER."""
    return ext(SAN, seq(*[general(n) if isinstance(n, str) else n for n in names]), critical)


def basic(ca=True, path_len=None, critical=True):
    return ext(BASIC, seq(boolean(True) if ca else b"", b"" if path_len is None else integer(path_len)), critical)


def usage(value, critical=True):
    unused = 0
    while value and not value >> unused & 1:
        unused += 1
    return ext(USAGE, bits(bytes([value]), unused), critical)


def purpose(*which, critical=False):
    return ext(PURPOSE, seq(*map(oid, which)), critical)


def key_id(spki):
    return hashlib.sha1(spki).digest()


def aki(spki):
    return ext(AKI, seq(tlv(0x80, key_id(spki))))


def ski(spki):
    return ext(SKI, octets(key_id(spki)))


# ---- certificates ----

_serial = iter(range(0x1000, 0x100000))


class Cert:
    """A certificate. Every argument replaces a part; octets stand as they are.

    key: of its holder. signer: the Cert of its issuer, or None: itself. hash: of the signature. Lists of extensions: exts, in order."""

    def __init__(self, subject, key, signer=None, exts=(), *, issuer=None, version=2, serial=None, start="20260101000000Z", end="20270101000000Z",
                 validity=None, spki=None, hash=None, inner=None, outer=None, unique=b"", extensions=None, signature=None, change=None, tail=b""):
        self.key, self.subject = key, subject
        by = signer.key if signer else key
        self.hash = hash = hash or by.hash
        algorithm = by.algorithms[hash]
        self.issuer = issuer if issuer is not None else signer.subject if signer else subject
        if extensions is None:
            extensions = tlv(0xA3, seq(*exts)) if exts else b""
        self.tbs = seq(b"" if version is None else tlv(0xA0, integer(version)), integer(next(_serial)) if serial is None else serial,
                       inner or algorithm, self.issuer, validity or seq(utc(start), utc(end)), subject, spki or key.spki, unique, extensions)
        self.der = seq(self.tbs, outer or algorithm, bits(by.sign(self.tbs, hash) if signature is None else signature)) + tail
        if change:
            self.der = change(self.der)
