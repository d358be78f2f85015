"""A report as files that a person is handed: one page of HTML that needs nothing else, and the JSON behind it."""
