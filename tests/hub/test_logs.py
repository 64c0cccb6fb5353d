"""What the log must not say."""

import subprocess
import sys

FAILS = """
import structlog
from hub import logs
from tracker_core.context import Peer

logs.configure("{form}")
peer = Peer(1, "clinic", "Clinic", "emr", None, {{}}, "hush-hush")
patient = "Rose Otim"
try:
    raise ValueError("it went wrong")
except ValueError:
    structlog.get_logger().exception("pulling failed", peer=peer)
"""


def test_neither_secrets_nor_patients_are_logged() -> None:
    """A traceback shows code and the error, never what the variables held; a peer never shows its secret."""
    for form in ("text", "json"):
        done = subprocess.run(
            [sys.executable, "-c", FAILS.format(form=form)], capture_output=True, text=True, check=True
        )
        assert "it went wrong" in done.stderr
        assert "clinic" in done.stderr
        assert "hush-hush" not in done.stderr
        assert "Rose Otim" not in done.stderr.replace('patient = "Rose Otim"', "")
