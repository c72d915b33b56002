"""Which TCP ports of this machine are free."""

import contextlib
import errno
import random
import socket
from collections.abc import Sequence
from itertools import islice

# Operating systems give higher ones to outgoing connections, which could be quicker than Kafka takes to start.
_NOT_FOR_CONNECTIONS = range(20_000, 32_768)
_MOST_TRIES = 1_000
_chance = random.SystemRandom()  # whatever the seed of the others
# A machine without IPv6.
_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def free_ports(count: int) -> Sequence[int]:
    """Return different ports of localhost, chosen at random, that nobody listens on."""
    free = (port for port in _chance.sample(_NOT_FOR_CONNECTIONS, _MOST_TRIES) if why_not_free(port) is None)
    return list(islice(free, count))


def why_not_free(port: int) -> str | None:
    """Return why no server could listen on this port of localhost (IPv4 and IPv6), None when one could."""
    addresses = socket.getaddrinfo("localhost", port, type=socket.SOCK_STREAM)
    reasons = (_why_not_bound(family, address) for family, _, _, _, address in addresses)
    return next(filter(None, reasons), None)


def taken(port: int, reason: str) -> str:
    """Return the line for the user whose port cannot be used."""
    return f"port {port} cannot be used: {reason}; choose another with --port or KAFKA_PORT"


def _why_not_bound(family: int, address: tuple[object, ...]) -> str | None:
    with contextlib.ExitStack() as stack:
        try:
            probe = stack.enter_context(socket.socket(family))
            # As Java does: connections that were closed a moment ago don't count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
        except OSError as error:
            return None if error.errno in _NO_SUCH_ADDRESS else error.strerror
    return None
