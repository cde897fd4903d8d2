"""Files of the warehouse: where they lie, how they become whole, and what they say of themselves."""
