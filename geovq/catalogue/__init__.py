"""What there is to choose from, one description per thing: tables that every other part may read."""
