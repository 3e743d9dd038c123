"""lapse: a streaming event processor that watches customers leave, while they can still be kept."""
