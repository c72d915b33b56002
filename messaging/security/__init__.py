"""How a connection to Kafka is secured, and what is said when Kafka refuses it."""
