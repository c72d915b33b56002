"""Rules in a module that starts a thread for ever when it is imported; Python itself would wait for it to end."""

import threading

from payments.transaction import Transaction

threading.Thread(target=threading.Event().wait).start()


def sees_nothing(_paid: Transaction) -> None:
    """See nothing."""
