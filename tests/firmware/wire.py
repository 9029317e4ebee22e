# SPDX-License-Identifier: MIT
"""The wire between a board in QEMU and this machine: every Ethernet frame passes through a thread here, as an ordinary user.

QEMU's user network stands at the far end and carries TCP to 127.0.0.1, which the board knows as 10.0.2.2. Nothing else gets to it: ARP is
answered here, and so are DHCP and DNS, as a test wants them answered (late, wrong, never). A frame for anybody else is a stray: it is
dropped, and remembered, and a test fails on it. So no board can reach more than this machine's loopback, and no question for a name leaves.

    wire = Wire(names={"mail.example": [Wire.HOST]})
    process = subprocess.Popen(["qemu-system-arm", ..., *wire.options()], pass_fds=wire.fds)
    wire.start(); ...; wire.end()

The way through is two of QEMU's filter-redirectors on its netdev, one a direction; on their sockets each frame has its length before it.
"""
import collections
import heapq
import ipaddress
import random
import select
import socket
import struct
import threading
import time

IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86dd
TCP, UDP, ICMP6 = 6, 17, 58
SYN, RST, ACKNOWLEDGED = 2, 4, 16
MTU = 1500
DHCP_SERVER, DHCP_CLIENT, DNS = 67, 68, 53
BROADCAST = b"\xff" * 6
OURS = b"\x52\x55\x0a\x00\x02\x35"  # the responder's own address on the wire
# Messages of DHCP (RFC 2132, 9.6)
DISCOVER, OFFER, REQUEST, ACK, NAK = 1, 2, 3, 5, 6
NO_SUCH_NAME, SERVER_FAILURE = 3, 2  # answers of DNS (RFC 1035, 4.1.1)


def packed(address):
    return ipaddress.ip_address(address).packed


def checksum(octets):
    octets += b"\0" * (len(octets) % 2)
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def udp_frame(to_mac, source, to, payload):
    """A whole frame from the responder; source and to are (address, port). UDP's checksum is left out, as IPv4 allows."""
    udp = struct.pack("!HHHH", source[1], to[1], 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, UDP, 0, packed(source[0]), packed(to[0]))
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return to_mac + OURS + struct.pack("!H", IPV4) + head + udp


class Packet:
    """What the wire wants to know of an IP packet in a frame."""

    def __init__(self, frame):
        if frame[12:14] == b"\x86\xdd":
            length, octets, self.protocol, at, size = 40, 40 + struct.unpack("!H", frame[18:20])[0], frame[20], 22, 16
        else:
            length, octets, self.protocol, at, size = (frame[14] & 15) * 4, struct.unpack("!H", frame[16:18])[0], frame[23], 26, 4
        self.source, self.to = (str(ipaddress.ip_address(frame[start:start + size])) for start in (at, at + size))
        rest = frame[14 + length:14 + octets]
        self.source_port, self.to_port = struct.unpack("!HH", rest[:4]) if self.protocol in (TCP, UDP) and len(rest) >= 8 else (0, 0)
        skip = {TCP: (rest[12] >> 4) * 4 if len(rest) > 12 else 0, UDP: 8}.get(self.protocol, 0)
        self.payload = rest[skip:]
        self.flags = rest[13] & 0x3f if self.protocol == TCP and len(rest) > 13 else 0
        # Octets of the largest packet that who sends this SYN wants to get (MSS; RFC 9293, 3.7.1)
        self.wants = length + 20 + struct.unpack("!H", rest[22:24])[0] if self.flags == SYN and rest[20:22] == b"\2\4" else 0


def as_reset(frame):
    """A frame of TCP's, without its octets and with the word that the connection is broken off (RST)."""
    start = 14 + (frame[14] & 15) * 4
    segment = frame[start:start + 12] + bytes([5 << 4, RST | ACKNOWLEDGED]) + b"\0" * 6
    head = frame[14:16] + struct.pack("!H", start - 14 + len(segment)) + frame[18:24] + b"\0\0" + frame[26:start]
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    pseudo = frame[26:34] + struct.pack("!BBH", 0, TCP, len(segment))
    segment = segment[:16] + struct.pack("!H", checksum(pseudo + segment)) + segment[18:]
    return frame[:14] + head + segment


def _is_answer(given):
    """Whether this is one answer of DNS, and not a list of them."""
    return not isinstance(given, list) or all(isinstance(one, str) for one in given)


class Wire:
    """`names`: a name's addresses, or the code of an answer that says no, or None: not answered. A list of such: one for each question, the
    last for all that follow. Each may stand with seconds before it: (1.5, [HOST]) is answered so late. `dhcp_deaf`: so many messages of DHCP
    get no answer; `lease_s`: how long an address is given for. `lose`, `swap`: the share of TCP's frames that are lost, or overtaken by the next one; `seed` makes them repeatable."""

    BOARD, HOST, RESOLVER = "10.0.2.15", "10.0.2.2", "10.0.2.53"
    HOST6 = "fec0::2"  # for ::1

    def __init__(self, names=None, dhcp_deaf=0, lease_s=86400, lose=0.0, swap=0.0, seed=1):
        self.names = {name: [given] if _is_answer(given) else list(given) for name, given in (names or {}).items()}
        self.dhcp_deaf, self.lease_s, self.lose, self.swap = dhcp_deaf, lease_s, lose, swap
        self.refusals = 0        # so often the board may not keep its address
        self.down = False        # the cable is pulled: nothing passes
        self.up_tcp, self.down_tcp = bytearray(), bytearray()  # payloads of TCP, as they passed
        self.counts = collections.Counter()                     # frames by kind, questions by name
        self.strays = []
        self.board_mac = None
        self.crashed = None      # what ended this thread before its time
        self._chance = random.Random(seed)
        self._actions = []       # (octets, what is done once so many came down)
        self._held = {}          # a frame that waits to be overtaken, for each direction
        self._later = []         # (when, number, socket, frame)
        self._number = 0
        self._lock = threading.Lock()
        pairs = [socket.socketpair() for _ in range(4)]
        self._from_board, self._to_host, self._from_host, self._to_board = (pair[0] for pair in pairs)
        self._theirs = [pair[1] for pair in pairs]
        self.fds = [s.fileno() for s in self._theirs]
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def after(self, octets, action):
        """Calls action(frame) with the frame in which more than so many octets have come down; it returns the one to pass on, or None."""
        self._actions = sorted([*self._actions, (octets, action)], key=lambda pair: pair[0])

    def options(self, netdev="user,id=n0"):
        """What QEMU is told: the netdev n0, and the way through here."""
        board_out, host_in, host_out, board_in = self.fds[:4]
        words = ["-netdev", netdev]
        for name, fd in (("board_out", board_out), ("host_in", host_in), ("host_out", host_out), ("board_in", board_in)):
            words += ["-chardev", f"socket,id={name},fd={fd}"]
        # A netdev's rx queue is what the board sends, its tx queue what the board gets.
        return words + ["-object", "filter-redirector,id=up,netdev=n0,queue=rx,outdev=board_out,indev=host_in",
                        "-object", "filter-redirector,id=down,netdev=n0,queue=tx,outdev=host_out,indev=board_in"]

    def start(self):
        """QEMU runs, and has its ends."""
        for s in self._theirs:
            s.close()
        self._thread.start()

    def end(self):
        self._stop.close()
        if self._thread.is_alive():
            self._thread.join()
        for s in (*self._theirs, self._from_board, self._to_host, self._from_host, self._to_board, self._stopped):
            s.close()

    # ---- the thread ----

    def _run(self):
        try:
            self._relay()
        except (BrokenPipeError, ConnectionResetError):  # QEMU has ended
            pass
        except Exception as error:  # pylint: disable=broad-except
            self.crashed = error

    def _relay(self):
        rest = {self._from_board: b"", self._from_host: b""}
        take = {self._from_board: self._board_sends, self._from_host: self._host_sends}
        while True:
            wait = max(0.0, self._later[0][0] - time.monotonic()) if self._later else None
            ready, _, _ = select.select([*rest, self._stopped], [], [], wait)
            self._send_due()
            if self._stopped in ready:
                return
            for s in ready:
                data = s.recv(1 << 16)
                if not data:
                    return
                rest[s] += data
                while len(rest[s]) >= 4 and len(rest[s]) >= 4 + (length := int.from_bytes(rest[s][:4], "big")):
                    frame, rest[s] = rest[s][4:4 + length], rest[s][4 + length:]
                    take[s](frame)

    def _send(self, s, frame):
        if not self.down:
            frame += b"\0" * (60 - len(frame))  # the least that Ethernet knows
            with self._lock:
                s.sendall(len(frame).to_bytes(4, "big") + frame)

    def _send_due(self):
        while self._later and self._later[0][0] <= time.monotonic():
            _, _, s, frame = heapq.heappop(self._later)
            self._send(s, frame)

    def _send_later(self, seconds, frame):
        self._number += 1
        heapq.heappush(self._later, (time.monotonic() + seconds, self._number, self._to_board, frame))

    def inject(self, frames):
        """The board gets these too. For another thread."""
        for frame in frames:
            self._send(self._to_board, frame)

    # ---- what the board sends ----

    def _board_sends(self, frame):
        if self.down:
            return
        self.board_mac = frame[6:12]
        kind = struct.unpack("!H", frame[12:14])[0]
        if kind == ARP:
            self._arp(frame)
        elif kind == IPV4:
            self._ipv4(frame)
        elif kind == IPV6 and Packet(frame).protocol == ICMP6:  # who is there, and which router; QEMU's network asks nobody further
            self._send(self._to_host, frame)
        elif kind == IPV6 and Packet(frame).to == self.HOST6:
            self._tcp_up(frame, Packet(frame))
        else:
            self._stray(frame)

    def _arp(self, frame):
        operation, target = struct.unpack("!H", frame[20:22])[0], str(ipaddress.IPv4Address(frame[38:42]))
        self.counts["arp"] += 1
        if target == self.HOST:
            self._send(self._to_host, frame)
        elif target == self.RESOLVER and operation == 1:
            self._send(self._to_board, frame[6:12] + OURS + frame[12:20] + b"\0\2" + OURS + packed(target) + frame[22:32])
        elif target != self.BOARD:  # which asks for itself to see that nobody else has its address
            self._stray(frame)

    def _ipv4(self, frame):
        packet = Packet(frame)
        if packet.protocol == TCP and packet.to == self.HOST:
            self._tcp_up(frame, packet)
        elif packet.protocol == UDP and packet.to_port == DHCP_SERVER:
            self._dhcp(packet.payload)
        elif packet.protocol == UDP and packet.to == self.RESOLVER and packet.to_port == DNS:
            self._dns(packet)
        else:
            self._stray(frame)

    def _tcp_up(self, frame, packet):
        self.counts["connections"] += packet.flags == SYN
        self.counts["wants too much"] += packet.wants > MTU
        self.up_tcp += packet.payload
        self._pass(self._to_host, frame)

    def _stray(self, frame):
        multicast = frame[0] & 1 and frame[:6] != BROADCAST  # IGMP and its like ask nobody in particular
        if not multicast:
            self.strays.append(frame)

    def _host_sends(self, frame):
        kind = struct.unpack("!H", frame[12:14])[0]
        packet = Packet(frame) if kind in (IPV4, IPV6) else None
        if packet and packet.protocol == TCP:
            self.down_tcp += packet.payload
            if self._actions and len(self.down_tcp) > self._actions[0][0]:
                frame = self._actions.pop(0)[1](frame)
            if frame:
                self._pass(self._to_board, frame)
        elif kind == ARP or packet and packet.protocol == ICMP6:
            self._send(self._to_board, frame)

    def _pass(self, s, frame):
        """A frame of TCP, with the misfortunes that a test wants."""
        if self._chance.random() < self.lose:
            self.counts["lost"] += 1
            return
        if self.swap and s not in self._held and self._chance.random() < self.swap:
            self.counts["swapped"] += 1
            self._held[s] = frame
            return
        self._send(s, frame)
        if s in self._held:
            self._send(s, self._held.pop(s))

    # ---- DHCP (RFC 2131) ----

    def _dhcp(self, message):
        options, at = {}, 240
        while at + 1 < len(message) and message[at] != 255:
            if message[at] == 0:
                at += 1
                continue
            options[message[at]] = message[at + 2:at + 2 + message[at + 1]]
            at += 2 + message[at + 1]
        self.counts["dhcp"] += 1
        if self.dhcp_deaf > 0:
            self.dhcp_deaf -= 1
            return
        # A client that has an address says so, or asks for it without the name of a server (RFC 2131, 4.3.2)
        refused = self.refusals > 0 and (message[12:16] != b"\0" * 4 or 50 in options and 54 not in options)
        self.refusals -= refused
        answer = {DISCOVER: OFFER, REQUEST: NAK if refused else ACK}.get(options.get(53, b"\0")[0])
        if answer is None:
            return
        address = b"\0" * 4 if answer == NAK else packed(self.BOARD)
        given = [(53, bytes([answer])), (54, packed(self.RESOLVER))]
        if answer != NAK:
            given += [(51, struct.pack("!I", self.lease_s)), (1, packed("255.255.255.0")), (3, packed(self.HOST)), (6, packed(self.RESOLVER))]
        reply = b"\2" + message[1:4] + message[4:8] + b"\0" * 8 + address + packed(self.RESOLVER) + b"\0" * 4 + message[28:44] + b"\0" * 192
        reply += b"\x63\x82\x53\x63" + b"".join(bytes([code, len(value)]) + value for code, value in given) + b"\xff"
        self._send(self._to_board, udp_frame(BROADCAST, (self.RESOLVER, DHCP_SERVER), ("255.255.255.255", DHCP_CLIENT), reply))

    # ---- DNS (RFC 1035) ----

    def _dns(self, packet):
        query, at, labels = packet.payload, 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("ascii", "replace"))
            at += 1 + query[at]
        question, name = query[12:at + 5], ".".join(labels).lower()
        kind = struct.unpack("!H", query[at + 1:at + 3])[0]
        self.counts[f"dns {name}"] += 1
        answers = self.names.get(name, [NO_SUCH_NAME])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        seconds, answer = answer if isinstance(answer, tuple) else (0, answer)
        if answer is None:
            return
        code = answer if isinstance(answer, int) else 0
        records = [] if code else [packed(address) for address in answer if len(packed(address)) == {1: 4, 28: 16}.get(kind)]
        reply = query[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(records), 0, 0) + question
        reply += b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(record)) + record for record in records)
        self._send_later(seconds, udp_frame(self.board_mac, (self.RESOLVER, DNS), (packet.source, packet.source_port), reply))
