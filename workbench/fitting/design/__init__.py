"""The next runs: those that shrink the interval of one number most for their compute."""
