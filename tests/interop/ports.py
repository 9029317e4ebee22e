# SPDX-License-Identifier: MIT
"""Runs a command beside a server on a port below 1024, in a network of its own: to be started by `unshare --net`, as run() does. Prints what came
of it, as JSON."""
import json
import os
import pathlib
import ssl
import subprocess
import sys

sys.dont_write_bytecode = True
from hostile import Hostile  # noqa: E402

ENTER = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--net", "--"]
HANGS = 120
PATH = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"}  # where `ip` is


def why_not():
    """Why there can be no such network here; "" if there can."""
    try:
        done = subprocess.run([*ENTER, "ip", "link", "set", "lo", "up"], capture_output=True, check=False, text=True, env=PATH)
    except FileNotFoundError as error:
        return f"{error.filename} is not installed"
    return done.stderr if done.returncode else ""


def run(port, certificate, *words):
    """The command's `code`, `out` and `err`, and the `commands` that the server got: POP3S on port 995, else STLS on this port."""
    given = json.dumps([port, str(certificate.chain_file), str(certificate.key_file), [str(word) for word in words]])
    done = subprocess.run([*ENTER, sys.executable, str(pathlib.Path(__file__).resolve()), given], capture_output=True, check=True, timeout=HANGS, text=True)
    return json.loads(done.stdout)


def main(given):
    port, chain, key, words = json.loads(given)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True, env=PATH)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    with Hostile(clear=None if port == 995 else {}, context=context, port=port) as server:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=HANGS)
        print(json.dumps({"code": done.returncode, "out": done.stdout, "err": done.stderr, "commands": server.commands}))


if __name__ == "__main__":
    main(sys.argv[1])
