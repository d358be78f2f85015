"""Short fine-tunes: the data and its faults, which layer groups are frozen, and what comes of it."""
