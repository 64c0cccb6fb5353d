"""`python -m benchmarks`: every path once, one table."""

from benchmarks import hub, table


def main() -> None:
    """Measure and print."""
    table.show(hub.rows())


if __name__ == "__main__":
    main()
