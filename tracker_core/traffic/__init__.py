"""Messages as operators look at them: found, traced, repeated, edited, given up, counted, thrown away."""
