"""The claim `expected-loss` (Prop. 4.1).

`statement` has `CLAIM` and `run`, which draws on `figure`, `initial_outputs`, `loss_forms`, `trained` and
`trained_losses`.
"""
