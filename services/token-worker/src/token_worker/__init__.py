"""How a token moves, who the whales are, what deserves an alert."""
