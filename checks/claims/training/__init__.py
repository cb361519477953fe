"""The claim `training` (Figs. 1, 6): its statement, evidence, controls and figure."""
