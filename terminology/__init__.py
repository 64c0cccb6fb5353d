"""Code systems, value sets and concept maps by version. Knows nobody; holds the SQL of its own tables (ADR 0701)."""
