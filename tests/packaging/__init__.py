"""What pip installs, and the commands that come with it."""
