"""Tests, mirroring both import roots; ``tests.references`` holds the oracles."""
