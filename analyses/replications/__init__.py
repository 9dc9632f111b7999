"""Published fits, made again from the tables they were made from: one module each, `analyse(path) -> Report`."""

REPLICATIONS = {
    "hoffmann": "Hoffmann et al. 2022: three approaches to the exponent, on their digitised figure 4",
    "besiroglu": "Besiroglu et al. 2024: the parametric law of the same runs, both objectives, the bootstrap",
    "muennighoff": "Muennighoff et al. 2023: the worth of repeated tokens, on the 182 runs of their fit",
}
"""Module → what it replicates."""
