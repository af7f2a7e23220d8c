"""The process that works on a run: its status, its turn on the device, how it is interrupted, what it shows."""
