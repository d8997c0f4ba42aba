"""What is learned from pairs of views, besides the pose of labelled images: one objective a file."""
