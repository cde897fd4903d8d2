"""Benchmarks: this project beside its peers and beside what the machine can do. Not part of the package."""
