"""The claim `trajectory` (teaser figure): its statement, evidence, controls and figure."""
