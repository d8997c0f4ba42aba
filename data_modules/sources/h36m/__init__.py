"""Human3.6M in the layouts that are in use: one small reader each."""
