# SPDX-License-Identifier: MIT
"""docs/size.html in a browser: its figures against images that are built and linked anew, and what it greys out against builds that fail.

SEED chooses the combinations, and COMBINATIONS their number (20). The pictures of the page are in B: size-page-*.png."""
import json
import os
import random
import re
import subprocess
import sys
import time
import unittest

from consumer import BUILD, ROOT, ConsumerCase
from chromium import Page

sys.path[:0] = [str(ROOT / "tests" / "size")]
import cores  # noqa: E402
import image  # noqa: E402

URL = (ROOT / "docs/size.html").as_uri()
FIGURES = json.loads((ROOT / "docs/size.json").read_text())
SEED = int(os.environ.get("SEED") or time.time())
OFF = 256  # bytes by which the page may be wrong
TLS = ("pinned", "ecdsa", "small", "public")
PROFILES = ("clear", "below", *TLS)
MECHS = [mech["part"] for mech in FIGURES["mechs"]]
TEXTS = ("name", "what", "cause", "advice")
# The device on this machine. Its transport is gone at once, so a job that was not refused ends with one of these errors.
STARTED = r"^ERR_(NET|TLS_CLOSED|NOT_SECURED|CLOSED_GREETING)$"
DEVICE = r'''
#include <stdio.h>
#include <string.h>
#include "popcl_fetch.h"
static int begin(void *c, const popcl_msg *m) { (void)c, (void)m; return 0; }
static int data(void *c, const void *p, size_t n) { (void)c, (void)p; return (int)n; }
static int commit(void *c) { (void)c; return 0; }
static void cut(void *c, popcl_err e) { (void)c, (void)e; }
const popcl_sink device_sink = {.begin = begin, .data = data, .commit = commit, .abort = cut};
const char device_host[] = "mail.example.org", device_user[] = "u", device_password[] = "p";
const uint8_t device_security = POPCL_TLS;
uint32_t device_now_ms(void) { return 0; }
int64_t device_utc_s(void) { return 1900000000; }
int device_seed(unsigned char *seed, size_t n) { for (size_t i = 0; i < n; i++) seed[i] = (unsigned char)(i * 7 + 1); return 0; }
int device_send(const unsigned char *p, size_t n) { (void)p, (void)n; return -1; }
int device_recv(unsigned char *p, size_t n) { (void)p, (void)n; return -1; }
void device_watchdog(void *ctx) { (void)ctx; }
void device_result(popcl_err e) { puts(popcl_err_name(e)); }
void device_show(const char *text) { (void)text; }
void device_load(unsigned char *p, size_t n) { memset(p, 0, n); }
void device_store(const unsigned char *p, size_t n) { (void)p, (void)n; }
'''


def trust_text(anchors, octets, pins):
    """A trust in the form of popcl-ta: anchors of P-256 whose names fill them up to so many octets, the struct of 16 included."""
    entry = octets - 16
    names = entry - 12 - 65
    head = [23, 1, 255, 0, 0, 65, 0, 0, 0xFF, 0xFF, *divmod(max(names, 0), 256)]
    row = ", ".join(map(str, (head + [4] + [7] * max(entry - 13, 0))[:entry]))
    lines = ['#include "popcl_tls.h"', "extern const popcl_trust device_trust;"]
    lines += [f"static const unsigned char ca_entry_{n}[] = {{{row}}};" for n in range(anchors)]
    if anchors:
        lines += ["static const popcl_anchor ca_anchors[] = {", *[f"    {{{{{n % 256}, {n // 256}}}, ca_entry_{n}, sizeof ca_entry_{n}}}," for n in range(anchors)], "};"]
    if pins:
        lines += ["static const unsigned char ca_pins[][POPCL_PIN_LEN] = {", *[f"    {{{n % 255 + 1}}}," for n in range(pins)], "};"]
    parts = [*([f".anchors = ca_anchors, .anchors_len = {anchors}"] if anchors else []), *([f".pins = ca_pins, .pins_len = {pins}"] if pins else [])]
    return "\n".join([*lines, f"const popcl_trust device_trust = {{{', '.join(parts) or '0'}}};", ""])


def macros(choice):
    """The words of a compiler for tests/size/fetch.c."""
    plan = 0 if choice["lent"] else max([82, choice["plan"] * (12 + choice["uid"]), *[mech["plan"] for mech in FIGURES["mechs"] if mech["part"] in choice["mechs"]],
                                         *([200] if "apop" in choice["mechs"] else [])])
    words = [f"-DBUFFER={choice['buffer']}", f"-DPLAN={plan}"]
    words += ["-DCLEAR_ONLY"] if choice["profile"] not in TLS else []
    words += ["-DBELOW"] if choice["profile"] == "below" else []
    words += [f"-D{name.upper()}={choice[name]}" for name in ("window", "resume", "seen") if choice[name]]
    named = [f"&popcl_mech_{mech}," for mech in ("user", *choice["mechs"])]
    words += ["-DMECHS=" + "".join(named)] if choice["mechs"] else []
    return words + [f"-D{text.upper()}" for text in choice["texts"] if text != "utf8"]


class SizePage(ConsumerCase):
    """What the classes below share: the page, and a choice made in it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.chdir(ROOT)  # tests/size works there
        cls.page = Page(cls.folder, URL)
        cls.addClassCleanup(cls.page.close)

    def put(self, name, value):
        """A control of the form as its reader sets it; one that is greyed out is left as it is."""
        self.page.run(f"""(() => {{ const input = document.getElementById({json.dumps(str(name))}), value = {json.dumps(value)};
            if (input.disabled) return;
            if (typeof value === "boolean") {{ if (input.checked !== value) input.click(); return; }}
            if (input.type === "radio") {{ input.click(); return; }}
            input.value = value; input.dispatchEvent(new Event("input", {{bubbles: true}})); }})()""")

    def greyed(self):
        """The controls that are greyed out, and the record buffers."""
        return set(self.page.run("""[...document.querySelectorAll("#choice input:disabled, #choice option:disabled")].map(one => one.id || "buffer " + one.value)"""))

    def sums(self):
        """Bytes of popcl's part: flash, RAM, stack."""
        return {what: int(self.page.run(f"document.getElementById('{what}_sum').dataset.popcl")) for what in ("flash", "ram", "stack")}


class Combinations(SizePage):
    """Choices at random, each built and linked."""

    def chosen(self, dice):
        """A choice at random among what the page offers, and made in it."""
        choice = {"core": dice.choice(list(FIGURES["flash"])), "profile": dice.choice(PROFILES)}
        self.put("core", choice["core"])
        self.put(choice["profile"], "on")
        self.put("lent", dice.random() < 0.5)
        off = self.greyed()
        sizes = [octets for octets in FIGURES["buffers"] if f"buffer {octets}" not in off]
        wanted = {"buffer": dice.choice(sizes), "resume": dice.choice((0, 1, 3)), "anchors": dice.randrange(1, 9), "anchor": dice.choice((93, 125, 287, 543)),
                  "pins": dice.randrange(1, 5), "plan": dice.randrange(1, 300), "uid": dice.randrange(1, 71), "window": dice.choice((0, 0, 1, 8, 40)),
                  "seen": dice.choice((0, 0, 50, 777))}
        for name, value in wanted.items():
            self.put(name, str(value))
            choice[name] = 0 if name in off else value
        choice["lent"] = "lent" not in off and "plan" in off
        for group, names in (("mechs", ["apop", *MECHS]), ("texts", [*TEXTS, "utf8"])):
            share = dice.choice((0, 0.2, 0.7))
            choice[group] = [name for name in names if name not in off and dice.random() < share]
            for name in names:
                self.put(name, name in choice[group])
        return choice

    def build(self, choice, trust):
        """Bytes of flash and RAM of popcl's part in the image of a choice."""
        settings = (f"-DPOPCL_WITH_APOP={int('apop' in choice['mechs'])}", f"-DPOPCL_WITH_UTF8={int('utf8' in choice['texts'])}")
        profile = choice["profile"] if choice["profile"] in TLS else "pinned"
        trust.write_text(trust_text(choice["anchors"], choice["anchor"], choice["pins"]))
        made = image.fetch_image(str(self.folder), profile, choice["core"], macros(choice), settings, str(trust))
        sections = {name: int(octets) for name, octets in re.findall(r"^(\.\S+)\s+(\d+)\s", cores.CPUS[choice["core"]].tool("size", "-A", made.path), re.M)}
        program = made.octets.get(("program", "tests_size_fetch.c"), 0)
        flash = sum(octets for name, octets in sections.items() if re.match(r"\.(text|init|rodata|data|sdata|eh_frame|ARM\.)", name))
        ram = sum(octets for name, octets in sections.items() if re.match(r"\.(s?data|s?bss|tbss|tdata)", name))
        return {"flash": flash - program, "ram": ram}

    def test_20_combinations_at_random(self):
        """[I-2]"""
        count = int(os.environ.get("COMBINATIONS") or 20)
        print(f"# combinations of docs/size.html: SEED={SEED}", flush=True)
        dice, worst = random.Random(SEED), {"flash": 0, "ram": 0}
        for number in range(count):
            choice = self.chosen(dice)
            shown = self.sums()
            with self.subTest(f"SEED={SEED}, number {number}: {json.dumps(choice)}"):
                try:
                    built = self.build(choice, self.folder / f"trust{number}.c")
                except image.Missing as why:
                    self.skipTest(str(why))
                for what, octets in built.items():
                    worst[what] = max(worst[what], abs(octets - shown[what]))
                    self.assertLessEqual(abs(octets - shown[what]), OFF, f"{what}: {octets} linked, {shown[what]} in the page")
        print(f"# the page differs by at most {worst['flash']} bytes of flash and {worst['ram']} of RAM", flush=True)


class Greyed(SizePage):
    """What the page greys out cannot be built or is refused, and what it offers can be built and starts."""

    @staticmethod
    def words(profile):
        tls = [f"-DPROFILE={profile}"] if profile in TLS else ["-DCLEAR_ONLY", *(["-DBELOW"] if profile == "below" else [])]
        bearssl = [f"-isystem{place}" for place in filter(None, [os.environ.get("BEARSSL_INC")])]
        return ["gcc", "-std=c99", "-I", ROOT / "include", *bearssl, *tls]

    def named(self, profile):
        """What fetch.c wants of other files."""
        self.run_program(*self.words(profile), "-c", ROOT / "tests/size/fetch.c", "-o", self.folder / "fetch.o")
        return self.run_program("nm", "-u", self.folder / "fetch.o")

    def start(self, profile, *words, anchors=1, pins=1, code=0):
        """The result of fetch.c on this machine, or what the compiler has against it."""
        trust, device, program = (self.folder / name for name in ("trust.c", "device.c", "app"))
        trust.write_text(trust_text(anchors if profile != "pinned" or anchors > 1 else 0, 93, pins))
        device.write_text(DEVICE)
        plan = [] if any(word.startswith("-DPLAN") for word in words) else ["-DPLAN=1000"]  # for every login
        said = self.run_program(*self.words(profile), *plan, *words, ROOT / "tests/size/fetch.c", trust, device, BUILD / "libpopcl.a",
                                *(os.environ.get("BEARSSL_LIBS") or "-lbearssl").split(), "-o", program, code=code)
        return self.run_program(program).strip() if code == 0 else said

    def cases(self, profile, control):
        """(how it is refused, what is said) if a control that is greyed out is used all the same."""
        if control in MECHS:
            words = f"-DMECHS=&popcl_mech_{control},", f"-DAUTH=POPCL_AUTH_{control.upper()}"
            return self.start(profile, *words), r"^ERR_MECHANISM_NEEDS_TLS$"
        if control == "lent":
            return self.start(profile, "-DPLAN=0"), r"^ERR_PLAN_SMALL$" if profile in TLS else r"^ERR_ARGUMENT$"
        if control.startswith("buffer"):
            return self.start(profile, f"-DBUFFER={control.split()[1]}"), r"^ERR_IOBUF_SMALL$"
        if control == "resume":
            return self.start(profile, "-DRESUME=1", code=1), r"\btls\W+undeclared"
        if profile == "pinned" and control in ("anchors", "anchor"):
            return self.start(profile, anchors=2), r"^ERR_ARGUMENT$"
        if control in ("anchors", "anchor", "pins"):
            return self.named(profile), r"(?s)\A(?!.*device_trust)"  # there is nothing to give a trust to
        raise AssertionError(f"{control} is greyed out, and nothing here shows why")

    def test_what_is_greyed_out_is_refused(self):
        number = 0
        for profile in PROFILES:
            self.put(profile, "on")
            self.put("lent", False)
            for control in sorted(self.greyed() - {"user"} - {box for box in self.greyed() if box.startswith("ECDHE")}):
                with self.subTest(f"{profile}: {control}"):
                    said, wanted = self.cases(profile, control)
                    self.assertRegex(said, wanted)
                    number += 1
        self.assertGreater(number, 20)

    def test_what_is_offered_starts(self):
        for profile in PROFILES:
            self.put(profile, "on")
            self.put("lent", True)
            off = self.greyed()
            with self.subTest(profile):
                self.assertRegex(self.start(profile), STARTED)
            for mech in set(MECHS) - off:
                with self.subTest(f"{profile}: {mech}"):
                    self.assertRegex(self.start(profile, f"-DMECHS=&popcl_mech_{mech},", f"-DAUTH=POPCL_AUTH_{mech.upper()}"), STARTED)
            for words in ([] if "lent" in off else ["-DPLAN=0"], [] if "resume" in off else ["-DRESUME=2"],
                          *([f"-DBUFFER={octets}"] for octets in FIGURES["buffers"] if f"buffer {octets}" not in off)):
                with self.subTest(f"{profile}: {words}"):
                    self.assertRegex(self.start(profile, *words), STARTED)

    def test_the_suites_are_those_that_are_linked(self):
        """By the code of each cipher and of RSA."""
        code = {"CHACHA20": "br_chacha20_ct_run", "AES-128": "br_aes_small_ctr_init", "AES-256": "br_tls12_sha384_prf", "RSA": "br_rsa_i15_pkcs1_vrfy"}
        for profile in TLS:
            self.put(profile, "on")
            ticked = self.page.run("[...document.querySelectorAll('#suites input')].filter(box => box.checked).map(box => box.value)")
            self.assertTrue(ticked, profile)
            try:
                there = image.fetch_image(str(self.folder), profile, cores.MAIN).symbols()
            except image.Missing as why:
                self.skipTest(str(why))
            for part, symbol in code.items():
                with self.subTest(f"{profile}: {part}"):
                    self.assertEqual(any(f"-{part}-" in suite for suite in ticked), symbol in there)


class Reading(SizePage):
    """The page for its readers."""

    def test_by_keyboard(self):
        page = self.page
        page.open(URL)
        wanted = set(page.run("[...document.querySelectorAll('#choice input:enabled:not([type=radio]), #choice select')].map(one => one.id)"))
        reached = set()
        for _ in range(2 * len(wanted)):
            page.press("Tab")
            reached.add(page.run("document.activeElement.id"))
        self.assertEqual(wanted - reached, set())
        before = self.sums()["flash"]
        page.run("document.getElementById('plain').focus()")
        page.press(" ")
        self.assertGreater(self.sums()["flash"], before)
        page.press(" ")
        self.assertEqual(self.sums()["flash"], before)
        page.run("document.getElementById('public').focus()")
        page.press("ArrowUp")
        self.assertEqual(page.run("document.querySelector('#profiles input:checked').id"), "small")
        self.assertLess(self.sums()["flash"], before)

    def test_the_address_keeps_the_choice(self):
        page = self.page
        page.open(URL)
        for name, value in (("core", list(FIGURES["flash"])[-1]), ("small", "on"), ("buffer", "4125"), ("scram_sha_256", True), ("lent", False), ("plan", "33")):
            self.put(name, value)
        address, sums = page.run("location.href"), self.sums()
        page.open("about:blank")
        page.open(address)
        self.assertEqual(self.sums(), sums)
        self.assertEqual(page.run("document.getElementById('plan').value"), "33")

    def test_an_address_that_is_older_than_the_page(self):
        """A core, a profile or a buffer that the page does not offer any more changes nothing, and the rest of the choice counts."""
        page = self.page
        page.open(URL)
        self.put("lent", False)
        self.put("plan", "33")
        sums = self.sums()
        page.open("about:blank")
        page.open(URL + "#core=none&profile=none&buffer=1&plan=33")
        self.assertEqual(self.sums(), sums)

    def test_whether_it_fits(self):
        page = self.page
        page.open(URL)
        self.assertEqual(page.run("document.getElementById('ram').value"), "64")
        for ram, wanted in (("64", "It fits: "), ("8", "It does not fit: ")):
            self.put("ram", ram)
            self.assertTrue(page.run("document.getElementById('verdict').textContent").startswith(wanted), ram)
        shown = page.run("document.getElementById('ram_table').textContent")
        self.assertIn(f"{self.sums()['stack']:,}", shown)

    def test_light_dark_and_narrow(self):
        page, backs = self.page, {}
        page.open(URL)
        for name, width, height, scheme in (("light", 1280, 900, "light"), ("dark", 1280, 900, "dark"), ("narrow", 360, 740, "light"), ("narrow-dark", 360, 740, "dark")):
            with self.subTest(name):
                page.show(width, height, scheme)
                backs[name] = page.run("getComputedStyle(document.body).backgroundColor")
                self.assertLessEqual(page.run("document.scrollingElement.scrollWidth"), width)
                page.picture(BUILD / f"size-page-{name}.png")
        self.assertNotEqual(backs["light"], backs["dark"])

    def test_nothing_is_fetched(self):
        """No request but for the page, and nothing that its own policy forbids."""
        self.page.open(URL)
        events = self.page.events
        asked = {event["params"]["request"]["url"].split("#")[0] for event in events if event["method"] == "Network.requestWillBeSent"}
        self.assertEqual({url for url in asked if not url.startswith(("data:", "about:"))}, {URL})
        self.assertEqual([event["params"]["entry"] for event in events if event["method"] == "Log.entryAdded"], [])


if __name__ == "__main__":
    unittest.main()
