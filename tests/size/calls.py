# SPDX-License-Identifier: MIT
"""The deepest stack of every public call by call graph, on a core: through the library, BearSSL and the C library, and through every table of
functions. gcc tells frames and calls (-fcallgraph-info=su); indirect-calls.txt and bearssl-calls.txt tell what a table can hold; what the C
library's functions need is read from the image's instructions. The caller's own functions (sink, clock, `breathe`) count nothing: theirs comes on
top, where they are called.

It is an upper bound: a frame counts whole also where the last call of a function is a jump that has given it back, and a chain counts also if no
run takes it (the graph cannot know that popcl_start stops at the ClientHello, since one function of BearSSL's runs the whole handshake).

    calls.py        prints the table and the deepest chains
"""
import glob
import os
import re
import sys
import tempfile

import image
import size
from cores import CPUS, MAIN

CLEAR = ("src/core", "src/auth")
HEADERS = ["popcl.h", "popcl_tls.h", "popcl_seen.h", "popcl_net.h", "popcl_command.h", "popcl_fetch.h", "popcl_errors.h"]


def public_calls():
    """[(header, function)] in the order of the headers."""
    found = []
    for header in HEADERS:
        with open(f"include/{header}", encoding="utf-8") as text:
            found += [(header, name) for name in re.findall(r"^[a-z][\w ]*[ *](popcl_\w+)\(", text.read(), re.M)]
    return list(dict.fromkeys(found))


def file_of(title):
    return title.rpartition(":")[0]


# ---- BearSSL's indirect calls ----

def listed_of_bearssl():
    """{(file, name): targets} of bearssl-calls.txt."""
    listed = {}
    with open(os.path.join(size.HERE, "bearssl-calls.txt"), encoding="utf-8") as lines:
        for line in lines:
            words = line.split("#")[0].split()
            if words:
                listed.setdefault(tuple(words[:2]), []).extend(word for word in words[2:] if word != "-")
    return listed


def bearssl_calls(graph):
    """{caller: {(file, last name of the pointer)}}."""
    result = {}
    for caller, places in graph.indirect.items():
        for place in places:
            pointer = size.called_expression(place, {"if", "while", "switch", "return", "for", "sizeof"})
            result.setdefault(caller, set()).add((os.path.basename(place[0]), re.split(r"\W+", pointer)[-1]))
    return result


# ---- the C library ----

def read_libc(made, graph):
    """Adds the functions of an image that no object's graph has: the C library's and the compiler's. A function goes at most as deep as all its
    instructions together that move the stack pointer down."""
    lines, name = {}, None
    for line in size.plain(made.core.tool("objdump", "-d", "--no-show-raw-insn", made.path)).splitlines():
        start = re.match(r"[0-9a-f]+ <([^>]*)>:$", line)
        if start:
            name = start.group(1)
        if name:
            lines.setdefault(name, []).append(line)
    addresses = {}
    for line in size.plain(made.core.tool("nm", made.path)).splitlines():
        words = line.split()
        if len(words) == 3 and words[1] in "tTwW":
            addresses.setdefault(int(words[0], 16), set()).add(words[2])
    for names in addresses.values():
        body = [line for name in names for line in lines.get(name, ())]
        for name in names - set(graph.frames):
            graph.frames[name] = sum(map(made.core.frame, body))
            called = {found for line in body for found in re.findall(made.core.call, line)} - names
            graph.calls.setdefault(name, set()).update(called)


# ---- the whole graph ----

class Whole:
    """The library as it is built by default, BearSSL, and what an image of a profile holds."""

    def __init__(self, folder, profile, cpu=MAIN):
        tree, archive = image.bearssl_library(CPUS[cpu])
        sources, place = size.sources(), image.library_folder(folder, cpu)
        self.own, self.bearssl = size.Graph(), size.Graph()
        for out in image.compile_all(sources, place, CPUS[cpu], image.program_words(tree)):
            self.own.read(out[:-2] + ".ci")
        for path in glob.glob(os.path.join(os.path.dirname(archive), "*.ci")):
            self.bearssl.read(path)
        self.linked = image.fetch_image(folder, profile, cpu)
        self.libc = self.with_libc(folder, cpu)
        self.owner = self.owners(sources, place)

    def with_libc(self, folder, cpu):
        """An image of what the library and BearSSL call of the C library and of the compiler: some of it no profile links."""
        foreign = re.compile(f"{size.PERMITTED}|{CPUS[cpu].libgcc}")
        called = set().union(*self.own.calls.values(), *self.bearssl.calls.values()) - set(self.own.frames) - set(self.bearssl.frames)
        names = sorted(name for name in called if foreign.fullmatch(name) and not name.startswith("br_"))
        return image.link(folder, re.sub(r"\W", "", f"libc{cpu}"), [], cpu, link_flags=["-nostartfiles", "-Wl,-e,memcpy", *[f"-Wl,-u,{name}" for name in names]])

    @staticmethod
    def owners(sources, folder):
        """{title: file} of the library's functions."""
        result = {}
        for source in sources:
            graph = size.Graph()
            graph.read(os.path.join(folder, source.replace("/", "_")[:-2] + ".ci"))
            result.update((title, source) for title in graph.frames)
        return result

    def is_linked(self, title):
        name, files = title.rpartition(":")[2], self.linked.files.get(title.rpartition(":")[2], set())
        return bool(files) and (name == title or any(os.path.basename(file) == file_of(title) for file in files))

    def has(self, title, tls):
        """Whether a table can hold this function: in clear text none of src/tls, else what the image holds, APOP and resumption."""
        source = self.owner.get(title, "")
        return source.startswith(CLEAR) or (tls and (self.is_linked(title) or source == "src/tls/resume.c"))

    def graph(self, tls):
        """One graph of all, and its calls."""
        whole = size.Graph()
        for part in (self.own, self.bearssl):
            whole.frames.update(part.frames)
            for caller, names in part.calls.items():
                whole.calls.setdefault(caller, set()).update(names)
        read_libc(self.libc, whole)
        calls = {caller: set(names) for caller, names in whole.calls.items()}
        for found, listed in ((size.indirect_calls(self.own), size.listed_indirect_calls()), (bearssl_calls(self.bearssl), listed_of_bearssl())):
            for caller, places in found.items():
                for place in places:
                    calls.setdefault(caller, set()).update(name for name in listed.get(place, ()) if self.has(name, tls))
        return whole, calls

    def reachable(self, calls):
        seen, todo = set(), [name for _, name in public_calls()]
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo += calls.get(name, ())
        return seen


def within(calls, names):
    return {caller: {name for name in called if name in names} for caller, called in calls.items() if caller in names}


def depths(whole, tls):
    """({function: (octets, chain)} of the public calls, names without a known frame, a cycle or None)."""
    graph, calls = whole.graph(tls)
    names = whole.reachable(calls)
    calls = within(calls, names)
    chain = size.cycle(calls)
    unknown = sorted(names - set(graph.frames))
    if chain:
        return {}, unknown, chain
    part = size.Graph()
    part.frames = {name: graph.frames.get(name, 0) for name in names}
    depth = size.deepest(part, calls)
    return {name: depth[name] for _, name in public_calls() if name in depth}, unknown, None


def results(whole):
    """Yields (rule, complaint or "")."""
    listed, found = listed_of_bearssl(), set()
    _, calls = whole.graph(True)
    for caller, places in bearssl_calls(whole.bearssl).items():
        if caller in whole.reachable(calls):
            found |= places
    for call in sorted(found | set(listed)):
        why = "" if call in found and call in listed else "listed, but no call reaches it" if call in listed else "not in bearssl-calls.txt"
        yield "BearSSL's indirect call " + " ".join(call), why
    defined = set(whole.own.frames) | set(whole.bearssl.frames)
    unknown = sorted({name for table in (listed, size.listed_indirect_calls()) for names in table.values() for name in names} - defined)
    yield "targets of all indirect calls", f"listed, but not defined: {', '.join(unknown)}" if unknown else ""
    for tls in (True, False):
        _, frameless, chain = depths(whole, tls)
        what = "with TLS" if tls else "in clear text"
        yield f"recursion {what}, with BearSSL", " -> ".join(chain) if chain else ""
        yield f"frames {what}", f"of unknown size: {', '.join(frameless)}" if frameless else ""


def main():
    os.chdir(size.ROOT)
    with tempfile.TemporaryDirectory() as folder:
        whole = Whole(folder, "public")
        bad = [f"{rule}: {why}" for rule, why in results(whole) if why]
        print("\n".join(bad))
        made = {tls: depths(whole, tls)[0] for tls in (True, False)}
    for _, name in public_calls():
        print(f"{name:<36}{made[True].get(name, ('?',))[0]:>8}{made[False].get(name, ('?',))[0]:>8}")
    for tls in (True, False):
        octets, chain = max(made[tls].values())
        print(octets, " > ".join(chain))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
