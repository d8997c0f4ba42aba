"""Training batches from stores: supervision, samplers, streams, augmentation, the LightningDataModule."""
