"""Pure analysis of a token's transfers: no network, no clock, no database."""
