"""What several proofs use: steps and their grades, decisions by fields and balls, matrices, rendering."""
