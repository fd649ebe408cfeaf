-- slurm-finops RELEASE: the gate at sbatch, made by `slurm-finops hook build`; not to be edited.
--
--   local gate = dofile("/etc/slurm/slurm_finops.lua")
--   gate.submit(job_desc, part_list, submit_uid)            what slurm_job_submit returns
--   gate.modify(job_desc, job_rec, part_list, modify_uid)   what slurm_job_modify returns
--
-- Lua 5.1 to 5.4.  It reads slurm_finops_policy.lua beside it and nothing else: no shell, no
-- network, no sleep, no library.

local parts, loaded = {}, {}
-- slurmctld's package.path does not hold this folder: the file says itself where it lies.
local folder = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"

local function need(name)
  if loaded[name] == nil then
    loaded[name] = parts[name](need, folder)
  end
  return loaded[name]
end
