# SPDX-License-Identifier: MIT
"""Messages for the tests and the demo, made by rule: the same octets at every run, no clock, no chance, no file from elsewhere.

A message here is what stands in a Maildir. `delivered` says which octets a POP3 server must make of it.
"""
import base64
import re

DATE = "Mon, 06 Jan 2025 09:{minute:02}:00 +0000"
WORDS = ("boat harbour rope anchor tide lantern gull net oar pier mast keel deck sail crew fog "
         "storm chart bell buoy sand reef wave captain").split()


def delivered(stored):
    """The exact octets that RFC 1939 delivers for a stored message: lines end in CRLF, the last one too.

    Dovecot gives even an empty message one line end: what comes before the final dot is then a line of its own (RFC 1939, 3)."""
    octets = re.sub(rb"(?<!\r)\n", b"\r\n", stored)
    return octets if octets.endswith(b"\n") else octets + b"\r\n"


def text(number, lines):
    """Plain text that is different for every number."""
    return "\n".join(" ".join(WORDS[(number * 7 + line * 5 + word * (1 + number % 3)) % len(WORDS)] for word in range(9))
                     for line in range(lines))


def mail(number, subject, body, headers=()):
    """One message with the usual headers. The body is text or octets; it ends as given."""
    lines = ["From: Harbour Master <master@harbour.example>", "To: crew@boat.example", f"Subject: {subject}",
             "Date: " + DATE.format(minute=number % 60), f"Message-ID: <{number}.sample@harbour.example>", *headers]
    head = "".join(line + "\n" for line in lines).encode()
    return head + b"\n" + (body.encode() if isinstance(body, str) else body)


def noise(number, length):
    """Octets without a pattern, from a fixed rule (a linear congruential generator)."""
    state = number * 2654435761 % 2**32 or 1
    octets = bytearray()
    while len(octets) < length:
        state = (state * 1664525 + 1013904223) % 2**32
        octets.append(state >> 24)
    return bytes(octets)


def _multipart(parts, kind="mixed"):
    lines = []
    for content_type, extra, body in parts:
        lines += ["--frontier", f"Content-Type: {content_type}", *extra, "", body]
    return "\n".join([*lines, "--frontier--", ""]), ("MIME-Version: 1.0", f'Content-Type: multipart/{kind}; boundary="frontier"')


def _attachment(octets):
    return _multipart([
        ("text/plain; charset=us-ascii", (), "The chart is attached."),
        ("application/octet-stream", ("Content-Transfer-Encoding: base64", 'Content-Disposition: attachment; filename="chart.bin"'),
         base64.encodebytes(octets).decode().rstrip("\n"))])


def sample():
    """The sample mailbox: a list of (what is special, message)."""
    html, html_headers = _multipart([("text/plain", (), "Fog until noon."),
                                     ("text/html", (), "<html><body><p>Fog until <b>noon</b>.</p></body></html>")], "alternative")
    chart, chart_headers = _attachment(noise(5, 3000))
    photo, photo_headers = _attachment(noise(6, 150_000))
    inner = mail(90, "The inner one", text(90, 3) + "\n").decode()
    folded = ("Received: from pier.example (pier.example [192.0.2.7])\n\tby harbour.example with ESMTP id 4XyZ\n\tfor <crew@boat.example>;"
              "\n\t" + DATE.format(minute=1),
              "X-Folded: one\n two\n\tthree",
              "References: " + "\n ".join(f"<{n}.ref@boat.example>" for n in range(30)))
    every = bytes(octet for octet in range(256) if octet not in (10, 13))
    return [
        ("plain text", mail(1, "Tide table", text(1, 12) + "\n")),
        ("one line", mail(2, "Short", "Cast off at six.\n")),
        ("dot-stuffed lines", mail(3, "Dots", ".begins with a dot\n..with two\n...with three\n. and a space\nends.\n.\tand a tab\n")),
        ("lone dots", mail(4, "Lone dots", "before\n.\nbetween\n.\n.\nafter\n..\n...\n.\n")),
        ("base64 attachment", mail(5, "Chart", chart, chart_headers)),
        ("large attachment", mail(6, "Photo of the harbour", photo, photo_headers)),
        ("text and HTML", mail(7, "Fog", html, html_headers)),
        ("UTF-8", mail(8, "=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Schöne Grüße, 港, гавань, λιμάνι, 🚤\n",
                       ("MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit"))),
        ("Latin-1, raw", mail(9, "Latin", "Sm\xf8rrebr\xf8d p\xe5 d\xe6kket\n".encode("latin-1"),
                              ("MIME-Version: 1.0", "Content-Type: text/plain; charset=iso-8859-1", "Content-Transfer-Encoding: 8bit"))),
        ("every octet but CR and LF", mail(10, "Octets", b"\n".join((every, every[::-1], every * 3)) + b"\n")),
        ("NUL octets", mail(11, "NUL", b"a\0b\n\0\n\0\0\0 .\n.\0\n\0.\n")),
        ("a line of 1 MB", mail(12, "One long line", b"x" * 1_000_000 + b"\n")),
        ("lines of 998 and 2000 octets", mail(13, "Long lines", b"y" * 998 + b"\n" + b"z" * 2000 + b"\n." + b"w" * 4095 + b"\n")),
        ("folded headers", mail(14, "A subject that is folded\n over two lines", text(14, 4) + "\n", folded)),
        ("no line end at the end", mail(15, "Cut short", "the last line has no line end")),
        ("header only, with its blank line", mail(16, "Header only", "")),
        ("header only, without one", b"Subject: Not even a blank line\nFrom: a@boat.example\n"),
        ("empty", b""),
        ("a single line end", b"\n"),
        ("body without header", b"\nNo header at all, only this.\n"),
        ("blank lines at the end", mail(21, "Blank lines", "text\n\n\n\n\n")),
        ("a forwarded message", mail(22, "Fwd: The inner one", inner, ("MIME-Version: 1.0", "Content-Type: message/rfc822"))),
        ("stored with CRLF", mail(23, "CRLF", text(23, 5) + "\n.\n..\n").replace(b"\n", b"\r\n")),
        ("mixed line ends", mail(24, "Mixed", b"lf\ncrlf\r\nlf\n\r\ncr alone:\rnot an end\n\r.\r\n.\r\n")),
        ("looks like POP3", mail(25, "Protocol", "+OK 5 octets\n-ERR no such message\n.\nQUIT\nDELE 1\n+OK\n")),
        ("looks like an mbox",
         mail(26, "mbox", "From the pier one sees far.\n>From here too.\nFrom sailor@boat.example Mon Jan  6 09:00:00 2025\n")),
        ("odd Message-ID", b"Message-ID: <../../etc/passwd>\nSubject: Path\n\nA name that must not become a path.\n"),
        ("no Message-ID", b"Subject: Nameless\n\nWho sent this?\n"),
        ("the same text, first", mail(29, "Twice", "The same octets stand in two messages.\n")),
        ("the same text, second", mail(29, "Twice", "The same octets stand in two messages.\n")),
    ]


def sample_messages():
    return [message for _, message in sample()]


def many(count):
    """`count` small messages, all different."""
    return [b"Subject: %d of %d\nMessage-ID: <%d.many@harbour.example>\n\nNumber %d.\n.%d\n" % (n, count, n, n, n)
            for n in range(1, count + 1)]


def mixed(count):
    """`count` messages of ten kinds that any server can keep, all different, each with a Message-ID."""
    bodies = (lambda n: text(n, 3) + "\n", lambda n: f".{n}\n..\n.\n...{n}\n", lambda n: f"{n} has no line end at its end",
              lambda n: "", lambda n: f"{n}" + "x" * 5000 + "\n.\n", lambda n: f"Grüße {n}, \U0001f6a4\n".encode() + b"\xe6\xf8\xe5\n",
              lambda n: f"{n}\n\n\n\n", lambda n: f"From {n}\n>From {n}\n", lambda n: text(n, 400) + "\n", lambda n: "\n")
    return [mail(n, f"{n} of {count}", bodies[n % len(bodies)](n)) for n in range(1, count + 1)]


def large(megabytes):
    """One message of `megabytes` MB as pieces, so that it never stands in memory as a whole. Holds lines that need dot-stuffing."""
    lines = b"".join(b"%s line %05d of a very large message %s\n" % (b"." if n % 50 == 0 else b"-", n, b"abcdefghij" * 4)
                     for n in range(11_000))
    piece = lines[:lines.rindex(b"\n", 0, 999_999) + 1]
    piece += b"=" * (1_000_000 - len(piece) - 1) + b"\n"
    yield mail(60, "Large", "")
    for _ in range(megabytes):
        yield piece


def subject(octets):
    """The subject of a message, for people: its first line, without control octets."""
    header = re.split(rb"\r?\n\r?\n", octets, maxsplit=1)[0]
    found = re.search(rb"(?im)^subject:[ \t]*([^\r\n]*)", header)
    return re.sub(r"[^ -~]", "?", found.group(1).decode("ascii", "replace")) if found else ""
