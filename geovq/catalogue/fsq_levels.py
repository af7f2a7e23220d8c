"""Levels of finite scalar quantization: how many values each channel takes, by the number of codes that they make.

Source: Mentzer, Minnen, Agustsson, Tschannen (2023), "Finite Scalar Quantization: VQ-VAE Made Simple",
arXiv 2309.15505, table 1, for 240 codes; the others are as even as few channels allow.
"""

FSQ_LEVELS = {16: (4, 4), 60: (5, 4, 3), 240: (8, 6, 5), 1_000: (10, 10, 10)}
