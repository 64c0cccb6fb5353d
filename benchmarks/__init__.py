"""Our rates beside ceilings measured in the same run: figures for people, never assertions in tests."""
