"""How sure a fit is: bootstraps, sandwich, jackknife and profile, each from a point fit to draws."""
