"""FHIR clients for Node work against the server."""

from pathlib import Path

from tests.contracts.node import run


def test_fhir_kit_client(server: str, node: Path) -> None:
    """fhir-kit-client does every interaction it knows: CRUD, versions, patch, history, transaction, batch, pages."""
    assert run(node, "kit.mjs", server) == {
        "version": "4.0.1",
        "read": "Abara",
        "updated": "2",
        "first": "female",
        "patched": "other",
        "history": 3,
        "typeHistory": 3,
        "systemHistory": 3,
        "transaction": ["201 Created"] * 5,
        "batch": 1,
        "pages": [2, 2, 2],
        "gone": [410, "OperationOutcome"],
    }


def test_smart_client(server: str, node: Path) -> None:
    """SMART's client writes, follows pages to their end, and resolves references."""
    seen = run(node, "smart.mjs", server)
    assert seen == {"updated": "2", "patched": "other", "found": 3, "resolved": "Abara", "gone": 410}
