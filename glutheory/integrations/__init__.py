"""The kernels in other people's tools: scikit-learn, SciPy, PyTorch, GPyTorch, JAX, Dask.

Each module needs its tool; nothing else does, so nothing is exported here: import the module whose tool you have.
"""
