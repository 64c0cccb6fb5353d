"""`python -m hub` is `tracker-hub`."""

from hub.cli import main

main()
