"""A Dagster logger that passes a run's log lines and events to a listener."""

import logging
from collections.abc import Mapping
from typing import Protocol

import dagster as dg

LOGGER = "opengenome"


class Listener(Protocol):
    """Shows the progress of a run."""

    def expect(self, bases: Mapping[str, int]) -> None:
        """These batches, with their bases, will be written and counted."""

    def on_line(self, level: int, text: str) -> None:
        """An asset or a check logged a line."""

    def on_batch(self, asset: str, batch: str) -> None:
        """One partition of an asset was materialized."""


class _Handler(logging.Handler):
    def __init__(self, listener: Listener) -> None:
        super().__init__()
        self._listener = listener
        self._seen: set[tuple[str, str]] = set()

    def emit(self, record: logging.LogRecord) -> None:
        # Records of Dagster's own events have this attribute; log lines of assets do not.
        event: dg.DagsterEvent | None = getattr(record, "dagster_event", None)
        if event is None:
            if record.levelno >= logging.INFO:
                meta = getattr(record, "dagster_meta", {})
                self._listener.on_line(record.levelno, meta.get("orig_message", record.getMessage()))
        elif event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION and event.partition is not None:
            place = (event.asset_key.path[-1] if event.asset_key else "", event.partition)
            # At its end the step logs one more event per partition.
            if place not in self._seen:
                self._seen.add(place)
                self._listener.on_batch(*place)


def listening_logger(listener: Listener) -> dg.LoggerDefinition:
    """A logger for ``Definitions`` that passes everything to the listener."""

    def make(context: dg.InitLoggerContext) -> logging.Logger:
        del context
        logger = logging.Logger(LOGGER, logging.DEBUG)
        logger.addHandler(_Handler(listener))
        return logger

    return dg.LoggerDefinition(make, config_schema={})
