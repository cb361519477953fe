"""The claim `phase-diagram` (this project): its statement, evidence, controls and figure."""
