"""From the log into the tables: decoded, folded, promised, loaded, rolled back."""
