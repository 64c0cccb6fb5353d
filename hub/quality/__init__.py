"""The quality of what peers send: documents validated as they come in, and the report of what was found."""
