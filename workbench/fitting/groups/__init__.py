"""Groups of runs held against one another: how many times the compute one needs for the loss of another."""
