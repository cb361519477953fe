"""The claim `not-always` (this project): its statement, evidence, controls and figure."""
