"""Files for other programs: what finance and their tools read."""
