"""The five boards as code: `python -m grafana.boards` writes their JSON, `--check` compares it.

The names of metrics come from the catalogue (stream/metrics.py), those of ratios from the recording rules
(grafana/rules); a board never makes up either.
"""
