"""Figures: charts as data, what their strokes are, and how matplotlib draws them.

Whoever has something to show makes a `Chart` of `chart`, which needs no matplotlib; the others do.
"""
