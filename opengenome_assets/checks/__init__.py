"""What has to hold of batches and of the table, as plain comparisons. Knows nothing of Dagster."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Outcome:
    """What a check found: whether it holds, the figures, and one line for people."""

    passed: bool
    description: str
    figures: dict[str, int | float | str] = field(default_factory=dict)
