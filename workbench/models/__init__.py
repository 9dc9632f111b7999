"""One decoder assembled from interchangeable parts; presets; exact counts of N and FLOPs."""
