"""`geovq doctor`: whether this machine can do what geovq asks of it, one line for each thing that is looked at."""
