"""What a run is made of: one function per stage, and the plan that orders them."""
