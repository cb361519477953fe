"""What two claims or more use: evidence and statistics, formulas on the three roads, data sets, spectra, searches.

No tool imports a claim.
"""
