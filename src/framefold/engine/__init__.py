"""Runs UDFs over blocks; knows core, udf, kernels and processes, and nothing beside."""
