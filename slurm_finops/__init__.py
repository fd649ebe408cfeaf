"""What each GPU-second on a Slurm cluster cost, and who it belongs to."""

__version__ = "0.1.0"
