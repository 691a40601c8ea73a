"""One module a family of rules; each takes decoded records and returns findings."""
