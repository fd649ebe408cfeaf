-- What the site asks of tags, and who may charge whom.  Its twin is core/policy.py.

local need = ...
local claims, globs, near = need("claims"), need("globs"), need("near")
local fault = claims.fault
local policy = {}

-- Faults that leave no tag to look at.
local UNREADABLE = {
  absent = true, too_long = true, not_utf8 = true, not_json = true, unquoted = true,
  not_object = true, too_deep = true,
}

-- Names that are matched as they are written, whatever signs they hold.
local function exact(list)
  local found = { names = {}, plain = globs.ready(list).plain, all = list }
  for _, name in ipairs(list) do
    found.names[name] = true
  end
  return found
end

local function ready_or_nil(list)
  return list and globs.ready(list) or nil
end

-- The policy's data made ready: lists as sets, names by name.  Done once a policy.
function policy.ready(data)
  data.canonical, data.team, data.lists = {}, {}, {}
  for _, key in ipairs(data.keys) do
    data.canonical[key] = key
  end
  for alias, key in pairs(data.aliases) do
    data.canonical[alias] = key
  end
  for key, list in pairs(data.allowed) do
    data.lists[key] = globs.ready(list)
  end
  local names = {}
  for i, team in ipairs(data.teams) do
    names[i], data.team[team.name] = team.name, team
    team.known = exact(team.projects)
    team.accounts, team.users = ready_or_nil(team.accounts), ready_or_nil(team.users)
    team.wckeys = ready_or_nil(team.wckeys)
    team.closed = (team.accounts or team.users or team.wckeys) and true or false
  end
  data.known = exact(names)
  for _, default in ipairs(data.defaults) do
    default.accounts = globs.ready({ default.account })
  end
  for key, list in pairs(data.exempt) do
    data.exempt[key] = globs.ready(list)
  end
  return data
end

-- Whether one of a team's lists names this account, user or WCKey.
local function names(team, who)
  return team.accounts and globs.match(team.accounts, who.account)
    or team.users and globs.match(team.users, who.user)
    or team.wckeys and globs.match(team.wckeys, who.wckey)
    or false
end

-- The first team whose lists name this account, user or WCKey.
function policy.owner(data, who)
  for _, team in ipairs(data.teams) do
    if names(team, who) then
      return team
    end
  end
end

-- Whether no tags are asked of this job; of several partitions, all must be named.
function policy.exempt(data, who)
  local lists, asked, listed = data.exempt, 0, 0
  for name in who.partition:gmatch("[^,]+") do
    asked = asked + 1
    listed = listed + (globs.match(lists.partitions, name) and 1 or 0)
  end
  return globs.match(lists.users, who.user) or globs.match(lists.accounts, who.account)
    or globs.match(lists.qos, who.qos) or (asked > 0 and asked == listed)
end

local function copy(list)
  local found = {}
  for key, value in pairs(list) do
    found[key] = value
  end
  return found
end

-- The tags with the account's defaults where nothing was said, right or wrong.
local function filled(data, claim, who)
  local tags = copy(claim.tags)
  for _, default in ipairs(data.defaults) do
    if globs.match(default.accounts, who.account) then
      local said = {}
      for _, wrong in ipairs(claim.faults) do
        said[data.canonical[wrong.key] or wrong.key] = true
      end
      for key, value in pairs(default.tags) do
        if tags[key] == nil and not said[key] then
          tags[key] = value
        end
      end
      return tags
    end
  end
  return tags
end

-- The claim as it is billed; `sealed` are the tags before the registry adds to them.
function policy.attribute(data, claim, who)
  local tags = filled(data, claim, who)
  local faults, source = copy(claim.faults), claim.source
  if source == "none" and next(tags) then
    source = "rule"
  end
  local sealed = copy(tags)
  local team = tags.team and data.team[tags.team]
  if team and team.closed and not who.unknown and not names(team, who) then
    local owner = policy.owner(data, who)
    faults[#faults + 1] = fault("not_yours", "team", team.name, who.account)
    tags.team, tags.cost_center = owner and owner.name or nil, nil
    source, team = "account", owner
  end
  if team and team.cost_center and tags.cost_center == nil then
    tags.cost_center = team.cost_center
  end
  return { tags = tags, faults = faults, source = source, others = claim.others, sealed = sealed }
end

-- As many names, of so many bytes together, are told where none is near.
local MAX_TOLD, MAX_TOLD_BYTES = 6, 100

local function unknown(key, value, known)
  local close = near.nearest(value, known.plain)
  if close then
    return fault("unknown_near", key, value, close)
  end
  local told = #known.all > 0 and #known.all <= MAX_TOLD and table.concat(known.all, ", ") or ""
  if told ~= "" and #told <= MAX_TOLD_BYTES then
    return fault("unknown_of", key, value, told)
  end
  return fault("unknown", key, value)
end

-- Adds to `found` what is wrong with one value.
local function judge_value(data, key, value, tags, found)
  if #value > data.max_length then
    found[#found + 1] =
      fault("value_too_long", key, ("%d"):format(#value), ("%d"):format(data.max_length))
    return
  end
  if value:find("^ ") or value:find(" $") then
    found[#found + 1] = fault("spaces", key)
  end
  if value == "<" .. key .. ">" then
    found[#found + 1] = fault("placeholder", key, value)
    return
  end
  local list = data.lists[key]
  if list and not globs.match(list, value) then
    found[#found + 1] = unknown(key, value, list)
  elseif data.registry and key == "team" and not data.team[value] then
    found[#found + 1] = unknown(key, value, data.known)
  elseif data.registry and key == "project" then
    local team = tags.team and data.team[tags.team]
    if team and not team.known.names[value] then
      found[#found + 1] = unknown(key, value, team.known)
    end
  end
end

-- What the site would refuse in these tags.
function policy.judge(data, tags)
  local found = {}
  for _, key in ipairs(data.required) do
    if tags[key] == nil then
      found[#found + 1] = fault("missing", key)
    end
  end
  for _, key in ipairs(data.keys) do
    if tags[key] ~= nil then
      judge_value(data, key, tags[key], tags, found)
    end
  end
  return found
end

-- What was wrong with a claim, and what the site refuses in it, each tag named once.
function policy.faults(data, claim)
  for _, wrong in ipairs(claim.faults) do
    if UNREADABLE[wrong.code] then
      return claim.faults
    end
  end
  local nothing = claim.source == "none" and #claim.faults == 0 and not next(claim.tags)
  if nothing and #data.required > 0 then
    return { fault("absent") }
  end
  local found, named = copy(claim.faults), {}
  for _, wrong in ipairs(claim.faults) do
    named[data.canonical[wrong.key] or wrong.key] = true
  end
  for _, wrong in ipairs(policy.judge(data, claim.tags)) do
    if not named[wrong.key] then
      found[#found + 1] = wrong
    end
  end
  return found
end

return policy
