"""What a fit says of runs nobody has made: allocation, prediction, decisions, and back-tests that judge them."""
