"""The report: one self-contained HTML file about every claim."""
