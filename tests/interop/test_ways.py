# SPDX-License-Identifier: MIT
"""The ways to a server: from an address of this machine (--bind), and through a SOCKS server (--socks) that errs and breaks off everywhere."""
import concurrent.futures
import signal
import socket
import time
import unittest

import command
import pki
from dovecot import has_ipv6
from hostile import Hostile, message
from socks import METHOD, REPLY, REPLY_NAME, REPLY_V6, Socks

NOWHERE = "pop.nowhere.invalid"  # no name server has it (RFC 6761, 6.4)


class WaysTest(unittest.TestCase):
    def place(self, *words):
        place = command.Place(*words)
        self.addCleanup(place.remove)
        return place

    def fetch(self, socks, *options, server=NOWHERE, port=110, code=0, place=None):
        place = place or self.place()
        return place.run(port, "--socks", f"127.0.0.1:{socks.port}", *options, server=server, code=code)


class ThroughSocks(WaysTest):
    def test_the_name_goes_to_the_socks_server(self):
        """It is not looked up here, where it does not exist. All octets that the SOCKS server gets are these."""
        with Hostile() as server, Socks(server.port) as socks:
            place = self.place()
            result = self.fetch(socks, "-v", place=place, port=1110)
            self.assertIn(f"connected by the SOCKS server 127.0.0.1 port {socks.port}\n", result.err)
            self.assertEqual(result.count, 3)
            self.assertEqual(place.contents(), sorted(message(n) for n in (1, 2, 3)))
            self.assertEqual(socks.hellos, [b"\x05\x01\x00"])
            self.assertEqual(socks.requests, [b"\x05\x01\x00\x03\x13pop.nowhere.invalid\x04\x56"])

    def test_addresses_go_as_addresses(self):
        for host, octets in (("192.0.2.7", b"\x01\xc0\x00\x02\x07"), ("2001:db8::5", b"\x04\x20\x01\x0d\xb8" + bytes(11) + b"\x05")):
            with self.subTest(host), Hostile() as server, Socks(server.port) as socks:
                self.assertEqual(self.fetch(socks, server=host).count, 3)
                self.assertEqual(socks.requests, [b"\x05\x01\x00" + octets + b"\x00\x6e"])

    def test_an_address_with_a_scope_is_refused(self):
        with Hostile() as server, Socks(server.port) as socks:
            self.fetch(socks, server="fe80::1%lo", code=69)
            self.assertEqual(socks.requests, [])

    @unittest.skipUnless(has_ipv6(), "this machine has no IPv6")
    def test_the_socks_server_may_have_ipv6(self):
        with Hostile() as server, Socks(server.port, host="::1") as socks:
            result = self.place().run(110, "--socks", f"[::1]:{socks.port}", server=NOWHERE)
            self.assertEqual(result.count, 3)

    def test_each_reply_at_each_split(self):
        """The mail server's first octets come with the reply, and are not lost."""
        rows = [(reply, pieces) for reply in (REPLY, REPLY_V6, REPLY_NAME) for pieces in (None, 1, 2, 3, 5, 7, 11)]
        for reply, pieces in rows:
            with self.subTest(reply=reply, pieces=pieces), Hostile() as server, \
                    Socks(server.port, reply=reply, pieces=pieces, together=True) as socks:
                self.assertEqual(self.fetch(socks).count, 3)

    def test_tls_asks_for_the_servers_name(self):
        """The certificate must be for the server, not for the SOCKS server."""
        root = pki.shared().root()
        for name, code in ((NOWHERE, 0), ("127.0.0.1", 79)):
            context = root.issue("by socks", san=[name]).context()
            with self.subTest(name), Hostile(context=context) as server, Socks(server.port) as socks:
                place = self.place()
                result = self.fetch(socks, "-T", "-c", str(root.file), place=place, port=995, code=code)
                self.assertEqual(server.handshakes > 0, code == 0, result)
                if code:
                    self.assertEqual(server.commands, [])

    def test_it_breaks_off_after_each_octet(self):
        answers = len(METHOD + REPLY)
        for then in ("close", "reset"):
            for cut in range(answers):
                with self.subTest(then=then, cut=cut), Hostile() as server, Socks(server.port, cut=cut, then=then) as socks:
                    result = self.fetch(socks, code=69)
                    self.assertIn("does not answer as SOCKS 5 does", result.err)
                    self.assertEqual(server.commands, [])

    def test_it_stalls_after_each_octet(self):
        """The time of --connect-timeout is for both servers."""
        def stall(cut):
            with Hostile() as server, Socks(server.port, cut=cut, then="hang") as socks:
                place = command.Place()
                try:
                    return self.fetch(socks, "--connect-timeout", "1", code=75, place=place)
                finally:
                    place.remove()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for result in pool.map(stall, range(len(METHOD + REPLY))):
                self.assertIn("did not answer the connection in time", result.err)

    def test_each_reply_has_words_of_its_own(self):
        words = {1: "cannot connect", 2: "does not allow", 3: "no way to the server", 4: "does not find the server",
                 5: "refused the SOCKS server's connection", 6: "no answer from the server", 7: "makes no connections",
                 8: "takes no such address", 9: "its reply is 9", 255: "its reply is 255"}
        for number, text in words.items():
            for reply in (bytes([5, number, 0, 1]) + bytes(6), bytes([5, number, 0, 1]), bytes([5, number, 0, 99])):
                with self.subTest(reply=reply), Socks(1, reply=reply) as socks:
                    result = self.fetch(socks, code=68 if number == 4 else 69)
                    self.assertIn(text, result.err)

    def test_other_protocols(self):
        rows = [({"method": b"\x05\xff"}, "wants a login"), ({"method": b"\x05\x02"}, "as SOCKS 5 does"),
                ({"method": b"\x04\x00"}, "as SOCKS 5 does"), ({"method": b"HTTP/1.1 400\r\n"}, "as SOCKS 5 does"),
                ({"method": b"+OK POP3\r\n"}, "as SOCKS 5 does"), ({"reply": b"\x04\x00\x00\x01" + bytes(6)}, "as SOCKS 5 does"),
                ({"reply": b"\x05\x00\x00\x02" + bytes(6)}, "as SOCKS 5 does")]
        for more, text in rows:
            with self.subTest(more), Hostile() as server, Socks(server.port, **more) as socks:
                self.assertIn(text, self.fetch(socks, code=69).err)
                self.assertEqual(server.commands, [])

    def test_no_socks_server_is_there(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        for where in (f"127.0.0.1:{port}", f"socks.{NOWHERE}:{port}"):
            result = self.place().run(110, "--socks", where, server=NOWHERE, code=(69, 75))
            self.assertIn("no connection to the SOCKS server" if result.code == 69 else "could not be resolved now", result.err)

    def test_a_signal_ends_the_wait(self):
        with Hostile() as server, Socks(server.port, cut=3, then="hang") as socks:
            place = self.place()
            args = place.arguments(110, ["--socks", f"127.0.0.1:{socks.port}"], NOWHERE)
            process = place.start(args)
            while not socks.requests:
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            self.assertEqual(place.finish(process, args).code, 143)


class FromAnAddress(WaysTest):
    def test_the_server_sees_the_address(self):
        for address in ("127.0.0.1", "127.0.0.42"):
            with self.subTest(address), Hostile() as server:
                place = self.place()
                args = place.arguments(server.port, ["--bind", address], "localhost")
                seen = []
                connection = server.connection

                def note(client, commands):
                    seen.append(client.getpeername()[0])
                    return connection(client, commands)

                server.connection = note
                self.assertEqual(place.finish(place.start(args), args).count, 3)
                self.assertEqual(seen, [address])

    @unittest.skipUnless(has_ipv6(), "this machine has no IPv6")
    def test_its_family_is_that_of_the_connection(self):
        with Hostile(host="::1") as server:
            self.assertEqual(self.place().run(server.port, "--bind", "::1", server="localhost").count, 3)
            self.place().run(server.port, "--bind", "127.0.0.1", server="localhost", code=69)

    def test_an_address_of_another_machine(self):
        with Hostile() as server:
            result = self.place().run(server.port, "--bind", "192.0.2.1", code=69)
            self.assertIn("from the address of --bind", result.err)
            with Socks(server.port) as socks:
                self.assertIn("from the address of --bind", self.fetch(socks, "--bind", "192.0.2.1", code=69).err)
            self.assertEqual(server.sessions, [])


class Look(WaysTest):
    """--info goes the same ways."""

    def info(self, *options, server=NOWHERE, code=80):
        place = self.place()
        args = ["--info", server, "-S", *options]
        result = place.finish(place.start(args), args)
        self.assertEqual(result.code, code, result)
        return result

    def test_the_name_goes_to_the_socks_server(self):
        with Hostile() as server, Socks(server.port) as socks:
            result = self.info("-p", "1110", "--socks", f"127.0.0.1:{socks.port}")
            self.assertEqual(socks.requests, [b"\x05\x01\x00\x03\x13pop.nowhere.invalid\x04\x56"])
            self.assertIn(f"by            the SOCKS server 127.0.0.1 port {socks.port}\n", result.out)
            self.assertNotIn("address ", result.out)
            self.assertEqual(server.commands, ["CAPA", "STLS"])

    def test_never_past_a_socks_server(self):
        with Hostile() as server, Socks(server.port, reply=b"\x05\x04\x00\x01" + bytes(6)) as socks:
            for port, code in ((socks.port, 68), (1, 69)):
                result = self.info("-p", str(server.port), "--socks", f"127.0.0.1:{port}", server="localhost", code=code)
                self.assertEqual((server.sessions, result.out), ([], ""), result)

    def test_from_an_address(self):
        with Hostile() as server:
            result = self.info("-p", str(server.port), "--bind", "192.0.2.1", server="localhost", code=69)
            self.assertIn("from the address of --bind", result.err)
            self.assertEqual(server.sessions, [])


if __name__ == "__main__":
    unittest.main()
