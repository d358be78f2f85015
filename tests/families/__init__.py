"""One suite for every family that is one line: what its own code gives, this project gives."""
