-- What the gate answers, in words.  Its twin is core/verdict.py.

local need = ...
local claims, near, policy = need("claims"), need("near"), need("policy")
local gsub = string.gsub
local verdict = {}

-- One line that says what is wrong; in one pass, for what a user typed may look like a place.
local function message(data, wrong)
  return (gsub(data.messages[wrong.code], "{(%l+)}", wrong))
end

-- A tag that is missing because its name was mistyped says so.
local function with_slips(faults, others)
  local found = {}
  for i, wrong in ipairs(faults) do
    local slip = wrong.code == "missing" and near.nearest(wrong.key, others)
    found[i] = slip and claims.fault("misspelt", wrong.key, slip) or wrong
  end
  return found
end

-- What can be guessed from a comment that is not JSON: {team:nlp}, team=nlp.
local function salvage(data, comment)
  local found = {}
  local pair = "([A-Za-z_-]+)[\"']?[ \t]*[:=][ \t]*[\"']?([A-Za-z0-9._-]+)"
  for key, value in comment:gmatch(pair) do
    key = data.canonical[key]
    if key and not found[key] then
      found[key] = value
    end
  end
  return found
end

local function is_contested(data, tags, who)
  local claim = { tags = tags, faults = {}, source = "comment" }
  for _, wrong in ipairs(policy.attribute(data, claim, who).faults) do
    if wrong.code == "not_yours" then
      return true
    end
  end
  return false
end

-- These tags, mended: a near name for a wrong one, <key> where only the user can say.
local function example(data, claim, faults, who, comment)
  for _, wrong in ipairs(faults) do
    if wrong.code == "not_json" or wrong.code == "unquoted" then
      claim = { tags = salvage(data, comment), faults = {}, source = "comment", others = {} }
      faults = policy.faults(data, policy.attribute(data, claim, who))
      break
    end
  end
  local wrongs, required, values = {}, {}, {}
  for _, wrong in ipairs(faults) do
    wrongs[data.canonical[wrong.key] or wrong.key] = wrong
  end
  for _, key in ipairs(data.required) do
    required[key] = true
  end
  local billed = policy.attribute(data, claim, who).tags
  for _, key in ipairs(data.keys) do
    local wrong, value, open = wrongs[key], claim.tags[key], "<" .. key .. ">"
    if not wrong then
      local needed = required[key] and billed[key] == nil
      values[key] = value or (needed and open or nil)
    elseif wrong.code == "unknown_near" then
      values[key] = wrong.hint
    elseif required[key] or value ~= nil then
      values[key] = open
    end
  end
  if values.team == "<team>" or is_contested(data, values, who) then
    local owner = policy.owner(data, who)
    values.team = owner and owner.name or "<team>"
  end
  -- What was right for the team that was named may be wrong for another.
  for _, wrong in ipairs(policy.judge(data, values)) do
    if wrong.code == "unknown" or wrong.code == "unknown_of" then
      values[wrong.key] = "<" .. wrong.key .. ">"
    elseif wrong.code == "unknown_near" then
      values[wrong.key] = wrong.hint
    end
  end
  return values
end

local function as_json(text)
  return '"' .. gsub(gsub(text, "\\", "\\\\"), '"', '\\"') .. '"'
end
verdict.as_json = as_json

-- The shortest comment for these tags.
function verdict.comment(data, tags)
  local parts = {}
  for _, key in ipairs(data.keys) do
    if tags[key] then
      parts[#parts + 1] = as_json(key) .. ":" .. as_json(tags[key])
    end
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

-- A whole right comment to start from, as a shell takes it, in a line or two.
local function example_lines(data, claim, faults, who, comment, lines)
  local tags = example(data, claim, faults, who, comment)
  local quoted = gsub(verdict.comment(data, tags), "'", [['"'"']])
  lines[#lines + 1] = "  type: --comment='" .. quoted .. "'"
  local open = {}
  for _, key in ipairs(data.keys) do
    if tags[key] == "<" .. key .. ">" then
      open[#open + 1] = tags[key]
    end
  end
  if #open > 0 then
    lines[#lines + 1] = "  with your own value for " .. table.concat(open, ", ")
  end
end

local MAX_ACCOUNTS = 3

-- Whoever meant the team may have forgotten the account that pays for it.
local function other_accounts(data, faults, lines)
  for _, wrong in ipairs(faults) do
    local accounts = wrong.code == "not_yours" and data.team[wrong.detail].accounts
    if accounts and #accounts.plain > 0 then
      local named = {}
      for i = 1, math.min(#accounts.plain, MAX_ACCOUNTS) do
        named[i] = "--account=" .. accounts.plain[i]
      end
      lines[#lines + 1] = ('  or charge team "%s" with %s, if you may use it'):format(
        wrong.detail, table.concat(named, " or "))
      return
    end
  end
end

-- {kind = accept | exempt | fault, claim, faults, lines, said} for a job with this comment;
-- `said` are the faults of the comment alone.
function verdict.of(data, comment, who)
  local claim = claims.parse(data, comment)
  local billed = policy.attribute(data, claim, who)
  if policy.exempt(data, who) then
    return { kind = "exempt", claim = billed, faults = {}, lines = {}, said = claim.faults }
  end
  local faults = with_slips(policy.faults(data, billed), claim.others)
  if #faults == 0 then
    return { kind = "accept", claim = billed, faults = faults, lines = {}, said = claim.faults }
  end
  local lines = { data.header }
  for _, wrong in ipairs(faults) do
    lines[#lines + 1] = "  " .. message(data, wrong)
  end
  example_lines(data, claim, faults, who, comment, lines)
  other_accounts(data, faults, lines)
  if data.help ~= "" then
    lines[#lines + 1] = "  " .. data.help
  end
  return { kind = "fault", claim = billed, faults = faults, lines = lines, said = claim.faults }
end

return verdict
