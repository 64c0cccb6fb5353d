"""Composition: settings, registry, the flow, queue, peers, routes, security, CLI, web application, migrations."""
