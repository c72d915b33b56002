"""Checks the law of conservation: what came in went out, each record once, in the right topic, unchanged, in order."""
