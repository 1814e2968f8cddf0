"""A package of somebody else's that adds a lesson and a function to embedsheet."""
