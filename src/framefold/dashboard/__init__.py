"""The page: static files that speak the public HTTP API only."""
