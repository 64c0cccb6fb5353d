"""Code systems, value sets and concept maps. Knows nobody."""
