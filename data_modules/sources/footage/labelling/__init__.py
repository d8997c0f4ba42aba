"""A local page on which a person clicks joints in own videos."""
