"""Makes random transactions and sends them at a steady rate."""
