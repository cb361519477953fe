"""The report: one self-contained HTML file about every claim.

`page.render` makes it from the outcomes that `read` finds; `drawings` writes the committed figures, and `words` says
verdicts in sentences, also for the command line. All else serves the page.
"""
