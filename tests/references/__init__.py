"""Slow and obvious implementations, straight from the equations, that the library is compared with."""
