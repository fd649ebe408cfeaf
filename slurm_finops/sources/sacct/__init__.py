"""Slurm's accounting, as ``sacct`` prints it: live, or from a saved file."""
