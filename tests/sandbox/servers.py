"""Servers on loopback for the real parts: DNS, and SMTP in good and bad shape."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import dns.message
import dns.rcode
import dns.rrset
from aiosmtpd.controller import Controller

Records = dict[tuple[str, str], list[str]]


@contextmanager
def dns_server(records: Records, *, silent: bool = False, rcode: int = dns.rcode.NOERROR) -> Iterator[str]:
    """A DNS server that knows these records, (name, type) -> texts; the value is its `host:port`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))

        def answer() -> None:
            with suppress(OSError):
                while True:
                    packet, sender = listener.recvfrom(4096)
                    if silent:
                        continue
                    query = dns.message.from_wire(packet)
                    question = query.question[0]
                    response = dns.message.make_response(query)
                    name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
                    if found := records.get((name, kind)):
                        response.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *found))
                    elif not any(name == known for known, _ in records):
                        response.set_rcode(dns.rcode.NXDOMAIN)
                    if rcode:
                        response.set_rcode(rcode)
                    listener.sendto(response.to_wire(), sender)

        threading.Thread(target=answer, daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"


class Inbox:
    """What a relay has taken, and whom it refuses."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, list[str], bytes]] = []
        self.refused: set[str] = set()

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.taken.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 OK"


@contextmanager
def smtp_server() -> Iterator[tuple[str, int, Inbox]]:
    """A relay that takes mail."""
    inbox = Inbox()
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        yield "127.0.0.1", controller.port, inbox
    finally:
        controller.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def tcp_server(greeting: bytes = b"") -> Iterator[int]:
    """A port that takes connections and says this, or nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        kept = []

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    kept.append(connection)
                    connection.sendall(greeting)

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        for connection in kept:
            connection.close()
