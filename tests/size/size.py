# SPDX-License-Identifier: MIT
"""What the library costs on a Cortex-M3 and on RV32, and the rules that keep it that small [I-2]. Knows the sources by their folders only.

    size.py size|stack|structs... [--diff | --write]   prints tables, compares each with docs/NAME.txt, or writes that file

`sizing.py check` checks the rules, and that all compiles freestanding. They are, for every object of src/core, src/auth and src/tls:
- no undefined symbol but the plain functions of <string.h>, the compiler's integer helpers, BearSSL's, and the library's own: no heap, no stdio, no errno;
- no .data and no .bss: nothing that can be written is global;
- no stack frame of a size that is not known at compile time (VLA, alloca);
- no recursion, through indirect calls neither;
- an indirect call only where tests/size/indirect-calls.txt lists it.
"""
import concurrent.futures
import difflib
import glob
import os
import re
import subprocess
import sys
import tempfile

import cores

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
FOLDERS = ("src/core", "src/auth", "src/tls")
# Beside each object who calls whom, with what frames.
GRAPH = ["-fstack-usage", "-fcallgraph-info=su"]
WARNINGS = "-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror".split()
PERMITTED = r"memcpy|memmove|memset|memchr|memcmp|strlen|strchr|strcmp|br_\w+"
# Builds that must compile besides those of DETAILED: every compile-time choice of popcl_config.h that changes code.
BUILDS = {
    "Cortex-M0+": cores.M0,
    "Cortex-M0+ without APOP": cores.more(cores.M0, "-DPOPCL_WITH_APOP=0", "-DPOPCL_WITH_UTF8=0"),
    "Cortex-M3, text 16": cores.more(cores.M3, "-DPOPCL_TEXT_KEEP=16"),
    "RV32 without APOP": cores.more(cores.RV32, "-DPOPCL_WITH_APOP=0", "-DPOPCL_WITH_UTF8=0"),
}
# Sums of .text and .rodata that are wanted, and for what.
TARGETS = [
    (4058, "wire + uid + reply + command + machine + pumps", "wire uid reply command machine pumps"),
    (6656, "the same with fetch, plan, refusal and userpass", "wire uid reply command machine pumps fetch fetch_login fetch_list fetch_messages plan refusal userpass"),
    (None, "the same with all that a fetch by USER/PASS links", "wire uid reply command machine pumps fetch fetch_login fetch_list fetch_messages plan refusal userpass link_clear zero mechs text"),
    (None, "all", None),
]
JOB_TARGET = ("popcl_fetch", 384)
LENT = "char[sizeof(popcl_guard) - offsetof(popcl_guard, leaf)]"  # what guard.c lends for a plan, after the handshake


def bearssl_include():
    places = [os.environ.get("BEARSSL_INC"), "/usr/include/bearssl", "/usr/local/include/bearssl"]
    for place in places:
        if place and os.path.exists(os.path.join(place, "bearssl.h")):
            return ["-isystem", place]
    return []


def sources():
    return sorted(path for folder in FOLDERS for path in glob.glob(os.path.join(folder, "*.c")))


def compile_one(source, out, core):
    # -ffreestanding: the core uses <string.h>, and nothing else that a hosted C library has.
    command = core.gcc(*WARNINGS, "-ffreestanding", "-Iinclude", *bearssl_include(), *cores.OPTIMIZED, *GRAPH, "-c", source, "-o", out)
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def plain(text):
    """Symbols as the headers name the functions: without the settings that POPCL_ABI adds."""
    return re.sub(r"\b(popcl_\w+?)_text\d+\b", r"\1", text)


# ---- what an object tells ----

class Object:
    def __init__(self, source, path, core):
        self.source, self.path, self.name = source, path, os.path.basename(source)
        self.sections = {"text": 0, "rodata": 0, "data": 0, "bss": 0}
        for line in core.tool("size", "-A", path).splitlines():
            match = re.match(r"\.s?(text|rodata|data|bss)\S*\s+(\d+)", line)  # .sdata: RISC-V's small ones
            if match:
                self.sections[match.group(1)] += int(match.group(2))
        self.defined, self.undefined, self.writable = set(), set(), set()
        for line in plain(core.tool("nm", path)).splitlines():
            kind, symbol = line.split()[-2:]
            if symbol.startswith("$"):
                continue
            (self.undefined if kind == "U" else self.defined).add(symbol)
            if kind in "dDbBcC":
                self.writable.add(symbol)
        self.frames = []  # (octets, kind, function)
        with open(path[:-2] + ".su", encoding="utf-8") as lines:
            for line in lines:
                where, octets, kind = line.rstrip("\n").split("\t")
                self.frames.append((int(octets), kind, plain(where.rsplit(":", 1)[1])))

    def frame(self):
        return max(self.frames, default=(0, "", ""))


class Graph:
    """Who calls whom, by gcc's -fcallgraph-info: functions are `name` or, where static, `file.c:name`."""

    def __init__(self):
        self.frames, self.calls, self.indirect = {}, {}, {}  # calls: caller -> names; indirect: caller -> {(file, line, column)}

    @staticmethod
    def title(text):
        text = plain(text)
        path, colon, function = text.rpartition(":")
        return os.path.basename(path) + ":" + function if colon else text

    def read(self, path):
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                node = re.match(r'node: { title: "([^"]+)" label: "[^"]*?\\n(\d+) bytes', line)
                edge = re.match(r'edge: { sourcename: "([^"]+)" targetname: "([^"]+)"(?: label: "([^"]*)")?', line)
                if node:
                    self.frames[self.title(node.group(1))] = int(node.group(2))
                elif edge and edge.group(2) == "__indirect_call":
                    self.indirect.setdefault(self.title(edge.group(1)), set()).add(tuple(edge.group(3).rsplit(":", 2)))
                elif edge:
                    self.calls.setdefault(self.title(edge.group(1)), set()).add(self.title(edge.group(2)))


def called_expression(place, functions):
    """The source text of the function pointer that is called at file:line:column, which may be that of the statement around it."""
    path, line, column = place
    with open(path, encoding="utf-8") as source:
        text = source.read().splitlines()[int(line) - 1]
    # `a.b->c`, `f(x)->c` where a function gives the table, or `(*a)->c`.
    for match in re.finditer(r"(?:\(\*[\w.>-]+\)(?=->)|[A-Za-z_][\w.\[\]]*(?:\([^()]*\)(?=->))?)(?:->[\w.\[\]]+)*(?=\()", text):
        if match.end() + 1 >= int(column) and match.group(0) not in functions and not re.match(r"br_\w+$", match.group(0)):
            return match.group(0)
    return text.strip().replace(" ", "")


def build(folder, core):
    """Compiles every source; returns objects, graph, and what did not compile."""
    objects, graph, failures = [], Graph(), []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        work = {}
        for source in sources():
            out = os.path.join(folder, source.replace("/", "_")[:-2] + ".o")
            work[pool.submit(compile_one, source, out, core)] = (source, out)
        for done, (source, out) in work.items():
            status, said = done.result()
            if status:
                failures.append(f"{source} does not compile:\n{said}")
                continue
            objects.append(Object(source, out, core))
            graph.read(out[:-2] + ".ci")
    return objects, graph, failures


# ---- the rules ----

def listed_indirect_calls():
    """{(file, expression): targets} of indirect-calls.txt."""
    listed = {}
    with open(os.path.join(HERE, "indirect-calls.txt"), encoding="utf-8") as lines:
        for line in lines:
            words = line.split("#")[0].split()
            if words:
                listed[tuple(words[:2])] = [word for word in words[2:] if word != "-"]
    return listed


def indirect_calls(graph):
    """{caller: {(file, expression)}}; the file is that of the text, also where the text was inlined."""
    titles = {name for names in (graph.frames, *graph.calls.values()) for name in names}
    public = {name for name in titles if ":" not in name} | {"sizeof", "if", "while", "for", "switch", "return"}
    result = {}
    for caller, places in graph.indirect.items():
        for place in places:
            file = os.path.basename(place[0])
            local = {name.split(":")[1] for name in titles if name.startswith(file + ":")}
            result.setdefault(caller, set()).add((file, called_expression(place, public | local)))
    return result


def edges(graph, listed):
    """All calls, with the listed targets of indirect ones."""
    result = {caller: {name for name in names if name in graph.frames} for caller, names in graph.calls.items()}
    for caller, calls in indirect_calls(graph).items():
        for call in calls:
            result.setdefault(caller, set()).update(name for name in listed.get(call, ()) if name in graph.frames)
    return result


def cycle(calls):
    """A chain of functions that comes back to its first, or None. Depth first, with its own stack."""
    state = {}
    for root in sorted(calls):
        if root in state:
            continue
        state[root], path = "open", [(root, iter(sorted(calls.get(root, ()))))]
        while path:
            name, rest = path[-1]
            step = next(rest, None)
            if step is None:
                state[name] = "done"
                path.pop()
            elif state.get(step) == "open":
                chain = [entry[0] for entry in path]
                return chain[chain.index(step):] + [step]
            elif step not in state:
                state[step] = "open"
                path.append((step, iter(sorted(calls.get(step, ())))))
    return None


def deepest(graph, calls):
    """(octets, chain) of the deepest chain of calls from each function. Needs a graph without cycles."""
    order, seen = [], set()
    for root in graph.frames:
        path = [(root, iter(calls.get(root, ())))] if root not in seen else []
        seen.add(root)
        while path:
            name, rest = path[-1]
            step = next(rest, None)
            if step is None:
                order.append(name)
                path.pop()
            elif step not in seen:
                seen.add(step)
                path.append((step, iter(calls.get(step, ()))))
    depth = {}
    for name in order:
        below = max((depth[step] for step in calls.get(name, ())), default=(0, []))
        depth[name] = (graph.frames.get(name, 0) + below[0], [name] + below[1])
    return depth


def check_rules(objects, graph, core):
    """Yields (rule, complaint or "")."""
    permitted = re.compile(rf"({PERMITTED}|{core.libgcc})$")
    own = set().union(*(obj.defined for obj in objects)) if objects else set()
    for obj in objects:
        foreign = sorted(name for name in obj.undefined - own if not permitted.match(name))
        yield f"{obj.source}: symbols", f"needs {', '.join(foreign)}" if foreign else ""
        writable = sorted(obj.writable) or (["(unnamed)"] if obj.sections["data"] or obj.sections["bss"] else [])
        yield f"{obj.source}: globals", f"can be written: {', '.join(writable)}" if writable else ""
        dynamic = [function for _, kind, function in obj.frames if "dynamic" in kind]
        yield f"{obj.source}: frames", f"of unknown size: {', '.join(dynamic)}" if dynamic else ""
    listed, found = listed_indirect_calls(), set().union(*indirect_calls(graph).values())
    for call in sorted(found | set(listed)):
        why = "" if call in found and call in listed else "listed, but there is none" if call in listed else "not in tests/size/indirect-calls.txt"
        yield "indirect call " + " ".join(call), why
    files = {obj.name for obj in objects}
    of_library = {name for names in listed.values() for name in names if name.split(":")[0] in files or name.startswith("popcl_")}
    unknown = sorted(of_library - set(graph.frames))  # calls.py looks at BearSSL's
    yield "targets of indirect calls", f"listed, but not defined: {', '.join(unknown)}" if unknown else ""
    chain = cycle(edges(graph, listed))
    yield "recursion", " -> ".join(chain) if chain else ""


def complaints(objects, graph, failures, core):
    """What does not compile, and what breaks the rules: (rule, complaint)."""
    yield "freestanding", "\n".join(failures)
    if not objects:
        yield "sources", f"none found in {', '.join(FOLDERS)}"
    yield from check_rules(objects, graph, core)


def check_builds(folder):
    for name, core in BUILDS.items():
        place = os.path.join(folder, re.sub(r"\W", "_", name))
        os.mkdir(place)
        _, _, failures = build(place, core)
        yield f"{name}: freestanding", "\n".join(failures)


# ---- the tables ----

class Built:
    """What one core's compiler made of the library."""

    def __init__(self, folder, cpu):
        self.cpu, self.core = cpu, cores.CPUS[cpu]
        place = os.path.join(folder, re.sub(r"\W", "_", cpu))
        os.mkdir(place)
        self.objects, self.graph, self.failures = build(place, self.core)

    def complaints(self):
        return [(f"{self.cpu}: {rule}", why) for rule, why in complaints(self.objects, self.graph, self.failures, self.core)]


def heading():
    lines = []
    for cpu in cores.DETAILED:
        core = cores.CPUS[cpu]
        flags = " ".join([*core.flags, "-Os", "-ffreestanding"])
        lines.append(f"{cpu}: {core.tool('gcc', '-dumpfullversion').strip()} of {core.compiler}: {flags}")
    return lines


def beside(cpu):
    """The name of a core in the head of a table, short."""
    return cpu.removeprefix("Cortex-")


def total(objects, names=None):
    chosen = [obj for obj in objects if names is None or obj.name[:-2] in names.split()]
    return {kind: sum(obj.sections[kind] for obj in chosen) for kind in ("text", "rodata", "data", "bss")}


def size_table(builds):
    columns = ["text", "rodata", "data", "bss", "frame"]
    form = "{:<24}" + "{:>8}" * len(columns) * len(builds)
    lines = heading() + ["octets; frame: the largest stack frame", ""]
    lines += ["".join([" " * 24, *[f"{beside(one.cpu):>{8 * len(columns)}}" for one in builds]]), form.format("file", *columns * len(builds))]
    for same in zip(*[one.objects for one in builds]):
        lines.append(form.format(same[0].source[len("src/"):], *[cell for obj in same for cell in [*obj.sections.values(), obj.frame()[0]]]))
    lines += [form.format("all", *[cell for one in builds for cell in [*total(one.objects).values(), max(obj.frame()[0] for obj in one.objects)]]), ""]
    for target, text, names in TARGETS:
        octets, *others = [total(one.objects, names)["text"] + total(one.objects, names)["rodata"] for one in builds]
        verdict = f"  (wanted: at most {target}: {'met' if octets <= target else 'missed by ' + str(octets - target)})" if target else ""
        lines.append(f"{octets:>6}  {text}{verdict}" + "".join(f"; {beside(one.cpu)}: {other}" for one, other in zip(builds[1:], others)))
    return lines


def stack_table(builds):
    head = "".join(f"{beside(one.cpu):>6}" for one in builds)
    lines = heading() + ["octets; without BearSSL's, the C library's and the callbacks' own", "", f"{head}  largest frame of each file"]
    for same in zip(*[one.objects for one in builds]):
        if same[0].frames:
            functions = list(dict.fromkeys(obj.frame()[2] for obj in same))
            lines.append("".join(f"{obj.frame()[0]:>6}" for obj in same) + f"  {same[0].source[len('src/'):]}: {', '.join(functions)}")
    depths = [deepest(one.graph, edges(one.graph, listed_indirect_calls())) for one in builds]
    lines += ["", f"{head}  deepest chain of calls below each public function, over 64 octets"]
    public = sorted(([depth[name][0] for depth in depths], name) for name in depths[0] if ":" not in name and is_public(name))
    lines += ["".join(f"{octets:>6}" for octets in row) + f"  {name}" for row, name in reversed(public) if max(row) > 64]
    for one, depth in zip(builds, depths):
        octets, chain = max(depth.values(), default=(0, []))
        lines += ["", f"deepest of all on {one.cpu}, {octets} octets"] + [f"{one.graph.frames.get(name, 0):>6}  {name}" for name in chain]
    return lines


def public_headers():
    return sorted(glob.glob("include/*.h"))


def is_public(name):
    return any(re.search(rf"\b{re.escape(name)}\(", open(header, encoding="utf-8").read()) for header in public_headers())


def public_structs():
    names = []
    for header in public_headers():
        with open(header, encoding="utf-8") as text:
            names += re.findall(r"^(?:typedef )?struct (popcl\w*) \{", text.read(), re.M)
    return sorted(set(names))


def sizes_of(types, compiler, folder):
    """sizeof by a compiler, which may be for another machine: each size becomes that of an array, and nm prints it."""
    source, out = os.path.join(folder, "sizes.c"), os.path.join(folder, "sizes.o")
    with open(source, "w", encoding="utf-8") as text:
        text.writelines(f'#include "{os.path.basename(header)}"\n' for header in public_headers())
        text.writelines(f"extern const char size_{n}[]; const char size_{n}[sizeof({one})] = {{0}};\n" for n, one in enumerate(types))
    subprocess.run(compiler + ["-std=c99", "-Iinclude", *bearssl_include(), "-c", source, "-o", out], check=True)
    found = {line.split()[3]: int(line.split()[1], 16) for line in cores.run(["nm", "-S", out]).splitlines() if len(line.split()) == 4}
    return [found[f"size_{n}"] for n in range(len(types))]


def structs_table(_builds):
    compilers = {**{cpu: cores.CPUS[cpu].gcc() for cpu in cores.DETAILED}, "host": [os.environ.get("CC", "gcc")]}
    names, form = public_structs(), "{:<28}{:>10}" + "{:>8}" * (len(compilers) - 1)
    with tempfile.TemporaryDirectory() as folder:
        columns = [sizes_of([*(f"struct {name}" for name in names), LENT], compiler, folder) for compiler in compilers.values()]
    lines = ["octets, with the defaults of popcl_config.h", "", form.format("struct", *compilers)]
    lines += [form.format(*row) for row in zip(names, *columns)]
    name, target = JOB_TARGET
    octets = columns[0][names.index(name)]
    lines += ["", f"{octets:>6}  {name} (wanted: at most {target}: {'met' if octets <= target else 'missed by ' + str(octets - target)})"]
    lines += [f"{columns[0][-1]:>6}  of popcl_guard for a plan, after the handshake"]
    return lines


TABLES = {"size": size_table, "stack": stack_table, "structs": structs_table}


def show_difference(lines, path):
    try:
        with open(path, encoding="utf-8") as text:
            old = text.read().splitlines()
    except FileNotFoundError:
        print(f"{path} is not there yet: make update-figures")
        return
    changed = [line for line in difflib.unified_diff(old, lines, path, "now", n=0, lineterm="") if not line.startswith("@@")]
    print("\n".join(changed) if changed else f"as in {path}")


def report(names, option):
    with tempfile.TemporaryDirectory() as folder:
        builds = [Built(folder, cpu) for cpu in cores.DETAILED]
        bad = [f"{rule}: {why}" for one in builds for rule, why in one.complaints() if why]
        broken = any(re.match("[^:]*: (freestanding|recursion)", line) for line in bad)
        tables = {} if broken else {f"docs/{name}.txt": TABLES[name](builds) for name in names}
    for path, lines in tables.items():
        if option == "--write":
            with open(path, "w", encoding="utf-8") as text:
                text.write("\n".join(lines) + "\n")
            print(f"{path} written")
        elif option == "--diff":
            show_difference(lines, path)
        else:
            print("\n".join(lines))
    if bad:
        print("\nrules broken:", *bad, sep="\n")
    return 1 if bad else 0


def check_results():
    """(rule, complaint or "") of all rules and all builds."""
    with tempfile.TemporaryDirectory() as folder:
        return [result for cpu in cores.DETAILED for result in Built(folder, cpu).complaints()] + list(check_builds(folder))


def main():
    os.chdir(ROOT)
    names, option = sys.argv[1:], ""
    if names[-1:] in (["--diff"], ["--write"]):
        option = names.pop()
    if names and set(names) <= set(TABLES):
        return report(names, option)
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
