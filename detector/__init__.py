"""Judges transactions: fraud goes to one topic, the rest to another, each exactly once."""
