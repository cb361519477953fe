"""The claim `architectures` (Fig. 3): its statement, evidence, controls and figure."""
