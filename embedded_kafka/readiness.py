"""Asks a broker whether it is ready, over a plain socket: no client library is needed."""

import socket
import ssl
import struct

TIMEOUT_SECONDS = 2.0

# A Metadata request, version 1, that asks for no topic, after its size: api key, api version, correlation id,
# client id (none), number of topics. https://kafka.apache.org/protocol#The_Messages_Metadata
_BODY = struct.pack(">hhihi", 3, 1, 0, -1, 0)
_REQUEST = struct.pack(">i", len(_BODY)) + _BODY
# The answer begins: size, correlation id, number of brokers. A broker lists itself once it takes part in the cluster.
_ANSWER = struct.Struct(">iii")


def is_ready(port: int, tls: ssl.SSLContext | None) -> bool:
    """Whether the broker behind this port of 127.0.0.1 answers, in plain text or with TLS, and topics can be made."""
    try:
        answer = _ask(port, tls)
    except OSError:
        return False
    return len(answer) == _ANSWER.size and _ANSWER.unpack(answer)[2] > 0


def _ask(port: int, tls: ssl.SSLContext | None) -> bytes:
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS) as plain:
        connection = plain if tls is None else tls.wrap_socket(plain, server_hostname="127.0.0.1")
        with connection:
            connection.settimeout(TIMEOUT_SECONDS)
            connection.sendall(_REQUEST)
            return connection.recv(_ANSWER.size)
