-- slurm-finops: the gate at sbatch.  Made by `slurm-finops hook build`; `hook install` leaves this
-- file alone once it has been edited, so a site may add its own rules where it says "yours".

-- What becomes of a job where slurm_finops.lua cannot be loaded at all: "accept" or "reject".
local ON_ERROR = "ON_ERROR_HERE"

local folder = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local loaded, gate = pcall(dofile, folder .. "slurm_finops.lua")
if loaded then
  gate.on_error = ON_ERROR
end

local function broken()
  slurm.log_error("%s", "slurm-finops: " .. tostring(gate))
  if ON_ERROR ~= "reject" then
    return slurm.SUCCESS
  end
  slurm.log_user("%s", "the tags of this job cannot be checked: tell your cluster's administrators")
  return slurm.ERROR
end

function slurm_job_submit(job_desc, part_list, submit_uid)
  -- yours: return slurm.ERROR for what your site refuses
  if not loaded then
    return broken()
  end
  return gate.submit(job_desc, part_list, submit_uid)
end

function slurm_job_modify(job_desc, job_rec, part_list, modify_uid)
  -- yours
  if not loaded then
    return broken()
  end
  return gate.modify(job_desc, job_rec, part_list, modify_uid)
end

return slurm.SUCCESS
