-- slurm-finops: a courtesy for submit hosts, not the gate.  sbatch, srun and salloc say what is
-- wrong before they ask slurmctld; whoever sets a SLURM_CONF of his own goes around it.
-- It lies beside slurm.conf, with slurm_finops.lua and slurm_finops_policy.lua.

local folder = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local loaded, gate = pcall(dofile, folder .. "slurm_finops.lua")

function slurm_cli_setup_defaults()
  return slurm.SUCCESS
end

function slurm_cli_pre_submit(options)
  return loaded and gate.filter(options) or slurm.SUCCESS
end

function slurm_cli_post_submit()
  return slurm.SUCCESS
end

return slurm.SUCCESS
