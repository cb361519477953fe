"""The claim `decomposition` (App. B): its statement, evidence, controls and figure."""
