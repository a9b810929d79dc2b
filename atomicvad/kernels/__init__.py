"""What a CPU runs instead of the layers: compiled by numba, tested against them."""
