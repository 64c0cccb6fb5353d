"""The longitudinal record: metadata, tracked entities, records, history, identity, aggregates."""
