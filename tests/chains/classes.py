# SPDX-License-Identifier: MIT
"""The classes of differences between popcl and the other judges of run.py. A difference that is in no class is a failure.

A class has a direction: popcl takes the chain and a judge refuses it ("+"), or popcl refuses it and a judge takes it ("-"). It names the judges,
the kinds of chains.py (or titles of table.py) that cause the difference, for "-" the errors of popcl, and the reason. A chain of several kinds
is in a class if one of its kinds is. No class with "+" has all four judges: none excuses a chain that popcl alone takes.
"""
import fnmatch
import functools

ALL = "bearssl openssl gnutls go"
CLASSES = []


class Class:
    def __init__(self, takes, name, judges, kinds, reason, errors="", alone=True):
        """alone: every run must see this class. kinds: lines of patterns; `*` is any text, [x] are the letters themselves"""
        self.id, self.takes, self.judges, self.reason, self.alone = name, takes, judges.split(), reason, alone
        self.kinds = [line.strip() for line in kinds.split("\n") if line.strip()]
        self.errors = errors.split()
        assert takes == "-" or len(self.judges) < 4, name
        assert name not in [other.id for other in CLASSES], name
        CLASSES.append(self)


@functools.lru_cache(maxsize=None)
def matches(kind, pattern):
    return fnmatch.fnmatchcase(kind, pattern.replace("[", "[[]"))


def find(kinds, popcl, judge):
    """The id of the class of a difference, or None. Where other certificates come first, the error may be about one of them."""
    direction = "+" if popcl == "OK" else "-"
    is_sure = not any(kind.startswith(("sibling first: ", "sent: ")) for kind in kinds)
    for any_error in (False,) if is_sure or direction == "+" else (False, True):
        for one in CLASSES:
            if one.takes == direction and judge in one.judges and (any_error or not one.errors or popcl in one.errors) and \
                    any(matches(kind, pattern) for kind in kinds for pattern in one.kinds):
                return one.id
    return None


def places(where, kinds):
    """The kinds, separated by semicolons, at each of the places."""
    return "\n".join(f"{place}: {kind.strip()}" for place in where.split() for kind in kinds.split(";"))


# ---- popcl takes the chain ----

Class("+", "BearSSL knows no constraints on names", "bearssl", "ca: limits*\ntable: constraints*",
      "br_x509_minimal refuses each critical nameConstraints; popcl judges them (RFC 5280, 4.2.1.10).")
Class("+", "BearSSL refuses what it does not know, if it is critical", "bearssl", places("ca leaf", "purpose *, critical; policies with *qualifier, critical") + """
      table: a critical purpose, serverAuth*
      table: policies with a qualifier, critical""", "RFC 5280, 4.2.1.12 lets extKeyUsage be critical; no policy is asked for, so qualifiers decide nothing.")
Class("+", "BearSSL compares no addresses", "bearssl", "host: a*address*\ntable: *address*\ntable: the common name is*\ntable: constraints, *:*\ntable: constraints, *.*",
      "br_x509_minimal has no iPAddress; popcl compares its octets (RFC 9525, 6.5).")
Class("+", "BearSSL wants the chain in order", "bearssl", """sent: *
      sibling first: *
      anchor: *is sent
      path: *authorities
      table: *between them*
      table: the leaf twice*
      table: any order*
      table: *before the right one*""", "popcl passes over certificates that are not the issuer's; servers send such, and the signature decides.")
Class("+", "BearSSL counts self-issued certificates", "bearssl gnutls go", "path: self-issued*\ntable: an issuer's certificate for itself does not count",
      "RFC 5280, 6.1.4 (l): a self-issued certificate does not count in the length of a path.")
Class("+", "a dot at the end of the host", "bearssl openssl gnutls", "host: with a dot at its end\ntable: a trailing dot of the host",
      "It marks a name as absolute in the DNS. popcl takes it off the name that it asks for; Go does so too.")
Class("+", "a wildcard of two labels", "openssl gnutls", "host: one label below a wildcard of two\ntable: a wildcard over a single label*",
      "popcl has no list of public suffixes (docs/SECURITY.md). Authorities must not issue such names.")
Class("+", "a wildcard over a label with an underscore", "openssl", "host: with an underscore, a wildcard\ntable: a wildcard over a label with an underscore",
      "The DNS allows it, and the certificate's own name has no underscore.")
Class("+", "the last second", "openssl", """*: valid to this second
      *: valid to 9999
      table: the last second*
      table: for ever""", "notAfter is the last moment at which a certificate is valid (RFC 5280, 4.1.2.5); OpenSSL refuses it.")
Class("+", "key identifiers are not compared", "openssl gnutls", places("ca leaf root", "aki *; ski *; aki, *; der ext aki*; der ext ski*; unsigned der ext ski*; unsigned der ext aki*") + """
      table: *authorityKeyIdentifier*
      table: key identifiers*""", "They help to find an issuer (RFC 5280, 4.2.1.1). The name and the signature decide.")
Class("+", "key identifiers that are malformed", "go", places("root", "aki *; ski *; der ext aki*; der ext ski*; unsigned der ext*"),
      "An anchor is a name and a key; other parts of its certificate that are malformed do not matter.")
Class("+", "the content of a key identifier", "go", places("ca leaf", "der ext aki*; der ext ski*"), "popcl uses no key identifier: an AKI's elements are checked for their order alone.", alone=False)
Class("+", "the text of names", "openssl gnutls go", places("ca leaf root", "subject *; der tbs/subject*; der tbs/issuer*; unsigned der tbs/issuer*"),
      "popcl compares names as octets, and never reads their text, except the common name of a server's own certificate.")
Class("+", "the text of names, BearSSL", "bearssl", places("ca leaf root", "subject *; der tbs/subject*"), "br_x509_minimal reads attributes of the subject; popcl walks over them.")
Class("+", "an object identifier is not read", "openssl gnutls go", "*OID*", "popcl compares the octets of an OID with those that it knows. A malformed one is unknown (docs/SECURITY.md).")
Class("+", "unknown extensions twice, not next to each other", "gnutls go", "*: unknown extensions, the second of three twice",
      "Of unknown extensions the first and the newest are remembered; popcl uses none of them.")
Class("+", "extensions that popcl does not use", "openssl go gnutls", places("ca leaf root", """policies *; places of *; names of the issuer*; der ext policies*; der ext crls*; der ext services*; der ext unknown*
      list of SCTs*; directory attributes; period of the private key; no check by OCSP""".replace("\n", ";")), "Policies, CRLs and services are not used: their DER is checked, not their meaning.")
Class("+", "types of Netscape", "openssl", "*: Netscape's type*", "OpenSSL still knows nsCertType; nobody issues it.")
Class("+", "stapling is demanded", "gnutls", "*: stapling is demanded", "GnuTLS compares the feature of an issuer (RFC 7633, 4.2.2). popcl has no stapling, and RFC 7633 demands it of servers that were asked.")
Class("+", "a purpose of an authority: any", "openssl gnutls", """*: purpose any*
      *: purposes serverAuth and any
      path: purposes for anything, for servers
      *: purpose with a*
      table: an intermediate for anything
      table: *an issuer for clients*
      sibling first: for clients""", "anyExtendedKeyUsage includes serverAuth (RFC 5280, 4.2.1.12); an issuer that comes later may be the right one.")
Class("+", "a sibling that is wrong comes first", "openssl gnutls", """sibling first: *
      table: *before the right one*
      table: any order, an issuer also below*
      table: any order, a cycle, and a way out of it*
      table: any order, the 29th of issuers of one name
      sent: *nobody, first
      sent: 20 foreign*
      sent: cross-signed*""", "OpenSSL and GnuTLS take the first certificate of the name, and GnuTLS takes 16 in all. popcl looks at the next one, and its signature must be right.")
Class("+", "a sibling that is wrong comes first, Go", "go", "sibling first: signed wrongly\nsibling first: damaged", "As above.", alone=False)
Class("+", "names of authorities", "openssl gnutls", "ca: limits that the next*\nca: limits, *subject*\nca: limits, what authorities write\nca: limits, any host\n*: a subjectAltName*",
      "popcl judges the server's certificate by constraints. Names of authorities, and mail in a subject, name no server.")
Class("+", "constraints on directory names", "go", "ca: limits*\nca: der ext limits*\ntable: constraints*", "Go knows constraints on hosts, addresses, mail and URIs alone, and refuses others that are critical.")
Class("+", "constraints, other forms", "gnutls", "ca: limits, an x400*\nca: limits, *subject*\ntable: constraints*", "GnuTLS refuses an x400Address and an excluded directoryName without a subject.")
Class("+", "mutants of extensions that become unknown ones", "openssl gnutls go", places("ca leaf", "der ext *; der tbs/extensions*"),
      "An extension with a changed OID is an unknown one. Its content, and the form of its OID, are not read.", alone=False)
Class("+", "mutants anywhere", "openssl gnutls go", places("ca leaf", "der tbs, *; der cert, *; unsigned der cert, *"),
      "A changed bit can be in any part that the classes above name: a point, a name, an OID.", alone=False)
Class("+", "mutants of constraints", "bearssl openssl gnutls", "ca: der ext limits*", "A mutant may be a right constraint that does not concern the host.", alone=False)
Class("+", "names beside the host", "go gnutls openssl", places("leaf", "san *beside; san above 127; san 400 names; der ext san*"), "popcl compares a dNSName as octets; names of other kinds are not read.")
Class("+", "ECDSA's signature is BER", "openssl go gnutls", places("ca leaf", "signature with a long length; signature with zeros before r; signature without the sign's octet; der signature*; unsigned der signature*"),
      "BearSSL reads r and s without DER's rules. Whoever can change the form has a right signature, and a certificate's octets are no identity.")
Class("+", "a point beside the curve", "openssl go", places("leaf", "key, point *; der tbs/key*"), "The key's form is checked. A point beside the curve fails in the handshake: nobody has its secret.")
Class("+", "what RSA signs lacks NULL", "openssl gnutls go", places("ca leaf", "RSA block without NULL; RSA algorithm without NULL*") + "\ntable: *without NULL*",
      "RFC 8017, 9.2 lets verifiers take both. The octets are compared with two constants.")
Class("+", "unique identifiers", "openssl", "*: a unique identifier with unused bits", "Nobody uses them; their BIT STRING is passed over.")
Class("+", "a server's own certificate by its common name", "openssl gnutls go", "table: own, *\nanchor: the server's certificate*", "The caller gave this very certificate (docs/SECURITY.md, own_certs).")
Class("+", "the anchor's certificate", "openssl gnutls go", places("root", """key usage *; usage *; path length *; version *; serial *; algorithm *; signed by *; a bit of *; basicConstraints *; purpose*; key*
      an extension *; an unknown *; unknown extensions*; a subjectAltName*; der *; unsigned der *; unique *; extensions *; expired; cA *""".replace("\n", ";")) + """
      anchor: *
      path: self-signed*
      sent: the root*""", "An anchor is a name and a key (RFC 5280, 6.1.1, d). Its signature, version and other parts do not matter; the loader leaves out limited ones.")

Class("+", "all hosts are excluded, and there is none", "gnutls", "ca: limits, all hosts excluded", "The certificate has an address alone, which the list does not name.", alone=False)
Class("+", "several anchors of one name", "openssl", "table: a limited root, *", "OpenSSL takes the first anchor of a name and key; popcl tries each, and each vouches alone.")

# ---- popcl refuses the chain ----

STRICT = "CERT_MALFORMED"
Class("-", "mutants of the DER", ALL, "*der *", "DER in one form alone, and each MUST of RFC 5280 that can be seen in one place. No authority makes such certificates.", alone=False)
Class("-", "DER in one form", ALL, places("ca leaf", """RSA algorithm *; algorithm *; aki *; ski *; an extension *; an unknown extension twice; an unknown extension, critical FALSE; basicConstraints *; cA *; path length *; a path length without cA
      serial *; usage *; purpose*; policies *; one policy twice; places of *; names of the issuer, malformed; subject *; three dates; version *; extensions *; key, *; key usage twice; san *; a subjectAltName, malformed
      directory attributes, critical; freshest CRL, critical; places of the subject's services, critical; UTCTime, *; GeneralizedTime, *; limits, *; an unknown extension, critical *; signature *""".replace("\n", ";")),
      "DER has one form for a value, and RFC 5280 forbids the rest (docs/SECURITY.md, MALFORMED). Some judges pass over it.", STRICT)
Class("-", "extensions that demand what popcl has not", ALL, places("ca leaf", "Netscape's type, critical; names of the issuer, critical; places of CRLs, critical; policy mappings, critical; stapling is demanded, critical; an unknown *"),
      "A critical extension that popcl does not act on refuses (RFC 5280, 4.2).", "CERT_EXTENSION")
Class("-", "policies that are demanded", ALL, places("ca leaf", "inhibitAnyPolicy, critical; policy constraints*"), "popcl follows no policies; a critical demand refuses.", "CERT_CONSTRAINTS")
Class("-", "constraints in a server's certificate", ALL, "leaf: limits*", "RFC 5280, 4.2.1.10 allows them in an authority's certificate alone.", "CERT_CONSTRAINTS")
Class("-", "constraints on names that popcl does not keep", ALL, """ca: limits, mail inside
      ca: limits, a URI*
      ca: limits, a directory name*
      ca: limits, an otherName
      ca: limits, more names than are kept
      ca: limits, 400 bases and 300 names
      ca: limits, *subject*
      ca: limits that the next*
      ca: limits, a registeredID""", "A device keeps the hosts, addresses and the subject of the server's certificate as far as there is room. What it cannot judge refuses.", "CERT_CONSTRAINTS")
Class("-", "constraints that some judges pass over", ALL, """ca: limits, *not critical
      ca: limits, the other kind of address
      ca: limits, an address mapped into IPv6
      ca: limits, a dot alone*
      ca: limits, a wildcard, its host excluded
      ca: limits, the host excluded, a dot before it
      ca: limits, mail outside, in the subject""", "In doubt a name is excluded. Constraints hold whether they are critical or not.", "CERT_CONSTRAINTS")
Class("-", "names of issuers are compared as octets", ALL, places("ca leaf", "issuer *"), "Authorities copy their name; RFC 5280, 7.1 allows to compare the letters.")
Class("-", "what a search for a path is bounded by", ALL, """ca: an extension of 70,000 octets
      ca: subject of 70,000 letters
      path: *authorities""", "The profile host keeps 32 KB of certificates, tries 64 paths, and takes up to 10 certificates in one.", alone=False)
Class("-", "a server's certificate without an end", ALL, "leaf: an extension of 70,000 octets\nleaf: subject of 70,000 letters", "The profile host keeps 32 KB of certificates.", "CERT_TOO_LARGE", alone=False)
Class("-", "limits of an anchor", "bearssl", "root: limits*", "br_x509_minimal's anchors have no limits; popcl's carry a root's permitted hosts.", "CERT_CONSTRAINTS")
Class("-", "a limited anchor and an address", "openssl gnutls go", "root: limits*", "An anchor that is limited to hosts vouches for no address (docs/SECURITY.md).", "CERT_CONSTRAINTS", alone=False)
Class("-", "weak keys and signatures", ALL, places("ca leaf", "key RSA 1024; key, *; signed by *"), "RSA below 2048 bits, even numbers, exponents below 3, SHA-224 (docs/SECURITY.md).", "CERT_WEAK")
Class("-", "keys that popcl does not have", ALL, places("ca leaf", "key *; key, *"), "RSA above 4096 bits or not of whole octets, large exponents, other curves and forms of points, Ed25519, DSA.", "CERT_UNSUPPORTED CERT_SIGNATURE")
Class("-", "key usage of servers and authorities", ALL, places("ca leaf", "usage *; key usage *"), "A server signs its handshake (digitalSignature), and only an authority signs certificates.", "CERT_USAGE")
Class("-", "purposes", ALL, places("ca leaf", "purpose*") + "\npath: purposes *", "serverAuth itself must be there; the purposes of Netscape and Microsoft do not count. Some judges do not look at an authority's.", "CERT_USAGE")
Class("-", "an authority's certificate as a server's", ALL, places("leaf", "basicConstraints *; path length *; cA *") + "\npath: a CA's certificate as*\npath: self-signed, CA*", "CA/Browser Forum, 7.1.2.7: a server's certificate is no authority's.",
      "CERT_USAGE CERT_UNTRUSTED CERT_NOT_CA")
Class("-", "no name", ALL, places("leaf", "san *; version *; extensions *"), "A common name is not looked at (RFC 9525, 6.3), nor is a name of another kind.", "CERT_NO_SAN CERT_NAME")
Class("-", "hosts that resemble addresses, and underscores", ALL, "host: *", "A text that old resolvers read as an address matches nothing, and an underscore is no part of a dNSName.", "CERT_NAME")
Class("-", "roots that the loader leaves out", ALL, "root: *\nanchor: expired*\ntable: *", "The loader takes no anchor whose limits would be lost, and none that is expired, weak, malformed or for other purposes.", "NO_TRUST CERT_UNTRUSTED")
Class("-", "roots that cannot be read, and are asked for all the same", ALL, "root: *", "What is left of the anchor's certificate does not fit the chain.", "CERT_NOT_CA CERT_ORDER CERT_SIGNATURE CERT_UNSUPPORTED CERT_MALFORMED CLOCK_NOT_SET", alone=False)
Class("-", "certificates that the loader leaves out", ALL, "anchor: *\npath: self-signed*", "As for roots: the anchor is an authority or the server's own certificate, and another kind has made it unusable.", "NO_TRUST CERT_UNTRUSTED CERT_NOT_CA", alone=False)
Class("-", "the clock", ALL, "clock: *\nroot: not valid yet\nroot: valid from*\ntable: *J1*", "popcl takes a clock before 2026, or before the newest anchor, for one that is not set.", "CLOCK_NOT_SET", alone=False)
Class("-", "rows of table.py", ALL, "table: *", "The row states the verdict, and its title the reason.")
