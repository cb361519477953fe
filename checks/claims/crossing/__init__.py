"""The claim `crossing` (Cor. 4.2): its statement, evidence, controls and figure."""
