# SPDX-License-Identifier: MIT
"""The example for a cellular modem: mail over POP3S through a modem on a terminal line, which modem.py plays, with what goes wrong on such a line."""
import os
import pathlib
import pty
import subprocess
import tempfile
import threading
import tty
import unittest

import command
import mailboxes
import pki
from dovecot import Dovecot
from modem import Modem
from test_examples import messages_of

MODEM = pathlib.Path(command.POPCL).resolve().parent / "examples/modem"
HOST = "mail.test"


class OverAModem(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.certificate = pki.shared().root().issue(san=[HOST, "127.0.0.1"])
        cls.server = Dovecot(certificate=cls.certificate).__enter__()
        cls.addClassCleanup(cls.server.stop)
        cls.messages = mailboxes.sample_messages()
        cls.account = cls.server.account()
        cls.account.deliver(cls.messages)

    def fetch(self, *faults, host=HOST, port=None, more=()):
        """(exit code, messages, standard error, commands that the modem got)"""
        master, slave = pty.openpty()
        tty.setraw(slave)
        modem = Modem(master, faults, {HOST: ["127.0.0.2", "127.0.0.1"]})
        thread = threading.Thread(target=modem.run)
        thread.start()
        try:
            with tempfile.NamedTemporaryFile("w") as file:
                file.write(self.account.password + "\n")
                file.flush()
                done = subprocess.run([MODEM, os.ttyname(slave), host, str(port or self.server.tls_port), self.account.name, file.name,
                                       str(self.certificate.issuer.file), *more], capture_output=True, timeout=command.HANGS, check=False)
        finally:
            os.close(slave)
            thread.join(command.HANGS)
        self.assertFalse(thread.is_alive())
        return done.returncode, messages_of(done.stdout), done.stderr.decode(), modem.orders

    def check_all_mail(self, *faults, **more):
        code, messages, err, orders = self.fetch(*faults, **more)
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(messages, [mailboxes.delivered(one) for one in self.messages])
        return orders

    def test_all_mail(self):
        """By a name whose first address refuses; echo is on at first. The modem is attached by the example, and left without a connection."""
        orders = self.check_all_mail(more=["internet"])
        self.assertEqual(orders[:2], ['AT+QICSGP=1,1,"internet"', "AT+QIACT=1"])
        self.assertIn("ATE0", orders)
        self.assertEqual([one.split(",")[3] for one in orders if one.startswith("AT+QIOPEN")], ['"127.0.0.2"', '"127.0.0.1"'])
        self.assertTrue(orders[-1].startswith("AT+QICLOSE="))

    def test_faults_that_cost_no_mail(self):
        for faults in (["noise", "full"], ["forgets"]):
            with self.subTest(faults=faults):
                self.check_all_mail(*faults, host="127.0.0.1")

    def test_faults_that_end_the_session(self):
        """The result, and the code that says what the modem did. 12: well inside the session."""
        for fault, code in (("restart=12", 4), ("detach=12", 5), ("cut=12", 1), ("mute=12", 2), ("mute=0", 2)):
            with self.subTest(fault=fault):
                exit_code, messages, err, _ = self.fetch(fault, host="127.0.0.1")
                self.assertEqual(exit_code, 1)
                self.assertRegex(err, rf"^modem: .*; code {code}\n$")
                self.assertLess(len(messages), len(self.messages))

    def test_no_server(self):
        """Refused, by an address and by a name; a name that does not exist."""
        for host, port, what in (("127.0.0.1", 1, "code 566"), (HOST, 1, "code 566"), ("unknown.test", None, "code 565")):
            with self.subTest(host=host):
                exit_code, messages, err, _ = self.fetch(host=host, port=port)
                self.assertEqual((exit_code, messages), (1, []))
                self.assertIn(what, err)

    def test_no_modem(self):
        done = subprocess.run([MODEM, "/dev/null", HOST, "995", "x", "/etc/hostname", str(self.certificate.issuer.file)], capture_output=True,
                              timeout=command.HANGS, check=False)
        self.assertEqual(done.returncode, 69)


if __name__ == "__main__":
    unittest.main()
