# SPDX-License-Identifier: MIT
"""Runs login.c, a program over the library that logs in with a named mechanism and fetches. POPCL names the command, beside which it is."""
import os
import pathlib
import subprocess
import tempfile

PROGRAM = pathlib.Path(os.environ.get("POPCL", pathlib.Path(__file__).resolve().parents[2] / "build/popcl")).resolve().parent / "interop/login"
HANGS = 120  # seconds: says only that a run did not end at all

DEVICE = {"iobuf": 541, "mfln": 512}  # the smallest record buffer, and the fragment length that goes with it


class Login:
    """One run: `result` (name of the library's result), `mechanism`, `messages`, `octets`, `ahead`, `granted` (whether the server grants the
    fragment length), `text` (the server's), and `out` (the messages, one after the other)."""

    def __init__(self, port, user, host="127.0.0.1", password=None, token=None, **options):
        with tempfile.TemporaryDirectory(prefix="popcl-login-") as folder:
            words = [str(PROGRAM), host, str(port), user]
            for name, secret in (("password", password), ("token", token)):
                if secret is not None:
                    file = pathlib.Path(folder) / name
                    file.touch(mode=0o600)
                    file.write_text(secret + "\n", encoding="utf-8")
                    words += [f"--{name}", str(file)]
            for name, value in options.items():
                if value is not None:
                    words += [f"--{name.replace('_', '-')}", str(value)]
            done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=HANGS, check=False)
        self.words, self.out, self.err = words, done.stdout, done.stderr.decode()
        line, _, rest = self.err.partition("\n")
        self.stored = int(rest.partition("stored=")[2] or 0)  # 1: trust on first use stored a key
        pairs, _, self.text = line.partition(" text=")
        fields = dict(pair.split("=", 1) for pair in pairs.split() if "=" in pair)
        if "result" not in fields:
            raise AssertionError(f"no result: {done}")
        self.result, self.mechanism = fields["result"], fields["mechanism"]
        self.messages, self.octets = int(fields["messages"]), int(fields["octets"])
        self.ahead, self.granted = fields["ahead"] == "1", fields["granted"] == "1"
        for secret in (password, token):
            if secret and secret in self.err:
                raise AssertionError("a secret was printed")

    def __str__(self):
        return f"$ {' '.join(self.words)}\n{self.err}"
