"""What a detector is written as for other programs: a module a target."""
