"""3D poses from the same joints in several views of still cameras that nobody calibrated."""
