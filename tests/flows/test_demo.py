"""The demonstration, whole: two hubs, a laboratory and a gateway through one day, each step checked by itself."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_step_of_the_day_holds() -> None:
    """What the README promises first runs to its end."""
    command = [sys.executable, "-m", "hub", "demo"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "Every step's check held." in done.stdout
