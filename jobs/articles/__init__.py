"""Reading the web: fetching safely, extracting text, picking the telling sentences."""
