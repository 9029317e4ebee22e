# SPDX-License-Identifier: MIT
"""A cellular modem with the AT commands of Quectel's modules for TCP, on a serial line that is a descriptor: QIOPEN, QISEND, QIRD in buffer
access mode, QICLOSE, QIDNSGIP and QIGETERROR. Its network is this machine. It echoes commands and data until it is told not to.

    modem.py FD [WORD...]       words are faults, as in FAULTS; tests/port/quectel runs it in this way
"""
import errno
import os
import selectors
import socket
import sys
import time

FAULTS = {
    "noise": "reports of the network before and after each line of an answer, and between data and OK",
    "full": "every eighth QISEND is answered with SEND FAIL",
    "forgets": "QIRD of a connection that the server closed is an error once all is read",
    "mute=N": "no answer from the Nth command on; the 0th is the first",
    "restart=N": "begins anew in place of the answer to that command",
    "detach=N": "the network ends the PDP context in place of the answer to that command",
    "cut=N": "the line is cut in the middle of the answer to that command",
}
NOISE = [b'+CREG: 1,"1A2B","01C3D4E5",7', b'+QIND: "csq",23,99', b'+QIURC: "recv",9', b'+QIURC: "closed",9', b"^DSIM: " + b"x" * 150, b"+QIOPEN: 9,566"]
NAMES = {"peer.test": ["127.0.0.1"], "dead-first.test": ["127.0.0.2", "127.0.0.1"], "silent-first.test": ["127.0.0.3", "127.0.0.1"], "slow.test": None}
ROOM = 4096  # octets that it keeps for each direction of a connection
READ_MAX, SEND_MAX = 1500, 1460
LEAVING_S = 60


class Connection:
    """A socket of the modem: CONNECTING, UP, or LEAVING after QICLOSE."""

    def __init__(self, number, address, port):
        self.number, self.state, self.came, self.going = number, "CONNECTING", b"", b""
        self.reported = self.ended = self.deaf = self.shut = self.told_end = False
        self.socket = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.error = self.socket.connect_ex((address, port))
        self.until = None

    def wish(self):
        """The events to wait for."""
        if self.state == "CONNECTING":
            return selectors.EVENT_WRITE
        reads = not self.ended and (len(self.came) < ROOM or self.state == "LEAVING")
        return (selectors.EVENT_READ if reads else 0) | (selectors.EVENT_WRITE if self.going and not self.deaf else 0)

    def move(self):
        """Sends and receives what is possible."""
        while self.going and not self.deaf:
            try:
                self.going = self.going[self.socket.send(self.going, socket.MSG_NOSIGNAL):]
            except BlockingIOError:
                break
            except OSError:
                self.deaf = True
        if self.state == "LEAVING" and not self.shut and (self.deaf or not self.going):
            self.shut = True
            try:
                self.socket.shutdown(socket.SHUT_WR)
            except OSError:
                self.ended = True
        while not self.ended and (len(self.came) < ROOM or self.state == "LEAVING"):
            try:
                octets = self.socket.recv(ROOM - len(self.came) if self.state == "UP" else ROOM)
            except BlockingIOError:
                break
            except OSError:
                self.deaf, octets = True, b""
            self.ended |= not octets
            if self.state == "UP":
                self.came += octets

    def has_left(self):
        return self.state == "LEAVING" and (self.ended and (self.deaf or not self.going) or time.monotonic() > self.until)


class Modem:
    def __init__(self, line, faults=(), names=None):
        self.line, self.names = line, NAMES if names is None else names
        self.faults = {word.partition("=")[0]: int(word.partition("=")[2] or 0) for word in faults}
        unknown = set(self.faults) - {word.partition("=")[0] for word in FAULTS}
        if unknown:
            raise SystemExit(f"modem.py: no fault is named {', '.join(sorted(unknown))}")
        self.echo = self.data_echo = True
        self.text, self.given, self.wanted, self.target = b"", b"", 0, None
        self.connections, self.leaving, self.error = {}, [], (0, "operate successfully")
        self.orders, self.sends, self.noises = [], 0, 0
        self.cut = False
        os.set_blocking(line, True)

    # ---- the line ----

    def write(self, octets):
        while octets:
            octets = octets[os.write(self.line, octets):]

    def noise(self):
        if "noise" in self.faults:
            self.noises += 1
            self.write(b"\r\n" + NOISE[self.noises % len(NOISE)] + b"\r\n")

    def say(self, text):
        self.noise()
        self.write(b"\r\n" + text.encode() + b"\r\n")

    # ---- commands ----

    def take(self, octets):
        for at in range(len(octets)):
            octet = octets[at:at + 1]
            if self.wanted:
                self.given += octet
                self.wanted -= 1
                if not self.wanted:
                    self.take_data()
                continue
            if self.echo:
                self.write(octet)
            if octet == b"\r":
                order, self.text = self.text.decode("ascii", "replace").strip(), b""
                if order:
                    self.obey(order)
            elif octet != b"\n":
                self.text += octet

    def take_data(self):
        octets, self.given = self.given, b""
        if self.data_echo:
            self.write(octets)
        self.noise()
        one = self.connections.get(self.target)
        if not one or one.deaf:
            self.say("ERROR")
        elif len(one.going) + len(octets) > ROOM or ("full" in self.faults and self.sends % 8 == 1):
            self.say("SEND FAIL")
        else:
            one.going += octets
            one.move()
            self.say("SEND OK")
        self.sends += 1

    def fault_now(self, name):
        return name in self.faults and len(self.orders) > self.faults[name]

    def obey(self, order):
        self.orders.append(order)
        if self.fault_now("mute"):
            return
        if self.fault_now("restart"):
            del self.faults["restart"]
            self.hang_up_all()
            self.echo = self.data_echo = True
            self.write(b"\r\nRDY\r\n\r\nAPP RDY\r\n")
            return
        if self.fault_now("detach"):
            del self.faults["detach"]
            self.hang_up_all()
            self.say('+QIURC: "pdpdeact",1')
            self.say("ERROR")
            return
        if self.fault_now("cut"):
            self.write(b"\r\n+QI")
            self.cut = True
            return
        name, _, rest = order.partition("=")
        words = [word.strip('"') for word in rest.split(",")]
        simple = {"AT": None, "ATE0": ("echo", False), "ATE1": ("echo", True), "AT+QISDE=0": ("data_echo", False), "AT+QISDE=1": ("data_echo", True), "AT+QIACT=1": None}
        if order in simple or name == "AT+QICSGP":
            if simple.get(order):
                setattr(self, *simple[order])
            self.say("OK")
        elif order == "AT+QIGETERROR":
            self.say(f"+QIGETERROR: {self.error[0]},{self.error[1]}")
            self.say("OK")
        elif name in ("AT+QIOPEN", "AT+QICLOSE", "AT+QISEND", "AT+QIRD", "AT+QIDNSGIP"):
            getattr(self, name[3:].lower())(words)
        else:
            self.refuse(552, "invalid parameters")

    def refuse(self, number, text):
        self.error = number, text
        self.say("ERROR")

    def hang_up_all(self):
        for one in self.connections.values():
            one.socket.close()
        self.connections.clear()

    def qidnsgip(self, words):
        self.say("OK")
        addresses = self.names.get(words[1], [])
        if addresses is None:
            return
        self.say(f'+QIURC: "dnsgip",{0 if addresses else 565},{len(addresses)},600')
        for address in addresses:
            self.say(f'+QIURC: "dnsgip","{address}"')

    def qiopen(self, words):
        number, address, port = int(words[1]), words[3], int(words[4])
        if number in self.connections:
            self.refuse(563, "socket identity has been used")
            return
        self.say("OK")
        self.connections[number] = Connection(number, address, port)

    def opened(self, one, error):
        """The answer to QIOPEN. The server may have said yes and have broken off since."""
        if error in (0, errno.ECONNRESET, errno.EPIPE):
            one.state = "UP"
            one.deaf = error != 0
            one.move()
            self.say(f"+QIOPEN: {one.number},0")
        else:
            one.state = "FAILED"
            self.say(f"+QIOPEN: {one.number},566")

    def qiclose(self, words):
        one = self.connections.pop(int(words[0]), None)
        if one and one.state == "UP":
            one.state, one.until = "LEAVING", time.monotonic() + LEAVING_S
            self.leaving.append(one)
        elif one:
            one.socket.close()
        self.say("OK" if one else "ERROR")

    def qisend(self, words):
        one, size = self.connections.get(int(words[0])), int(words[1])
        if not one or one.state != "UP" or one.deaf or not 0 < size <= SEND_MAX:
            self.refuse(558, "socket write failed")
            return
        self.target, self.wanted = one.number, size
        self.noise()
        self.write(b"\r\n> ")

    def qird(self, words):
        one, size = self.connections.get(int(words[0])), int(words[1])
        if not one or one.state not in ("UP", "FAILED") or not 0 < size <= READ_MAX or ("forgets" in self.faults and one.ended and not one.came):
            self.refuse(559, "socket read failed")
            return
        octets, one.came = one.came[:size], one.came[size:]
        one.reported &= bool(one.came)
        one.move()
        self.say(f"+QIRD: {len(octets)}")
        self.write(octets)
        self.noise()
        self.say("OK")

    # ---- the loop ----

    def report(self, one):
        """What it tells by itself: once when data comes into an empty buffer, and the server's end."""
        if one.came and not one.reported:
            one.reported = True
            self.say(f'+QIURC: "recv",{one.number}')
        if one.ended and not one.told_end:
            one.told_end = True
            self.say(f'+QIURC: "closed",{one.number}')

    def turn(self):
        for one in list(self.connections.values()):
            if one.state == "CONNECTING":
                if one.error not in (0, errno.EINPROGRESS):
                    self.opened(one, one.error)
                    continue
                ready = self.ready.get(one.socket, 0)
                if ready or one.error == 0:
                    self.opened(one, one.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
            if one.state == "UP":
                one.move()
                if not self.wanted:
                    self.report(one)
        for one in list(self.leaving):
            one.move()
            if one.has_left():
                one.socket.close()
                self.leaving.remove(one)

    def wait(self):
        """Until something can move. Sets ready."""
        with selectors.DefaultSelector() as wishes:
            if not self.cut:
                wishes.register(self.line, selectors.EVENT_READ)
            for one in [*self.connections.values(), *self.leaving]:
                if one.state != "FAILED" and one.wish():
                    wishes.register(one.socket, one.wish())
            begun = any(one.state == "CONNECTING" and one.error != errno.EINPROGRESS for one in self.connections.values())
            self.ready = {key.fileobj: events for key, events in wishes.select(0 if begun else 1)}
        return self.line in self.ready

    def run(self):
        """Until nobody is at the other end of the line, and all that was sent is on its way."""
        there = True
        try:
            self.write(b"\r\nRDY\r\n")
            while there and not self.cut:
                if self.wait():
                    octets = os.read(self.line, 4096)
                    there = bool(octets)
                    self.take(octets)
                self.turn()
        except (BrokenPipeError, ConnectionResetError, OSError) as e:
            if e.errno not in (errno.EPIPE, errno.ECONNRESET, errno.EIO, errno.EBADF):
                raise
        self.cut = True
        os.close(self.line)
        for one in self.connections.values():
            if one.state == "UP":
                one.state, one.until = "LEAVING", time.monotonic() + LEAVING_S
                self.leaving.append(one)
            else:
                one.socket.close()
        self.connections.clear()
        self.turn()
        while self.leaving:
            self.wait()
            self.turn()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__ + "\n".join(f"    {name:10} {text}" for name, text in FAULTS.items()))
    Modem(int(sys.argv[1]), sys.argv[2:]).run()
