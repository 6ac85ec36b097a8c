"""Training: configuration, run folder, checkpoint, the loop and its report."""
