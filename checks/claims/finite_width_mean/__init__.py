"""The claim `finite-width-mean` (this project): its statement, evidence, controls and figure."""
