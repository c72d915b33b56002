"""What travels between the services, and the seam to Kafka."""
