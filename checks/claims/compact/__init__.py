"""The claim `compact` (abstract): its statement, evidence, controls and figure."""
