"""The claim `degree-shift` (this project): its statement, evidence, controls and figure."""
