"""What the server is at, for whoever runs it."""
