"""Why did the model say that: what each word contributed, and how far that answer can be believed."""
