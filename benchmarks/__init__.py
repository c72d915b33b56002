"""Measures the two services, and the detector beside its peers, on the embedded Kafka: `scripts/bench`."""
