"""Speech segments of any recording: detection, and files that hold segments."""
