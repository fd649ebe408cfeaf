-- The gate: what slurmctld asks of a submitted and of a changed job.

local need, folder = ...
local data, policy, seal, verdict = need("data"), need("policy"), need("seal"), need("verdict")
local cost = need("cost")
local gate = {
  -- What becomes of a job where no policy was ever read: "accept" or "reject".
  on_error = "accept",
  policy_file = folder .. "slurm_finops_policy.lua",
}

local PREFIX = "slurm-finops: "

-- slurm.log_* read their first argument as a format: what a user typed must never be one.
local function info(text)
  slurm.log_info("%s", PREFIX .. text)
end

local function complain(text)
  slurm.log_error("%s", PREFIX .. text)
end

local function tell(lines)
  slurm.log_user("%s", table.concat(lines, "\n"))
end

-- One line for slurmctld's log, whatever its parts hold.
local function plain(text)
  return (tostring(text):gsub("[%c\127-\255]", "?"))
end

local watched, held, last_complaint

-- Reads the policy into `held`; why its file cannot be read is said once, not with every job.
local function look()
  watched = watched or data.watch(gate.policy_file, policy.ready)
  local why
  held, why = watched()
  if why and why ~= last_complaint then
    complain("the policy cannot be read: " .. why .. (held and "; the last one still holds" or ""))
  elseif last_complaint and not why then
    info("the policy is read again")
  end
  last_complaint = why
  if not held then
    error("there is no policy to judge by", 0)
  end
end

-- The partitions a job goes to where it names none: the cluster's default.
local function default_partition(part_list)
  for name, part in pairs(part_list or {}) do
    if part.flag_default == 1 then
      return part.name or name
    end
  end
  return ""
end

local function text_of(value)
  return type(value) == "string" and value or ""
end

local function either(value, other)
  value = text_of(value)
  return value ~= "" and value or text_of(other)
end

-- Slurm keeps the names of accounts in lower case.
local function lower(name, text)
  return name == "account" and text:gsub("[A-Z]", string.lower) or text
end

local function submitter(job_desc, part_list)
  return {
    account = lower("account", either(job_desc.account, job_desc.default_account)),
    user = text_of(job_desc.user_name), wckey = text_of(job_desc.wckey),
    partition = either(job_desc.partition, default_partition(part_list)),
    qos = either(job_desc.qos, job_desc.default_qos),
  }
end

local function codes(faults)
  local found = {}
  for i, wrong in ipairs(faults) do
    found[i] = wrong.code .. (wrong.key ~= "" and " " .. wrong.key or "")
  end
  return plain(table.concat(found, ", "))
end

local function told_off(answer, who)
  tell(answer.lines)
  info(("%s: job of %s, account %s: %s"):format(
    held.mode == "enforce" and "refused" or "let pass", plain(who.user), plain(who.account),
    codes(answer.faults)))
end

-- An error here must cost nobody his job, nor his seal.
local function say_cost(job_desc, who, team, part_list)
  if not held.money then
    return
  end
  local ok, line = pcall(cost.line, held, job_desc, who, team, part_list, os.time())
  if not ok then
    complain("no cost is said: " .. plain(line))
  elseif line then
    tell({ line })
  end
end

local function submit(job_desc, part_list)
  look()
  local before = job_desc.admin_comment
  local stripped = seal.without(before)
  if stripped ~= before then
    job_desc.admin_comment = stripped
  end
  if held.mode == "off" then
    return slurm.SUCCESS
  end
  local who = submitter(job_desc, part_list)
  local answer = verdict.of(held, text_of(job_desc.comment), who)
  if answer.kind == "fault" then
    told_off(answer, who)
    return held.mode == "enforce" and slurm.ERROR or slurm.SUCCESS
  end
  job_desc.admin_comment = seal.make(held, answer, who.user, stripped)
  say_cost(job_desc, who, answer.claim.tags.team, part_list)
  return slurm.SUCCESS
end

-- Whose job it is, before and after a change.
local function owners(job_desc, job_rec)
  local user = either(job_rec.user_name, seal.user(job_rec.admin_comment))
  -- without a name nobody can say whom a list of users leaves out: then none refuses
  local before = { user = user, unknown = user == "" }
  local after = { user = user, unknown = user == "" }
  for _, name in ipairs({ "account", "wckey", "partition", "qos" }) do
    before[name] = lower(name, text_of(job_rec[name]))
    -- nil is no change; "" asks for the default
    local asked = job_desc[name]
    after[name] = asked == nil and before[name]
      or lower(name, either(asked, name == "account" and job_desc.default_account or nil))
  end
  return before, after
end

local function differs(one, two)
  for name, value in pairs(one) do
    if two[name] ~= value then
      return true
    end
  end
  return false
end

-- Up to 22.05 slurmctld keeps to itself what is told on a change; since 24.11 scontrol shows it.
local function refused(job_rec, why, lines, code)
  info(("refused: change of job %s: %s"):format(tostring(job_rec.job_id), why))
  tell(lines)
  return code
end

local function modify(job_desc, job_rec, modify_uid)
  local comment = job_desc.comment
  local before, after = owners(job_desc, job_rec)
  local writes_over = job_desc.admin_comment ~= nil and seal.user(job_rec.admin_comment)
  if comment == nil and not writes_over and not differs(before, after) then
    return slurm.SUCCESS
  end
  look()
  if held.mode == "off" then
    return slurm.SUCCESS
  end
  if writes_over and modify_uid ~= job_rec.user_id and not seal.user(job_desc.admin_comment) then
    job_desc.admin_comment = seal.carry(job_rec.admin_comment, job_desc.admin_comment)
  end
  local sealed = seal.comment(held, job_rec.admin_comment)
  local is_owner = modify_uid == job_rec.user_id and modify_uid ~= 0
  local must = held.mode == "enforce"
  if comment ~= nil and is_owner and sealed and must then
    return refused(job_rec, "its owner may not change a Comment that was sealed",
      { "the tags of this job are sealed: ask your cluster's administrators to change them" },
      slurm.ESLURM_ACCESS_DENIED)
  end
  local resealing = comment ~= nil and not is_owner
  local stood = sealed or text_of(job_rec.comment)
  local answer = verdict.of(held, comment or stood, after)
  if answer.kind == "fault" then
    local was_right = verdict.of(held, stood, before).kind ~= "fault"
    if must and (comment ~= nil or was_right) then
      local moved = after.account ~= before.account
      return refused(job_rec, codes(answer.faults), answer.lines,
        moved and slurm.ESLURM_INVALID_ACCOUNT or slurm.ESLURM_ACCESS_DENIED)
    elseif resealing then
      job_desc.admin_comment = seal.without(either(job_desc.admin_comment, job_rec.admin_comment))
    end
  elseif resealing then
    local under = either(job_desc.admin_comment, job_rec.admin_comment)
    job_desc.admin_comment = seal.make(held, answer, after.user, under)
  end
  return slurm.SUCCESS
end

-- Runs one of them; an error of ours is never Slurm's, and the site says what becomes of the job.
local function guarded(what, ...)
  local ok, answer = pcall(what, ...)
  if ok then
    return answer
  end
  complain("an error of the gate itself: " .. plain(answer))
  if (held and held.on_error or gate.on_error) ~= "reject" then
    return slurm.SUCCESS
  end
  tell({ "the tags of this job cannot be checked: tell your cluster's administrators" })
  return slurm.ERROR
end

-- Whether the client knows all of a job that the policy looks at; the gate knows the rest.
local function is_certain(options)
  local exempt, asked = held.exempt, text_of(options.partition)
  local by_account = #exempt.accounts.all > 0 or #held.defaults > 0
  return (text_of(options.account) ~= "" or not by_account) and #exempt.users.all == 0
    and (asked ~= "" or #exempt.partitions.all == 0)
    and (text_of(options.qos) ~= "" or #exempt.qos.all == 0)
end

local function filter(options)
  look()
  if held.mode ~= "enforce" or not is_certain(options) then
    return slurm.SUCCESS
  end
  local who = { user = "", unknown = true }
  for _, name in ipairs({ "account", "wckey", "partition", "qos" }) do
    who[name] = text_of(options[name])
  end
  local answer = verdict.of(held, text_of(options.comment), who)
  if answer.kind ~= "fault" then
    return slurm.SUCCESS
  end
  for _, line in ipairs(answer.lines) do
    slurm.log_error("%s", line)
  end
  return slurm.ERROR
end

-- For slurm_cli_pre_submit of a cli_filter.lua: it refuses only what the gate surely would, and
-- in `enforce` alone, for in `warn` the gate says the same.
function gate.filter(options)
  local ok, answer = pcall(filter, options)
  return ok and answer or slurm.SUCCESS
end

-- For `slurm-finops hook test`: the kind of answer, its faults as {code, key, detail, hint}, its
-- lines, and what would be sealed.  Errors are not caught.
function gate.judge(comment, who, before)
  look()
  local answer = verdict.of(held, comment, who)
  local sealed = answer.kind ~= "fault" and seal.make(held, answer, who.user, before) or nil
  return answer.kind, answer.faults, answer.lines, sealed
end

-- For slurm_job_submit: slurm.SUCCESS, or slurm.ERROR where the job is refused.
function gate.submit(job_desc, part_list, submit_uid)
  return guarded(submit, job_desc, part_list, submit_uid)
end

-- For slurm_job_modify: slurm.SUCCESS, or the error that keeps a change from being made.
function gate.modify(job_desc, job_rec, part_list, modify_uid)
  return guarded(modify, job_desc, job_rec, modify_uid)
end

return gate
