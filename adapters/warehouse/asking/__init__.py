"""Out of the tables: a fixed catalogue of questions, each within its bounds."""
