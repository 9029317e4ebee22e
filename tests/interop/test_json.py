# SPDX-License-Identifier: MIT
"""--json: every line of every kind of run fits the schema in docs, and says what happened."""
import json
import os
import pathlib
import re
import subprocess
import unittest

import command
import pki
from hostile import Close, Hostile, Step, message

DOCS = command.REPOSITORY / "docs"
SCHEMA = json.loads((DOCS / "json.schema.json").read_text())
KNOWN = {"$schema", "title", "oneOf", "type", "additionalProperties", "required", "properties", "const", "enum", "items", "minimum", "maximum",
         "minLength", "maxLength", "pattern"}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def is_of_type(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def fault(value, schema, place="line"):
    """What is wrong with a value by a schema; None: nothing. Knows the words of JSON Schema that ours has, and no others."""
    if unknown := set(schema) - KNOWN:
        raise ValueError(f"the checker does not know {unknown}")
    types = schema.get("type", [])
    if types and not any(is_of_type(value, name) for name in ([types] if isinstance(types, str) else types)):
        return f"{place} is no {types}: {value!r}"
    if "const" in schema and value != schema["const"]:
        return f"{place} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{place} is none of {schema['enum']}: {value!r}"
    if isinstance(value, int) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        return f"{place} is out of range: {value}"
    if isinstance(value, str):
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            return f"{place} has a wrong length: {value!r}"
        if not re.search(schema.get("pattern", ""), value):
            return f"{place} has a wrong form: {value!r}"
    if isinstance(value, list):
        return next(filter(None, (fault(item, schema.get("items", {}), f"{place}[]") for item in value)), None)
    if isinstance(value, dict):
        if missing := set(schema.get("required", ())) - set(value):
            return f"{place} lacks {missing}"
        if schema.get("additionalProperties") is False and (more := set(value) - set(schema["properties"])):
            return f"{place} has {more}"
        faults = (fault(value[name], rule, f"{place}.{name}") for name, rule in schema.get("properties", {}).items() if name in value)
        if found := next(filter(None, faults), None):
            return found
    if "oneOf" in schema:
        faults = [fault(value, rule, place) for rule in schema["oneOf"]]
        return None if faults.count(None) == 1 else f"{place} fits {faults.count(None)} of the kinds: {faults}"
    return None


def strictly(pairs):
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), f"a member twice: {names}"
    return dict(pairs)


class Json(unittest.TestCase):
    def setUp(self):
        self.place = command.Place()
        self.addCleanup(self.place.remove)

    def lines(self, port, *options, code=0, kinds=None, server="127.0.0.1"):
        """A run: its lines, each held against the schema. The last one is the summary."""
        result = self.place.run(port, "--json", *options, code=code, server=server)
        self.err = result.err
        self.assertTrue(result.out.isascii() and result.out.endswith("\n"), result)
        lines = [json.loads(line, object_pairs_hook=strictly) for line in result.out.splitlines()]
        for line in lines:
            self.assertIsNone(fault(line, SCHEMA), line)
        self.assertEqual([line["type"] for line in lines].count("summary"), 1)
        self.assertEqual((lines[-1]["type"], lines[-1]["exit_code"]), ("summary", code))
        if kinds is not None:
            self.assertEqual([line["type"] for line in lines], kinds)
        return lines

    def test_the_checker_finds_faults(self):
        good = {"type": "message", "account": None, "number": 1, "uid": None, "size": 3, "action": None, "reason": None}
        self.assertIsNone(fault(good, SCHEMA))
        for change in ({"number": 0}, {"number": True}, {"number": "1"}, {"uid": ""}, {"uid": "x" * 71}, {"action": "keep"}, {"type": "fate"},
                       {"extra": 1}):
            self.assertIsNotNone(fault({**good, **change}, SCHEMA), change)
        for name in good:
            self.assertIsNotNone(fault({key: value for key, value in good.items() if key != name}, SCHEMA), name)

    def test_a_fetch(self):
        with Hostile() as server:
            session, *fates, summary = self.lines(server.port, kinds=["session", "fate", "fate", "fate", "summary"])
            self.assertEqual((session["host"], session["port"], session["messages"]), ("127.0.0.1", server.port, 3))
            self.assertIn("UIDL", session["capabilities"])
            self.assertEqual(session["octets"], sum(map(len, server.messages)))
            self.assertEqual([fate["number"] for fate in fates], [1, 2, 3])
            for fate, octets in zip(fates, server.messages):
                self.assertEqual((fate["fate"], fate["octets"], fate["size"], fate["error"]), ("stored", len(octets), len(octets), None))
                self.assertEqual((self.place.out / fate["file"]).read_bytes(), octets)
            self.assertEqual((summary["stored"], summary["more"]), (3, False))
        self.assertIn("popcl: 3 messages downloaded.\n", self.err)

    def test_accounts(self):
        """[--config] Each line names its account, and each account has a summary."""
        accounts = self.place.root / "accounts"
        with Hostile() as one, Hostile(messages=[message(1)]) as two:
            accounts.write_text("".join(f"[{name}]\nserver = 127.0.0.1:{port}\nauth-file = {auth}\noutput = {self.place.root / name}\n" for name, port, auth in
                                        (("work", one.port, self.place.auth_file), ("lost", two.port, "/no/such/file"),
                                         ("home", two.port, self.place.auth_file))))
            accounts.chmod(0o600)
            args = ["--config", str(accounts), "--json"]
            result = self.place.finish(self.place.start(args), args)
        self.assertEqual(result.code, 66, result)
        lines = [json.loads(line, object_pairs_hook=strictly) for line in result.out.splitlines()]
        self.assertEqual([fault(line, SCHEMA) for line in lines], [None] * len(lines))
        self.assertEqual([(line["account"], line["type"]) for line in lines],
                         [("work", kind) for kind in ("session", "fate", "fate", "fate", "summary")] + [("lost", "error"), ("lost", "summary")] +
                         [("home", kind) for kind in ("session", "fate", "summary")])
        self.assertEqual([line["exit_code"] for line in lines if line["type"] == "summary"], [0, 66, 0])

    def test_no_file(self):
        """A command takes messages as its input: there is no file to name."""
        with Hostile() as server:
            args = ["127.0.0.1", "-p", str(server.port), "-a", str(self.place.auth_file), "--json", "--pipe", "cat > /dev/null"]
            lines = [json.loads(line) for line in self.place.finish(self.place.start(args), args).out.splitlines()]
        self.assertEqual([line["file"] for line in lines if line["type"] == "fate"], [None] * 3)

    def test_tls(self):
        """The session names what was agreed; an untrusted certificate is an error like any other."""
        root = pki.shared().root()
        context = root.issue("a server", san=pki.LOCAL).context()
        with Hostile(context=context) as server:
            session = self.lines(server.port, "-T", "-c", str(root.file), server="localhost")[0]
            self.assertEqual((session["security"], session["tls_version"]), ("tls", "1.2"))
        with Hostile(context=context, clear={}) as server:
            session = self.lines(server.port, "-S", "-c", str(root.file), server="localhost")[0]
            self.assertEqual(session["security"], "stls")
        with Hostile(context=context) as server:
            error = self.lines(server.port, "-T", "-c", str(pki.shared().root("another").file), server="localhost", code=79, kinds=["error", "summary"])[0]
            self.assertEqual(error["class"], "CERT")

    def test_more_than_a_group(self):
        """Messages become durable in groups: each has its own file and its own octets."""
        mail = [message(n, n % 7) for n in range(1, 201)]
        with Hostile(messages=mail) as server:
            fates = [line for line in self.lines(server.port) if line["type"] == "fate"]
        self.assertEqual(len(fates), 200)
        for fate in fates:
            self.assertEqual((self.place.out / fate["file"]).read_bytes(), mail[fate["number"] - 1])
            self.assertEqual(fate["octets"], len(mail[fate["number"] - 1]))

    def test_another_message_has_the_number(self):
        """A session breaks, and the next one has a new message in the place of one that was stored: the fate has its own file."""
        mail = [message(n) for n in range(1, 71)]
        with Hostile(messages=mail) as server:
            class Replace(Step):
                def play(self, connection):
                    server.messages[39], server.uids[39] = message(99, 50), "fresh"
                    del server.replies["RETR 70"]

            server.replies["RETR 70"] = [b"+OK\r\nSubject: cut\r\n", Replace(), Close()]
            fates = [line for line in self.lines(server.port) if line["type"] == "fate" and line["uid"] == "fresh"]
            self.assertEqual([(fate["number"], fate["octets"]) for fate in fates], [(40, len(server.messages[39]))])
            self.assertEqual((self.place.out / fates[0]["file"]).read_bytes(), server.messages[39])

    def test_deletions(self):
        with Hostile(replies={"DELE 2": b"-ERR no\r\n"}) as server:
            lines = self.lines(server.port, "-n", "-d", code=75)
        fates = [(line["number"], line["fate"]) for line in lines if line["type"] == "fate"]
        self.assertEqual(sorted(fates[:-1]), [(1, "marked"), (1, "stored"), (2, "not_marked"), (2, "stored"), (3, "marked"), (3, "stored")])
        self.assertEqual(fates[-1], (None, "deleted"))
        self.assertEqual((lines[-1]["deleted"], lines[-1]["stored"]), (2, 3))
        self.assertIn("new messages downloaded", self.err)

    def test_failures(self):
        """The error has the same sentences as on standard error, and the number and the name of its result."""
        replies = {"RETR 1": b"-ERR broken\r\n"}, {"PASS": b"-ERR [AUTH] no\r\n"}, {"RETR 2": [b"+OK\r\nhalf", Close()]}, {"greeting": b"hello\r\n"}
        for reply, code in zip(replies, (75, 77, 75, 76)):
            with self.subTest(reply=reply), Hostile(replies=reply) as server:
                lines = self.lines(server.port, code=code)
                errors = [line for line in lines if line["type"] == "error"]
                self.assertEqual(len(errors), 1)
                self.assertEqual(errors[0]["exit_code"], code)
                for member, lead in (("what", "popcl: "), ("cause", "popcl: likely cause: "), ("advice", "popcl: what to try: ")):
                    self.assertIn(f"{lead}{errors[0][member]}\n", self.err)
                numbers = dict((name, int(number)) for number, name in
                               re.findall(r"X\((\d+), (\w+),", (command.REPOSITORY / "include/popcl_errors.h").read_text()))
                self.assertEqual(numbers[errors[0]["name"].removeprefix("POPCL_")], errors[0]["code"])
                self.assertTrue(all(line["error"] for line in lines if line["type"] == "fate" and line["fate"] == "not_stored"))

    def test_errors_of_the_command_itself(self):
        with Hostile() as server:
            lines = self.lines(server.port, "--limit", "0", code=64, kinds=["error", "summary"])
            self.assertEqual((lines[0]["code"], lines[0]["exit_code"]), (None, None))
            lines = self.lines(server.port, "--top", "3", code=64, kinds=["error", "summary"])
            self.place.out.write_text("a file")
            self.lines(server.port, code=73, kinds=["error", "summary"])
            self.place.auth_file.write_text("nothing\n")
            self.lines(server.port, code=78, kinds=["error", "summary"])
            self.place.auth_file.unlink()
            self.assertIsNone(self.lines(server.port, "--check", code=66)[-1]["new"], "it is not known")
            self.assertEqual(server.sessions, [])

    def test_a_server_s_words(self):
        """[E13] No octet of a server breaks a line or shows the password; each comes back."""
        words = b'"quoted"\\ \x1b[2J {} caf\xc3\xa9 \xff secret'
        with Hostile(replies={"PASS": b"-ERR " + words + b"\r\n"}) as server:
            error = self.lines(server.port, code=77)[0]
        shown = error["what"].encode("latin-1")
        self.assertIn(words.replace(b"secret", b"***"), shown)

    def test_uids(self):
        with Hostile(uids=['a"b', "c\\d", "e" * 70]) as server:
            lines = self.lines(server.port, "--list", kinds=["session", "message", "message", "message", "summary"])
            self.assertEqual([line["uid"] for line in lines[1:4]], server.uids)
            self.assertEqual(lines[-1]["listed"], 3)

    def test_looks(self):
        with Hostile(replies={"UIDL": b"-ERR what?\r\n"}) as server:
            lines = self.lines(server.port, "--list")
            self.assertEqual([(line["uid"], line["size"]) for line in lines[1:-1]], [(None, len(m)) for m in server.messages])
            lines = self.lines(server.port, "--dry-run", "--limit", "2", "-d")
            self.assertEqual([line["action"] for line in lines[1:-1]], ["fetch+delete", "fetch+delete", "skip"])
            self.assertEqual(lines[-2]["reason"], "over --limit")
        with Hostile() as server:
            self.assertIs(self.lines(server.port, "--check", kinds=["session", "summary"])[-1]["new"], True)
            self.lines(server.port, "-n")
            self.assertIs(self.lines(server.port, "--check", code=1)[-1]["new"], False)
            self.assertIs(self.lines(server.port, "--limit", "1")[-1]["more"], True)

    def test_nobody_reads(self):
        """Standard output that fails is the usual error, and no message is lost for it."""
        with Hostile() as server, open("/dev/full", "wb") as full:
            args = self.place.arguments(server.port, ("--json", "-n"))
            process = subprocess.run([command.POPCL, *args], stdout=full, stderr=subprocess.PIPE, check=False, timeout=command.HANGS,
                                     env={"PATH": os.environ["PATH"], "HOME": str(self.place.root), "XDG_STATE_HOME": str(self.place.state)})
            self.assertEqual(process.returncode, 74, process.stderr)
            self.assertEqual(len(re.findall(rb"standard output cannot be written", process.stderr)), 1)
            self.assertEqual(len(self.place.names()), 3)
            self.assertEqual(self.place.run(server.port, "-n").count, 0)

    def test_the_page(self):
        """docs/JSON.md has each member of each kind, and no other."""
        page = pathlib.Path(DOCS / "JSON.md").read_text()
        for kind in SCHEMA["oneOf"]:
            name = kind["properties"]["type"]["const"]
            section = re.search(rf"(?ms)^### {name}\n(.*?)(?=^### |\Z)", page).group(1)
            members = {member for row in re.findall(r"(?m)^\| (`.*?) \|", section) for member in re.findall(r"`(\w+)`", row)}
            members |= {"type", "account"} | ({"number", "uid", "size"} if name == "fate" else set())
            self.assertEqual(members, set(kind["properties"]), name)
            self.assertEqual(set(kind["required"]), set(kind["properties"]), name)


if __name__ == "__main__":
    unittest.main()
