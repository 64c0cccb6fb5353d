"""Readers of publishers' files and packages: each yields concepts for `terminology.store.load`."""
