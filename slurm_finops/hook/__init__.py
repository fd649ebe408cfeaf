"""The gate at sbatch: the tag policy as Lua data, and the Lua that judges by it."""
