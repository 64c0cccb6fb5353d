"""The HTTP edge that all faces share: login, body limits, refusals, health, metrics, the front page."""
