"""What people look at in Grafana: boards as code, and a preview of them."""
