# SPDX-License-Identifier: MIT
"""A page in headless Chromium, driven by its DevTools protocol over two pipes. The browser has no network, as far as this user may take it away."""
import base64
import json
import os
import select
import shutil
import subprocess
import time
import unittest

from consumer import without_network
from dovecot import end_session

NAMES = ("chromium", "chromium-browser", "google-chrome")
WORDS = ["--headless", "--remote-debugging-pipe", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-gpu",
         "--disable-dev-shm-usage", "--hide-scrollbars"]
# What the protocol wants of a key: its name, the code of Windows, and its text.
KEYS = {"Tab": ("Tab", 9, ""), " ": ("Space", 32, " "), "ArrowDown": ("ArrowDown", 40, ""), "ArrowUp": ("ArrowUp", 38, "")}
SECONDS = 60  # says only when to give up


class Page:
    """One page. `events` has all that the browser reported."""

    def __init__(self, folder, url):
        name = next(filter(None, map(shutil.which, NAMES)), None)
        if not name:
            raise unittest.SkipTest("Chromium is not installed: make deps-adoption")
        self.events, self.waiting, self.last, self.session = [], b"", 0, None
        theirs_in, self.out = os.pipe()
        self.into, theirs_out = os.pipe()
        root = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium has no sandbox for root
        self.child = subprocess.Popen(["sh", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "sh", *without_network(), name, *WORDS, *root,
                                       f"--user-data-dir={folder}/chromium"], pass_fds=[theirs_in, theirs_out], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Network", "Log"):
                self.call(domain + ".enable")
            self.open(url)
        except BaseException:
            self.close()
            raise

    def close(self):
        self.child.terminate()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        end_session(self.child.pid)  # the browser's children outlive it for a moment, and write into the folder that the caller removes next
        os.close(self.out)
        os.close(self.into)

    def call(self, method, **parameters):
        """The result of one command."""
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters, **({"sessionId": self.session} if self.session else {})}
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.out, data):]
        while True:
            answer = self.read(method)
            if answer.get("id") == self.last:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def read(self, what):
        until = time.monotonic() + SECONDS
        while b"\0" not in self.waiting:
            ready, _, _ = select.select([self.into], [], [], max(0, until - time.monotonic()))
            piece = os.read(self.into, 1 << 16) if ready else b""
            if not piece:
                raise AssertionError(f"Chromium does not answer to {what}")
            self.waiting += piece
        message, _, self.waiting = self.waiting.partition(b"\0")
        return json.loads(message)

    def open(self, url):
        before = len(self.events)
        loads = "loaderId" in self.call("Page.navigate", url=url)  # not if only the part after # is another one
        while loads and not any(event["method"] == "Page.loadEventFired" for event in self.events[before:]):
            self.events.append(self.read(url))

    def run(self, expression):
        """The value of an expression of JavaScript in the page."""
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in done:
            raise AssertionError(f"{expression}: {done['exceptionDetails']}")
        return done["result"].get("value")

    def press(self, key):
        code, number, text = KEYS[key]
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=code, windowsVirtualKeyCode=number, **({"text": text} if kind == "keyDown" and text else {}))

    def show(self, width, height, scheme):
        """How large the window is, and whether the reader likes light or dark."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self, path, whole=True):
        data = self.call("Page.captureScreenshot", captureBeyondViewport=whole, **({"clip": self.area()} if whole else {}))["data"]
        with open(path, "wb") as out:
            out.write(base64.b64decode(data))

    def area(self):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
