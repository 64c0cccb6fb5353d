"""Formats: one folder each, never importing one another. `contract.py` is what each of them offers to the hub."""
