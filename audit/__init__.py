"""Checks that every record that came in went out: once, in the right topic, unchanged and in order."""
