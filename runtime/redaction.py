"""Keeps secrets out of the log: with LOG_LEVEL=debug a library logs its whole configuration and each login."""

HIDDEN = "***"  # stands for a secret
_SHORTEST_TOLD_FROM_WORDS = 6
_replacements: dict[str, str] = {}


def hide(secret: str) -> None:
    """Put *** wherever the log of this process would show the secret, also as Python writes it in text or in bytes.

    A secret that is shorter than most words is hidden only where a library writes it: in quotes, or at the end of the
    bytes of a PLAIN login.
    """
    for written in {secret, *_in_quotes(secret), *_in_quotes(secret.encode())}:
        if len(secret) < _SHORTEST_TOLD_FROM_WORDS:
            _replacements.update({f"{before}{written}'": f"{before}{HIDDEN}'" for before in ("'", "\\x00")})
        else:
            _replacements[written] = HIDDEN


def redacted(message: str) -> str:
    """Return the message with *** for each secret in it."""
    for written, hidden in _replacements.items():
        message = message.replace(written, hidden)
    return message


def _in_quotes(secret: str | bytes) -> tuple[str, str]:
    """Return how Python writes it between quotes, by itself and where there are quotes of the other kind beside it."""
    if isinstance(secret, bytes):
        return repr(secret)[2:-1], repr(b'"' + secret)[3:-1]
    return repr(secret)[1:-1], repr('"' + secret)[2:-1]
