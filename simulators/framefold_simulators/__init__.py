"""Detectors that are not there: they speak the protocols of real ones over real ZeroMQ."""
