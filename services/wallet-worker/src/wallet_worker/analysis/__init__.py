"""Pure analysis of a wallet's reading: no I/O, no clock."""
