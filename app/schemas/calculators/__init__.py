"""Wire shapes of the calculators: what anyone may send, and what comes back."""
