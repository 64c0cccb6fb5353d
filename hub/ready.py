"""Ask a running hub whether it is ready."""

from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from hub.settings import Address

TIMEOUT_SECONDS = 4


def ask(address: Address) -> tuple[bool, str]:
    """Return whether the hub at `address` is ready, and what it says about its parts, or why there is no answer."""
    host = "127.0.0.1" if address.host in {"0.0.0.0", "::"} else address.host  # noqa: S104 - every interface: ask this one
    try:
        with urlopen(f"http://{Address(host, address.port)}/health/ready", timeout=TIMEOUT_SECONDS) as answer:
            return True, answer.read().decode()
    except HTTPError as error:
        with error:
            return False, error.read().decode()
    except (URLError, OSError) as error:
        return False, f"no answer from {address}: {error}"
