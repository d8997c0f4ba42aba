"""Motion capture played by the people of the studio."""
