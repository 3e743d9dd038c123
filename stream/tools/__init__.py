"""Programs around the worker: brokers, importers, backtest. May use all below them; only the command line uses them."""
