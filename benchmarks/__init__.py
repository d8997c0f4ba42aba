"""Speed of the project relative to other implementations."""
