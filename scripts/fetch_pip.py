"""Fetch pip's newest wheel from PyPI with nothing but the standard library: `fetch_pip.py TARGET.whl`."""

import hashlib
import re
import sys
from pathlib import Path
from urllib.request import urlopen

INDEX = "https://pypi.org/simple/pip/"
WHEEL = re.compile(r'href="(https://[^"#]+/pip-(\d[\d.]*)-py3-none-any\.whl)#sha256=([0-9a-f]{64})"')


def main(target: Path) -> None:
    """Write the wheel to `target` after its checksum was found right."""
    found = WHEEL.findall(urlopen(INDEX, timeout=60).read().decode())
    url, _, digest = max(found, key=lambda wheel: tuple(int(part) for part in wheel[1].split(".")))
    body = urlopen(url, timeout=60).read()
    if hashlib.sha256(body).hexdigest() != digest:
        sys.exit(f"the checksum of {url} is wrong")
    target.write_bytes(body)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
