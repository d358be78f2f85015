"""Fine-tuning: data, training, runs, results."""
