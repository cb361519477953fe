"""Theorem 3.1, condition numbers: what is claimed of the orders, and what small n and n < d have to say."""
