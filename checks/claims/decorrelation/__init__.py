"""The claim `decorrelation` (this project): its statement, evidence, controls and figure."""
