"""Nothing that was acknowledged is lost, doubled or out of order, whatever breaks."""

from benchmarks.hl7v2_soak import soak


def test_hang_ups_and_a_killed_hub() -> None:
    """Ten senders that lose connections, a hub killed in the middle: every acknowledged message is there once."""
    assert soak(200, senders=10, kills=1) == []
