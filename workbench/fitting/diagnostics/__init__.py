"""What is wrong with a fit, in words: parameters that are not determined, laws that do not hold, runs that decide."""
