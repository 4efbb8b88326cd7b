"""A mail server whose faults are chosen by the recipient. Prints the port that it listens at, and then works until its
standard input ends.

    server.py RECORD [PORT [tls|starttls CERTIFICATE KEY]]

With a certificate it wants TLS, from the beginning or by STARTTLS, and the user muster with the password secret.

Every message that it takes is a line of JSON in the file RECORD, on the disk before the answer is given: {"to", "id",
"at"}, the last in seconds since the epoch.
The part of a recipient before the first "-" says what happens to him:

    permanent   550, always
    temporary   451, always
    first       451 the first time, then taken
    slow        taken after a moment
    drop        the connection is dropped in the middle of DATA the first time, then taken
    lost        taken, and the connection dropped before the answer, the first time
    late        taken, and the answer given after some seconds, the first time

With MUSTER_TEST_MAIL_MOST it lets clients have so many connections at once and no more.
"""

import asyncio
import email
import json
import logging
import os
import ssl
import sys
import threading
import time

from aiosmtpd.smtp import SMTP, AuthResult

SLOW = 0.2
LATE = 4.0
MOST = int(os.environ.get("MUSTER_TEST_MAIL_MOST", "1000"))


class Faults:
    def __init__(self, record):
        self.record = open(record, "a", buffering=1)
        self.met = set()

    def first_time(self, fault, recipient):
        """Whether a fault that happens once has not happened to the recipient yet."""
        if not recipient.startswith(fault + "-") or recipient in self.met:
            return False
        self.met.add(recipient)
        return True

    async def handle_RCPT(self, server, session, envelope, address, options):
        recipient = address.lower()
        if recipient.startswith("permanent-"):
            return "550 5.1.1 there is no " + address
        if recipient.startswith("temporary-") or self.first_time("first", recipient):
            return "451 4.7.1 not now for " + address
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        recipient = envelope.rcpt_tos[0].lower()
        if recipient.startswith("slow-"):
            await asyncio.sleep(SLOW)
        message = email.message_from_bytes(envelope.content)
        taken = {"to": recipient, "id": message["Message-ID"], "at": time.time()}
        self.record.write(json.dumps(taken) + "\n")
        os.fsync(self.record.fileno())
        if self.first_time("late", recipient):
            await asyncio.sleep(LATE)
        if self.first_time("lost", recipient):
            server.transport.abort()
            return "421 4.3.0 gone"
        return "250 OK"


def authenticate(server, session, envelope, mechanism, credentials):
    known = (credentials.login, credentials.password) == (b"muster", b"secret")
    # Not answered yet: the library does that.
    return AuthResult(success=known, handled=False)


class Server(SMTP):
    open = 0

    def connection_made(self, transport):
        Server.open += 1
        self.is_one_too_many = Server.open > MOST
        if self.is_one_too_many:
            transport.write(b"421 4.7.0 too many connections\r\n")
            transport.close()
        else:
            super().connection_made(transport)

    def connection_lost(self, error):
        Server.open -= 1
        if not self.is_one_too_many:
            super().connection_lost(error)

    async def smtp_DATA(self, arg):
        recipients = self.envelope.rcpt_tos if self.envelope else []
        if recipients and self.event_handler.first_time("drop", recipients[0].lower()):
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            await self._reader.read(64)
            self.transport.abort()
            return
        await super().smtp_DATA(arg)


async def main():
    # What a client whose connection was dropped had sent before is no matter of the tests.
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    faults = Faults(sys.argv[1])
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    loop = asyncio.get_running_loop()
    settings, listening = {"loop": loop, "enable_SMTPUTF8": True}, {"reuse_address": True}
    if len(sys.argv) > 3:
        kind, certificate, key = sys.argv[3:6]
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        if kind == "tls":
            listening["ssl"] = context
        else:
            settings.update(tls_context=context, require_starttls=True)
        # With TLS from the beginning the library does not know that it is there.
        settings.update(authenticator=authenticate, auth_required=True, auth_require_tls=kind != "tls")
    listening = await loop.create_server(lambda: Server(faults, **settings), "127.0.0.1", port, **listening)
    print(listening.sockets[0].getsockname()[1], flush=True)
    ended = asyncio.Event()

    def wait():
        sys.stdin.read()
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=wait, daemon=True).start()
    await ended.wait()
    os._exit(0)


asyncio.run(main())
