"""The whole thing on one machine: Kafka, the generator and the detector. Nothing imports this package."""
