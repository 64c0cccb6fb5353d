"""Log lines: on stderr, one event each, never with the content of a message."""

import logging
import sys

import structlog


def configure(style: str) -> None:
    """Set up logging for this process: `json`, `text`, or `auto` (text on a terminal, json elsewhere)."""
    as_text = style == "text" or (style == "auto" and sys.stderr.isatty())
    render: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if as_text
        else structlog.processors.JSONRenderer()
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    trace: list[structlog.typing.Processor] = [] if as_text else [structlog.processors.format_exc_info]
    structlog.configure(
        processors=[*shared, *trace, render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    libraries = logging.StreamHandler(sys.stderr)
    libraries.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *trace, render],
        )
    )
    logging.basicConfig(handlers=[libraries], level=logging.WARNING, force=True)
