"""What is synced: mapping files as checked models, canonical values, transforms by name, drift."""
