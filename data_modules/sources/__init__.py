"""Importers: data sets as they lie on disk, each layout in one file, turned into stores."""
