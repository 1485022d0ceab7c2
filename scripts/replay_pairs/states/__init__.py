"""How the org is brought to the state of each pair, by the pair's name."""
