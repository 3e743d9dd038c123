"""Seeing the boards without a Grafana: its UI library draws them on a page, headless Chromium takes the pictures."""
