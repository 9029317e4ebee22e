# SPDX-License-Identifier: MIT
"""An image whose one anchor popcl-ta for-host found, among all authorities of Debian: it fetches from that server, and trusts no other."""
import images
from case import FirmwareCase, body
from dovecot import Dovecot

UNTRUSTED = "ERR_CERT_UNTRUSTED"


class Found(FirmwareCase):
    image_name = "found"
    certificate_name = "found"

    def test_fetches(self):
        messages = self.deliver(body(3000), body(100, 2))
        with self.board() as board:
            outcome = self.outcome(board)
        self.assertEqual(outcome.errors, [None], outcome)
        self.assertEqual(self.stored(), messages)

    def test_no_other_authority(self):
        with Dovecot(certificate=images.certificate("untrusted")) as other:
            account = other.account()
            with self.board(port=other.tls_port, user=account.name, **{"pass": account.password}) as board:
                outcome = board.finish()
        self.assertIn(UNTRUSTED, str(outcome.errors[0]), outcome)
        self.assertEqual(self.stored(), [])
