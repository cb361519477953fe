"""The claim `angle` (§3): its statement, evidence, controls and figure."""
