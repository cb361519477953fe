"""Figures: charts as data, what their strokes are, and how matplotlib draws them."""
