"""DHIS2 Web API."""
