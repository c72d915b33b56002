"""Finds out whether a listener requires TLS or a login: a client without it only sees a connection that closes."""

import socket
import ssl
import struct

from messaging.security.settings import SecuritySettings
from messaging.settings import ConnectionSettings

_CONNECT_SECONDS = 2.0
# SaslHandshake, version 1, without a client id: https://kafka.apache.org/protocol#The_Messages_SaslHandshake
_QUESTION = struct.pack(">hhihh5s", 17, 1, 0, -1, 5, b"PLAIN")
_ANSWER = struct.Struct(">iih")  # its size, the question's number, an error code
_NO_LOGIN_HERE = 34  # ILLEGAL_SASL_STATE


def connect(server: str) -> socket.socket:
    """Return a connection to host:port. Raises OSError."""
    return socket.create_connection((_host(server), int(server.rpartition(":")[2])), timeout=_CONNECT_SECONDS)


def missing_security(connection: ConnectionSettings) -> str | None:
    """Return which setting must change because the first server requires TLS or a login; None if none is known."""
    server, security = connection.bootstrap_servers.partition(",")[0], connection.security
    mistake = f"KAFKA_SECURITY_PROTOCOL={security.protocol} must be"
    if not security.has_tls and _wants_tls(server):
        return f"Kafka at {server} requires TLS: {mistake} SSL or SASL_SSL"
    if not security.has_login and _wants_login(server, security):
        return f"Kafka at {server} requires a login: {mistake} SASL_{security.protocol}, with KAFKA_SASL_USERNAME"
    return None


def _wants_tls(server: str) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with context.wrap_socket(connect(server)):
            return True
    except OSError:
        return False


def _wants_login(server: str, security: SecuritySettings) -> bool:
    try:
        with connect(server) as plain, _with_tls(plain, server, security) as connection:
            connection.sendall(struct.pack(">i", len(_QUESTION)) + _QUESTION)
            answer = connection.makefile("rb").read(_ANSWER.size)
    except OSError:
        return False
    return len(answer) == _ANSWER.size and _ANSWER.unpack(answer)[2] != _NO_LOGIN_HERE


def _with_tls(plain: socket.socket, server: str, security: SecuritySettings) -> socket.socket:
    if security.tls is None:
        return plain
    return security.tls.wrap_socket(plain, server_hostname=_host(server))


def _host(server: str) -> str:
    return server.rpartition(":")[0].strip("[]")
