"""Tables for people and spreadsheets: what is in them, and how they are written."""
