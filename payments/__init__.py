"""The domain: what a transaction is, and how it is read and written."""
