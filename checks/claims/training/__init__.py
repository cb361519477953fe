"""The claim `training` (Figs. 1, 6).

`statement` has `CLAIM` and `run`, which draws on `evidence`, `figure`, `kernels` and `measures` for the Gaussian task,
and on `images`, `image_task` and `image_runs` for MNIST, CIFAR-10 and digits.
"""
