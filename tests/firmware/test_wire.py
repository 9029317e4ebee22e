# SPDX-License-Identifier: MIT
"""The wire itself, with a test in the board's place: what the tests of firmware rest on."""
import socket
import struct
import subprocess
import unittest

from wire import BROADCAST, DNS, SERVER_FAILURE, UDP, Packet, Wire, checksum, packed, udp_frame

MAC = b"\x52\x54\x00\x12\x34\x56"
SECONDS = 5


class Board:
    """The far end of QEMU's hub: sends and gets frames."""

    def __init__(self, wire):
        ours, theirs = socket.socketpair()
        hub = ["-netdev", "hubport,id=h0,hubid=1,netdev=n0", "-netdev", f"socket,id=s0,fd={theirs.fileno()}",
               "-netdev", "hubport,id=h1,hubid=1,netdev=s0"]
        self.process = subprocess.Popen(["qemu-system-arm", "-M", "none", "-display", "none", "-monitor", "none", "-serial", "none",
                                         *wire.options(), *hub], pass_fds=[*wire.fds, theirs.fileno()], stderr=subprocess.DEVNULL)
        theirs.close()
        ours.settimeout(SECONDS)
        self.socket = ours

    def send(self, frame):
        self.socket.sendall(struct.pack("!I", len(frame)) + frame)

    def get(self):
        length = struct.unpack("!I", self.socket.recv(4, socket.MSG_WAITALL))[0]
        return self.socket.recv(length, socket.MSG_WAITALL)

    def end(self):
        self.socket.close()
        self.process.kill()
        self.process.wait()


def arp(target):
    return BROADCAST + MAC + b"\x08\x06\0\1\x08\0\6\4\0\1" + MAC + packed(Wire.BOARD) + b"\0" * 6 + packed(target) + b"\0" * 18


def udp(to, payload, port=4000):
    frame = udp_frame(BROADCAST, (Wire.BOARD, port), to, payload)
    return frame[:6] + MAC + frame[12:]


def dhcp(kind):
    return udp(("255.255.255.255", 67), b"\1\1\6\0" + b"abcd" + b"\0" * 20 + MAC + b"\0" * 202 + b"\x63\x82\x53\x63" + bytes([53, 1, kind, 255]), 68)


def question(name, number=7):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return udp((Wire.RESOLVER, DNS), struct.pack("!HHHHHH", number, 0x100, 1, 0, 0, 0) + labels + b"\0\0\1\0\1")


class TheWire(unittest.TestCase):
    """ARP, DHCP, DNS; who gets through, and who does not."""

    def wire(self, **options):
        wire = Wire(**options)
        board = Board(wire)
        wire.start()
        self.addCleanup(wire.end)
        self.addCleanup(board.end)
        return wire, board

    def test_our_machine_and_the_resolver_are_there_and_nobody_else(self):
        wire, board = self.wire()
        for target in (Wire.HOST, Wire.RESOLVER):
            board.send(arp(target))
            self.assertEqual(board.get()[28:32], packed(target))
        for stranger in ("10.0.2.3", "192.0.2.1"):
            board.send(arp(stranger))
        board.send(udp(("10.0.2.3", DNS), b"who"))
        board.send(udp(("192.0.2.1", 80), b"there"))
        board.send(arp(Wire.HOST))
        board.get()
        self.assertEqual(len(wire.strays), 4)

    def test_a_port_that_nobody_listens_on_is_refused_by_the_far_end(self):
        _, board = self.wire()
        board.send(arp(Wire.HOST))
        gateway = board.get()[6:12]
        segment = struct.pack("!HHIIBBHHH", 5000, 1, 1, 0, 5 << 4, 2, 2048, 0, 0)
        frame = udp((Wire.HOST, 1), segment)
        head = bytearray(frame[14:34])
        head[2:4], head[9], head[10:12] = struct.pack("!H", 40), 6, b"\0\0"
        head[10:12] = struct.pack("!H", checksum(bytes(head)))
        pseudo = packed(Wire.BOARD) + packed(Wire.HOST) + struct.pack("!BBH", 0, 6, 20)
        segment = segment[:16] + struct.pack("!H", checksum(pseudo + segment)) + segment[18:]
        board.send(gateway + MAC + b"\x08\x00" + bytes(head) + segment + b"\0" * 6)
        answer = board.get()
        while answer[12:14] != b"\x08\x00":
            answer = board.get()
        self.assertEqual((Packet(answer).protocol, answer[14 + 20 + 13] & 4), (6, 4))

    def test_dhcp_deaf_then_an_address(self):
        wire, board = self.wire(dhcp_deaf=1)
        board.send(dhcp(1))
        board.send(dhcp(1))
        offer = Packet(board.get()).payload
        board.send(dhcp(3))
        ack = Packet(board.get()).payload
        self.assertEqual([(m[16:20], m[242]) for m in (offer, ack)], [(packed(Wire.BOARD), 2), (packed(Wire.BOARD), 5)])
        self.assertEqual(wire.counts["dhcp"], 3)

    def test_dns_answers_in_the_order_that_was_asked_for(self):
        wire, board = self.wire(names={"mail.example": [SERVER_FAILURE, (0.2, ["10.0.2.2", "192.0.2.9"])], "silent.example": None})
        board.send(arp(Wire.HOST))
        board.get()
        for name in ("mail.example", "silent.example", "other.example", "mail.example"):
            board.send(question(name))
        packets = [Packet(board.get()) for _ in range(3)]
        self.assertTrue(all(packet.protocol == UDP and packet.to_port == 4000 for packet in packets))
        codes = [(packet.payload[3] & 15, struct.unpack("!H", packet.payload[6:8])[0]) for packet in packets]
        self.assertEqual(codes, [(2, 0), (3, 0), (0, 2)])
        self.assertEqual(packets[2].payload[-4:], packed("192.0.2.9"))
        self.assertEqual(wire.counts["dns mail.example"], 2)
