"""MLLP over TLS, as the settings of a hub ask for it."""

from pathlib import Path

import pytest

from adapters.contract import Outgoing
from adapters.hl7v2 import client, sending
from hub.listening import tls_of
from hub.settings import Settings
from tests.adapters.hl7v2.wire import certify, sample
from tests.hub.serving.conftest import Start
from tracker_core.context import Peer
from tracker_core.errors import Malformed, Unavailable


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost and its key, made for this run."""
    return certify(tmp_path_factory.mktemp("tls"))


def test_a_hub_with_certificates(serve: Start, certificates: Path) -> None:
    """Who shows a certificate of the authorities is served; who shows none, or speaks no TLS, is not."""
    files = {name: str(certificates / name) for name in ("cert", "key")}
    hub = serve(
        TRACKER_HUB_MLLP_TLS_CERTIFICATE=files["cert"],
        TRACKER_HUB_MLLP_TLS_KEY=files["key"],
        TRACKER_HUB_MLLP_TLS_CA=files["cert"],
    ).wait_until_up()
    outgoing = Outgoing(sample("adt_a01"), "application/hl7-v2", "S-A01", "ADT^A01")
    anonymous = {"tls_ca": files["cert"], "timeout": 10}
    known = {**anonymous, "tls_certificate": files["cert"], "tls_key": files["key"]}

    def send(scheme: str, **settings: object) -> bool:
        peer = Peer(1, "hub", "", "hl7v2", f"{scheme}://localhost:{hub.mllp[1]}", settings)
        return sending.send(outgoing, peer).accepted

    try:
        assert send("mllps", **known)
        for scheme, settings in (("mllps", anonymous), ("mllp", known)):
            with pytest.raises(Unavailable):
                send(scheme, **settings)
    finally:
        client.hang_up()


def test_files_that_cannot_be_used(certificates: Path) -> None:
    """Each wrong file is told by the setting that names it."""
    cert, key, absent = certificates / "cert", certificates / "key", certificates / "absent"
    for settings, where in (
        (Settings(mllp_tls_certificate=absent), "mllp_tls_certificate"),
        (Settings(mllp_tls_certificate=cert, mllp_tls_key=key, mllp_tls_ca=absent), "mllp_tls_ca"),
        (Settings(mllp_tls_ca=cert), "mllp_tls_certificate"),
    ):
        with pytest.raises(Malformed) as caught:
            tls_of(settings)
        assert caught.value.where == where
    assert tls_of(Settings()) is None
