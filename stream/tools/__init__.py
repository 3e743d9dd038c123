"""Tools around the core and the worker: backtest, data sets, demo, brokers for tests."""
