-- For scripts/compatibility: writes what slurmctld gives a job_submit script to its log, and does
-- as the name of a submitted job, or the new comment of a changed one, says.

local DESC = {
  "account", "admin_comment", "array_inx", "begin_time", "comment", "container",
  "cpus_per_task", "cpus_per_tres", "default_account", "default_qos", "dependency", "extra",
  "features", "het_job_offset", "licenses", "max_nodes", "mem_per_tres", "min_cpus",
  "min_nodes", "num_tasks", "ntasks_per_gpu", "origin_cluster", "partition", "pn_min_memory",
  "qos", "requeue", "reservation", "shared", "time_limit", "time_min", "tres_bind",
  "tres_per_job", "tres_per_node", "tres_per_socket", "tres_per_task", "user_id", "user_name",
  "wckey",
}
local RECORD = {
  "account", "admin_comment", "comment", "het_job_id", "job_id", "job_state", "partition",
  "qos", "tres_fmt_req_str", "tres_per_node", "tres_req_str", "user_id", "user_name", "wckey",
}
local PART = {
  "allow_accounts", "allow_qos", "default_time", "deny_accounts", "flag_default", "max_time",
  "max_nodes", "name", "priority_tier", "state_up", "total_cpus", "total_nodes",
}
local CONSTANTS = {
  "ERROR", "FAILURE", "SUCCESS", "NO_VAL", "NO_VAL64", "ESLURM_ACCESS_DENIED",
  "ESLURM_INVALID_ACCOUNT",
}

local function say(what, name, value)
  local text = tostring(value):gsub("[%c|]", "?")
  slurm.log_info("%s", ("PROBE|%s|%s|%s|%s|"):format(what, name, type(value), text))
end

local function fields(what, record, names)
  for _, name in ipairs(names) do
    local _, value = pcall(function() return record[name] end)
    say(what, name, value)
  end
end

local submitted = {
  refuse = function()
    slurm.log_user("%s", "one %s\ntwo")
    return slurm.ERROR
  end,
  tell = function()
    slurm.log_user("%s", "one %s\ntwo")
  end,
  format = function()
    slurm.log_user("100%s")
    return slurm.ERROR
  end,
  raise = function() error("raised") end,
  text = function() return "text" end,
  denied = function() return slurm.ESLURM_ACCESS_DENIED end,
}

function slurm_job_submit(job_desc, part_list)
  local name = job_desc.name
  fields("submit " .. name, job_desc, DESC)
  if name == "no options" then
    fields("slurm", slurm, CONSTANTS)
    for _, part in pairs(part_list) do
      fields("partition " .. tostring(part.name), part, PART)
    end
  end
  local length = name:match("^seal%-(%d+)$")
  if length then
    job_desc.admin_comment = ("x"):rep(tonumber(length))
  elseif name == "nothing" then
    return nil
  elseif submitted[name] then
    return submitted[name]() or slurm.SUCCESS
  end
  return slurm.SUCCESS
end

local changed = {
  refuse = function() return slurm.ERROR end,
  deny = function() return slurm.ESLURM_ACCESS_DENIED end,
  account = function() return slurm.ESLURM_INVALID_ACCOUNT end,
  raise = function() error("raised") end,
}

function slurm_job_modify(job_desc, job_rec)
  local comment = job_desc.comment
  local what = comment or "no comment"
  fields("modify " .. what, job_desc, DESC)
  fields("record " .. what, job_rec, RECORD)
  slurm.log_user("%s", "told at a change")
  if what == "seal" then
    job_desc.admin_comment = "by the hook"
  end
  return changed[what] and changed[what]() or slurm.SUCCESS
end

return slurm.SUCCESS
