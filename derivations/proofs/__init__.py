"""The proofs, one a family or an identity: each file has `proof()`."""
