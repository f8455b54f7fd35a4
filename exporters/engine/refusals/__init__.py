"""What is said of refused lines: where the first of each reason is, and what was wrong with it."""
