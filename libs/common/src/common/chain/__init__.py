"""All reading of EVM chains. Pure parts: `types`, `units`, `transfers`, `abi`."""
