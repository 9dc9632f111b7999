"""Laws, estimators, uncertainty, forecasts. Tables in, fits out."""
