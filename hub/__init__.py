"""Composition: settings, registry, the flow, queue, peers, routes, security, CLI, web application, migrations."""

VERSION = "0.1.0"
