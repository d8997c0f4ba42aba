"""MPI-INF-3DHP in the layouts that are in use: one small reader each."""
