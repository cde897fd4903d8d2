"""Data quality checks of batches and of the table, as plain comparisons. Does not depend on Dagster."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Outcome:
    """Result of a check: whether it passed, its figures, and a one-line description."""

    passed: bool
    description: str
    figures: dict[str, int | float | str] = field(default_factory=dict)
