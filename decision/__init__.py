"""From a transaction to a verdict: the rule language and what decides. Pure: no input or output."""
