"""The data plane: from `customer.events` to alerts, parts and rows, exactly once. Read `loop.py` first."""
