"""Which TCP ports of this machine are free."""

import contextlib
import errno
import socket

# A machine without IPv6.
_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def free_ports(count: int) -> list[int]:
    """Different ports of 127.0.0.1 that nobody listens on, chosen by the operating system."""
    with contextlib.ExitStack() as open_sockets:
        sockets = [open_sockets.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


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
