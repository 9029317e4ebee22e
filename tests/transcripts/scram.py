# SPDX-License-Identifier: MIT
"""Writes tests/transcripts/scram.txt: logins with SCRAM, whose proofs are computed here by hashlib and hmac, and not by popcl.

The client's nonce is made of the seed of tests/sim/tls_client.c. A transcript gives the same seed to each session.
Run it from the top of the repository: python3 tests/transcripts/scram.py > tests/transcripts/scram.txt
"""
import base64
import hashlib
import hmac
import re

SEED = re.search(r"tls_seed = \{\{(.*?)\}\}", open("tests/sim/tls_client.c", encoding="utf-8").read(), re.S).group(1)
SEED = bytes(int(octet, 16) for octet in SEED.replace("\n", " ").split(","))
NONCE = base64.b64encode(hashlib.sha256(b"popcl SCRAM nonce\0" + SEED.ljust(32, b"\0")).digest()[:18]).decode()
SERVER = "3rfcNHYJY1ZVvWVs7j"
SALT = base64.b64encode(b"\x41\x25\xc2\x47\xe4\x3a\xb1\xe9\x3c\x6d\xff\x76").decode()


def b64(text):
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


class Login:
    """A login as the RFC has it; the fields may be changed before it is printed."""

    def __init__(self, hash_name="sha256", user="fred", password="secret", flag="n", count=4096, salt=SALT, extensions=""):
        self.mechanism = {"sha256": "SCRAM-SHA-256", "sha1": "SCRAM-SHA-1"}[hash_name]
        self.bare = f"n={user},r={NONCE}"
        self.first = f"{flag},,{self.bare}"
        self.challenge = f"r={NONCE}{SERVER},s={salt},i={count}{extensions}"
        without = f"c={b64(flag + ',,')},r={NONCE}{SERVER}"
        text = f"{self.bare},{self.challenge},{without}".encode()

        def sign(key, what):
            return hmac.new(key, what, hash_name).digest()

        salted = hashlib.pbkdf2_hmac(hash_name, password.encode(), base64.b64decode(salt), count)
        key = sign(salted, b"Client Key")
        proof = bytes(a ^ b for a, b in zip(key, sign(hashlib.new(hash_name, key).digest(), text)))
        self.last = f"{without},p={b64(proof)}"
        self.server_proof = b64(sign(sign(salted, b"Server Key"), text))


def case(name, *lines, comment=""):
    print()
    print(f"# {name}")
    if comment:
        print(f"## {comment}")
    for line in lines:
        print(line)


STAT = ["C: STAT", "S: +OK 0 0", "C: QUIT", "S: +OK", "> result OK"]
CANCEL = ["C: *", "S: -ERR cancelled", "C: QUIT", "S: +OK"]


def begin(login, challenge=None):
    return ["S: +OK", f"C: AUTH {login.mechanism} {b64(login.first)}", f"S: + {b64(login.challenge if challenge is None else challenge)}"]


def proof(login):
    return begin(login) + [f"C: {b64(login.last)}"]


# A computed key takes time, and there are hundreds of runs of a case: what TLS has no part in is run in clear text alone.
ONCE = ["auth scram-sha-256", "clear"]


def good(login):
    return proof(login) + [f"S: + {b64('v=' + login.server_proof)}", "C: ", "S: +OK"] + STAT


def refused(name, challenge, result, login=None, more=()):
    login = login or Login()
    case(name, "auth scram-sha-256", *more, *begin(login, challenge), *CANCEL, f"> result {result}", "? mechanism scram-sha-256")


def main():
    print("## SCRAM (RFC 5802, RFC 7677). tests/transcripts/scram.py writes this file: its proofs come from Python's hashlib.")
    sha1, sha256 = Login("sha1"), Login()
    case("scram-sha-256-logs-in [R80 R82 R83]", "auth scram-sha-256", *good(sha256), "? mechanism scram-sha-256", "? skipped none OK")
    case("scram-sha-1-logs-in [R80 R82 R83]", "auth scram-sha-1", *good(sha1), "? mechanism scram-sha-1")
    odd = Login(user="a=2Cb=3Dc d")
    case("scram-name-with-comma-and-equals-sign [R84]", *ONCE, "user a,b=c d", *good(odd))
    letters = Login(user="J\u00f6rg", password="\u03bb\u0416\u017e\u00e9")
    case("scram-letters-that-saslprep-keeps", *ONCE, r"user J\xc3\xb6rg", r"pass \xce\xbb\xd0\x96\xc5\xbe\xc3\xa9", *good(letters))
    case("scram-secret-comes-in-pieces", "auth scram-sha-256", r"pass \xce\xbb\xd0\x96\xc5\xbe\xc3\xa9", "secret_get 1", "secret_again 2",
         *good(Login(password="\u03bb\u0416\u017e\u00e9")))
    case("scram-long-password", "auth scram-sha-1", "clear", "pass* 13 abcdef", *good(Login("sha1", password="abcdef" * 13)),
         comment="A password of more than 64 octets is hashed first (RFC 2104, 2).")
    case("scram-more-attributes-are-passed-over", *ONCE, *good(Login(extensions=",x=1,y=,z")))
    case("scram-more-attributes-after-the-proof", *ONCE, *proof(sha256), f"S: + {b64('v=' + sha256.server_proof + ',x=1')}", "C: ",
         "S: +OK", *STAT)
    long = Login(user="u" * 150)
    case("scram-name-too-long-for-the-line-of-auth", "auth scram-sha-256", "user " + "u" * 150, "S: +OK", "C: AUTH SCRAM-SHA-256", "S: + go ahead",
         f"C: {b64(long.first)}", f"S: + {b64(long.challenge)}", f"C: {b64(long.last)}", f"S: + {b64('v=' + long.server_proof)}", "C: ", "S: +OK",
         *STAT)
    case("scram-first-message-refused", "auth scram-sha-256", "S: +OK", f"C: AUTH SCRAM-SHA-256 {b64(sha256.first)}", "S: -ERR no", "C: QUIT", "S: +OK",
         "> result ERR_DIGEST_REFUSED")
    case("scram-proof-refused", *ONCE, *proof(sha256), "S: -ERR no", "C: QUIT", "S: +OK", "> result ERR_DIGEST_REFUSED")
    case("scram-refused-after-the-servers-proof", *ONCE, *proof(sha256), f"S: + {b64('v=' + sha256.server_proof)}", "C: ",
         "S: -ERR [IN-USE] locked", "C: QUIT", "S: +OK", "> result ERR_IN_USE")

    # a server that does not prove that it knows the password
    case("scram-ok-in-place-of-a-challenge [R82]", "auth scram-sha-256", "S: +OK", f"C: AUTH SCRAM-SHA-256 {b64(sha256.first)}", "S: +OK",
         "> result ERR_SERVER_PROOF")
    case("scram-ok-without-the-servers-proof [R82]", *ONCE, *proof(sha256), "S: +OK", "> result ERR_SERVER_PROOF")
    case("scram-ok-after-the-cancel [R82]", *ONCE, *proof(sha256), "S: + ", "C: *", "S: +OK", "> result ERR_SERVER_PROOF")
    wrong = b64(bytes(32))
    for name, text in (("is-wrong", "v=" + wrong), ("is-of-another-hash", "v=" + sha1.server_proof), ("is-cut", "v=" + sha256.server_proof[:-4]),
                       ("is-longer", "v=" + b64(base64.b64decode(sha256.server_proof) + b"\0")), ("is-empty", "v="), ("is-no-base64", "v=*" + sha256.server_proof),
                       ("has-another-name", "w=" + sha256.server_proof), ("has-one-wrong-bit", "v=" + b64(base64.b64decode(sha256.server_proof)[:-1] + bytes([base64.b64decode(sha256.server_proof)[-1] ^ 1])))):
        case(f"scram-servers-proof-{name} [R82]", *ONCE, *proof(sha256), f"S: + {b64(text)}", *CANCEL, "> result ERR_SERVER_PROOF")
    case("scram-challenge-after-the-servers-proof [R73]", *ONCE, *proof(sha256), f"S: + {b64('v=' + sha256.server_proof)}", "C: ", "S: + ",
         *CANCEL, "> result ERR_CHALLENGE")
    case("scram-server-reports-a-failure [R84]", *ONCE, *proof(sha256), f"S: + {b64('e=invalid-proof')}", *CANCEL,
         "> result ERR_DIGEST_REFUSED")
    case("scram-server-reports-another-binding [R84 R85]", *ONCE, *proof(sha256), f"S: + {b64('e=channel-bindings-dont-match')}", *CANCEL,
         "> result ERR_BINDING")
    refused("scram-server-reports-a-failure-at-once [R84]", "e=unknown-user", "ERR_DIGEST_REFUSED")

    # hostile first messages
    head = f"r={NONCE}{SERVER}"
    refused("scram-nonce-is-not-extended [R80]", f"r={NONCE},s={SALT},i=4096", "ERR_CHALLENGE")
    refused("scram-nonce-is-another-one [R80]", f"r=x{NONCE[1:]}{SERVER},s={SALT},i=4096", "ERR_CHALLENGE")
    refused("scram-nonce-is-cut [R80]", f"r={NONCE[:-1]},s={SALT},i=4096", "ERR_CHALLENGE")
    refused("scram-nonce-with-a-space [R80]", f"{head} x,s={SALT},i=4096", "ERR_CHALLENGE")
    refused("scram-nonce-with-an-octet-of-a-form [R80]", f"{head}\x03,s={SALT},i=4096", "ERR_CHALLENGE")
    refused("scram-no-nonce [R80]", f"s={SALT},i=4096", "ERR_CHALLENGE")
    for count in (1, 4095):
        refused(f"scram-{count}-iterations [R81]", f"{head},s={SALT},i={count}", "ERR_ITERATIONS_FEW")
    for count in (100001, 2**31, 2**32 + 4096, 10**30):
        refused(f"scram-{count}-iterations [R81]", f"{head},s={SALT},i={count}", "ERR_ITERATIONS")
    refused("scram-iterations-above-the-limit [R81]", f"{head},s={SALT},i=5001", "ERR_ITERATIONS", more=["iterations_max 5000"])
    case("scram-iterations-at-the-limit [R81]", *ONCE, "iterations_max 5000", *good(Login(count=5000)))
    for name, text in (("zero", "0"), ("negative", "-4096"), ("with-a-leading-zero", "04096"), ("with-a-letter", "4096x"), ("missing", "")):
        refused(f"scram-iterations-{name} [R81]", f"{head},s={SALT},i={text}", "ERR_CHALLENGE")
    refused("scram-no-iterations [R81]", f"{head},s={SALT}", "ERR_CHALLENGE")
    refused("scram-salt-is-empty", f"{head},s=,i=4096", "ERR_CHALLENGE")
    refused("scram-salt-is-no-base64", f"{head},s=QSX*,i=4096", "ERR_CHALLENGE")
    refused("scram-salt-is-cut", f"{head},s=QSX,i=4096", "ERR_CHALLENGE")
    refused("scram-no-salt", f"{head},i=4096", "ERR_CHALLENGE")
    refused("scram-attribute-that-has-to-be-known", f"m=x,{head},s={SALT},i=4096", "ERR_CHALLENGE")
    refused("scram-empty-challenge", "", "ERR_CHALLENGE")
    refused("scram-lone-letter", "r", "ERR_CHALLENGE")
    refused("scram-nonce-fills-the-message", f"r={NONCE}{'x' * (320 - 2 - len(NONCE))}", "ERR_CHALLENGE")
    full = "x" * (320 - len(head) - len(SALT) - len(",s=,i=4096,z="))
    case("scram-longest-challenge", *ONCE, *good(Login(extensions=",z=" + full)))
    refused("scram-challenge-too-long", f"{head},s={SALT},i=4096,z={full}x", "ERR_CHALLENGE_LENGTH")
    refused("scram-challenge-far-too-long", f"{head},s={SALT},i=4096,z={'x' * 4000}", "ERR_CHALLENGE_LENGTH")
    case("scram-bad-base64 [R74]", "auth scram-sha-256", *begin(sha256)[:2], f"S: + {b64(sha256.challenge)}*", *CANCEL, "> result ERR_CHALLENGE")
    case("scram-cut-base64 [R74]", "auth scram-sha-256", *begin(sha256)[:2], "S: + cj1x=", *CANCEL, "> result ERR_CHALLENGE")

    # user names and passwords that SASLprep may change
    user = ["C: CAPA", "S: +OK", "S: USER", "S: SASL SCRAM-SHA-256 SCRAM-SHA-1 PLAIN", "S: ."]
    case("scram-password-in-another-form", "auth scram-sha-256", r"pass \xef\xac\x81x", "S: +OK", "C: QUIT", "S: +OK", "> result ERR_PASSWORD_FORM")
    case("scram-name-in-another-form", "auth scram-sha-256", r"user \xe9t\xe9", "S: +OK", "C: QUIT", "S: +OK", "> result ERR_PASSWORD_FORM")
    case("scram-pulled-password-in-another-form", "auth scram-sha-256", "secret_get 1", r"pass abc\xef\xac\x81x", "S: +OK", "C: QUIT", "S: +OK",
         "> result ERR_PASSWORD_FORM")
    case("auto-takes-scram-in-clear-text", "all_mechs", "clear", "no_capa 0", "window 0", "S: +OK <1@a>", *user, *good(sha256)[1:], "? mechanism scram-sha-256")
    case("auto-shows-no-password-in-clear-text-for-its-form", "all_mechs", "clear", "no_capa 0", "window 0", r"pass \xef\xac\x81x", "S: +OK <1@a>", *user, "C: QUIT",
         "S: +OK", "> result ERR_PASSWORD_FORM")
    many = ["C: CAPA", "S: +OK", "S: SASL SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5", "S: ."]
    for pulled in ([], ["secret_get 1", "secret_again 2"]):
        case("auto-takes-another-one-over-tls-for-its-form" + ("-pulled" if pulled else ""), "auth scram-sha-256 scram-sha-1 plain", "tls", "no_capa 0", "window 0", *pulled,
             r"pass \xef\xac\x81x", "T: handshake", "S: +OK", *user[:2], "S: SASL SCRAM-SHA-256 SCRAM-SHA-1", "S: .", "C: AUTH PLAIN", "S: + ",
             f"C: {b64(chr(0) + 'fred' + chr(0) + chr(0xfb01) + 'x')}", "S: +OK", *STAT, "? mechanism plain",
             "? skipped scram-sha-256 ERR_PASSWORD_FORM")
    case("auto-takes-cram-md5-over-tls-for-its-form", "all_mechs", "tls", "no_capa 0", "window 0", r"pass \xef\xac\x81x", "T: handshake", "S: +OK", *many, "C: AUTH CRAM-MD5",
         "S: + YWJj", f"C: {b64('fred ' + hmac.new(chr(0xfb01).encode() + b'x', b'abc', 'md5').hexdigest())}", "S: +OK", *STAT, "? mechanism cram-md5",
         "? skipped scram-sha-256 ERR_PASSWORD_FORM")
    case("no-other-one-is-left-for-its-form", "auth scram-sha-256 scram-sha-1", "tls", "no_capa 0", "window 0", r"pass \xef\xac\x81x", "T: handshake", "S: +OK", *many,
         "C: QUIT", "S: +OK", "> result ERR_PASSWORD_FORM", "? mechanism none")
    case("auto-takes-the-password-over-tls", "all_mechs", "tls", "no_capa 0", "window 0", "T: handshake", "S: +OK", *user, "C: USER fred", "S: +OK", "C: PASS secret", "S: +OK",
         *STAT, "? mechanism user")
    case("auto-takes-scram-over-tls-where-it-is-listed-alone", "all_mechs", "tls", "no_capa 0", "window 0", "T: handshake", "S: +OK", *many, *good(sha256)[1:],
         comment="auto never binds, so the flag is n.")
    case("auto-takes-scram-over-tls-where-it-is-listed-without-plain", "all_mechs", "tls", "no_capa 0", "window 0", "T: handshake", "S: +OK", "C: CAPA", "S: +OK",
         "S: USER", "S: SASL SCRAM-SHA-256", "S: .", *good(sha256)[1:], comment="Dovecot lists USER although it takes no password then.")

    # -PLUS
    case("scram-plus-never-in-clear-text", "auth scram-sha-256-plus", "clear", "> result ERR_MECHANISM_NEEDS_TLS")
    case("scram-plus-needs-a-hash [R85]", "auth scram-sha-256-plus", "tls", "profile pinned", "T: handshake", "S: +OK", "C: QUIT", "S: +OK", "> result ERR_BINDING",
         comment="The profile pinned does not look at the certificate.")
    case("scram-without-plus-where-there-is-no-hash [R85]", "auth scram-sha-256-plus scram-sha-256", "tls", "profile pinned", "no_capa 0", "window 0", "T: handshake", "S: +OK",
         "C: CAPA", "S: +OK", "S: SASL SCRAM-SHA-256 SCRAM-SHA-256-PLUS", "S: .", *good(sha256)[1:], "? skipped scram-sha-256-plus ERR_BINDING")
    case("scram-flag-y-where-plus-is-not-listed [R85]", "auth scram-sha-256-plus scram-sha-256", "tls", "profile public", "no_capa 0", "window 0", "T: handshake", "S: +OK",
         "C: CAPA", "S: +OK", "S: SASL SCRAM-SHA-256", "S: .", *good(Login(flag="y"))[1:])
    case("scram-flag-n-where-another-plus-is-listed [R85]", "auth scram-sha-256-plus scram-sha-256", "tls", "profile public", "no_capa 0", "window 0",
         "T: handshake", "S: +OK", "C: CAPA", "S: +OK", "S: SASL SCRAM-SHA-256 SCRAM-SHA-1-PLUS", "S: .", *good(sha256)[1:])
    case("scram-flag-n-where-the-list-is-not-known [R85]", "auth scram-sha-256-plus scram-sha-256", "tls", "profile pinned", "no_capa 0", "window 0", "T: handshake", "S: +OK",
         "C: CAPA", "S: -ERR", *good(sha256)[1:])
    case("auto-never-takes-plus [R85]", "all_mechs", "tls", "no_capa 0", "window 0", "T: handshake", "S: +OK", "C: CAPA", "S: +OK",
         "S: SASL SCRAM-SHA-256 SCRAM-SHA-256-PLUS", "S: .", *good(sha256)[1:])

    # the seed
    case("scram-without-a-seed [J6]", "auth scram-sha-256", "clear", "no_seed", "> result ERR_SEED")
    case("auto-with-scram-without-a-seed [J6]", "all_mechs", "clear", "no_seed", "> result ERR_SEED")
    case("no-seed-without-scram [J6]", "auth cram-md5", "clear", "no_seed", "S: +OK", "C: AUTH CRAM-MD5", "S: + YWJj",
         "C: ZnJlZCBkOWJmN2MzYTYzZWFlNzAzMWM0ZTZkN2M5Yjc4YmE5Mw==", "S: +OK", *STAT)

    # ends in the middle
    case("scram-closed-while-the-key-is-computed", "auth scram-sha-256", "clear", *begin(Login(count=100000)), "! eof", "> result ERR_CLOSED")
    case("scram-stopped-while-the-key-is-computed", "auth scram-sha-256", "clear", *begin(Login(count=100000)), "! stop", "> result ERR_STOPPED")


if __name__ == "__main__":
    main()
