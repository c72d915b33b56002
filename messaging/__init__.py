"""Reads and writes Kafka exactly once; the services use it through the seam (seam.py)."""
