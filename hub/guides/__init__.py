"""Implementation guides: packages of profiles, extensions, search parameters and value sets that a hub loads."""
