"""deepgray measures deep gray matter."""
