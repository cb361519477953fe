"""The claim `expected-loss` (Prop. 4.1): its statement, evidence, controls and figure."""
