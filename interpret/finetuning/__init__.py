"""Short fine-tunes: the data and its faults, which floors are frozen, and what comes of it."""
