"""The names of the headers that are added to a record: beside a verdict, and to a dead letter."""

REASON, SCORE, SHADOW_REASON, FAILED = "fraud.reason", "fraud.score", "shadow.reason", "rule.failed"
OF_VERDICTS = frozenset({REASON, SCORE, SHADOW_REASON, FAILED})

ERROR = "__detector.errors."
OF_DEAD_LETTERS = tuple(ERROR + name for name in ("topic", "partition", "offset", "message"))
