"""Everything that reads or writes data files: the store, its streams, the rendered studio, importers."""
