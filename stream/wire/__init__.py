"""Bytes to core values and back: events in, alerts, parts, records and dead letters out. Knows nothing of Kafka."""
