"""Pure analysis of a collection's movements: records in, findings out, no I/O and no clock."""
