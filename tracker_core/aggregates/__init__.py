"""Aggregate reporting: case counts computed from the record, what was sent of them, and which cases make a number."""
