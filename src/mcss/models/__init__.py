"""Backbone, heads and the LightningModule."""
