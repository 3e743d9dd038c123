"""A worker's partitions without Kafka: everything that may happen to them, drawn from one seed (DESIGN §4, §8)."""
