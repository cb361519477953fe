"""Road 1: closed forms derived from the activation's definition by Price's theorem, and their certified evaluation."""
