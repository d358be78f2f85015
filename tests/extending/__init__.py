"""What is added to Bertoscope, added for real: each test says how many files that touches."""
