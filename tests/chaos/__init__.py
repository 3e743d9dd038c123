"""Crashes on a real Kafka, drawn from a seed: nothing may be lost, nothing repeated (`make chaos SEEDS=n`)."""
