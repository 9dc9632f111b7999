"""Many robust fits at once: objectives, the batched solver, and the certificate of its optimum."""
