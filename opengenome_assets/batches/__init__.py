"""From an input to batches: the plan, the manifest that holds it, and the batch files of sequences."""
