"""The doors for programs and people: the scrape, health, reload, and a page to look at."""
