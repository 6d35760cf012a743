"""Configuration -> objects: the only room that knows everybody."""
