"""Literature-based discovery: what may be related through shared concepts, and has not been said yet."""
