"""What the mirrors of nets share that stand on a sheet with their loss and, some of them, their derivatives."""
