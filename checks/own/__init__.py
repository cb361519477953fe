"""Measurements of the claims on one's own sizes or rows; `checks.own.page` has the table of them."""
