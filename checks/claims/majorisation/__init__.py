"""The claim `majorisation` (this project): its statement, evidence, controls and figure."""
