"""What every subject stands on: models, tokens, devices, files, the tapped attention, and what a trace records."""
