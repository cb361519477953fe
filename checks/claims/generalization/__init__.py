"""The claim `generalization` (§5, Fig. 7): its statement, evidence, controls and figure."""
