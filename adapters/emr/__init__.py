"""EMR flat files."""
