"""The pure core: numbers in, numbers out. No clock, no I/O, no logging."""
