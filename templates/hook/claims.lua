-- A comment -> a claim: tags, and what is wrong with it.  Its twin is core/tags.py.

local need = ...
local scan = need("scan")
local find, format = string.find, string.format
local claims = {}

local MAX_BYTES, MAX_DEPTH = 1024, 32
local KINDS = {
  number = "a number", boolean = "true or false", null = "null", list = "a list",
  object = "an object",
}

local function within(ranges, point)
  for _, range in ipairs(ranges) do
    if point >= range[1] and point <= range[2] then
      return true
    end
  end
  return false
end

local function fault(code, key, detail, hint)
  return { code = code, key = key or "", detail = detail or "", hint = hint or "" }
end
claims.fault = fault

-- What is wrong with a value that is written under `given`.
local function value_fault(policy, given, member)
  if member.kind ~= "string" then
    return fault("not_string", given, KINDS[member.kind])
  end
  local value = member.value
  if value == "" then
    return fault("empty", given)
  elseif not find(value, "[^\32-\126]") then
    return nil
  end
  for point in scan.points(value) do
    if within(policy.controls, point) then
      return fault("control", given, format("U+%04X", point))
    elseif within(policy.lookalikes, point) then
      return fault("lookalike", given, format("U+%04X", point))
    elseif point >= 0xD800 and point <= 0xDFFF then
      return fault("surrogate", given)
    end
  end
end

-- The known keys given more than once, each once, in the order in which they first stand.
local function repeated(policy, members)
  local found, seen, set = {}, {}, {}
  for _, member in ipairs(members) do
    local key = member.key
    if policy.canonical[key] then
      set[key], seen[key] = seen[key], true
    end
  end
  if next(set) then
    for _, member in ipairs(members) do
      if set[member.key] and seen[member.key] then
        found[#found + 1], seen[member.key] = fault("duplicate", member.key), nil
      end
    end
  end
  return found, set
end

-- Tags and faults of an object's members.
local function of_members(policy, members)
  local faults, twice = repeated(policy, members)
  local given, tags = {}, {}
  for _, member in ipairs(members) do
    local key = policy.canonical[member.key]
    if key and not twice[member.key] then
      local wrong = value_fault(policy, member.key, member)
      if wrong then
        faults[#faults + 1] = wrong
      elseif given[key] == nil then
        given[key], tags[key] = member.key, member.value
      elseif tags[key] ~= member.value then
        if tags[key] then
          faults[#faults + 1] =
            fault("disagree", key, format('"%s" and "%s"', given[key], member.key))
        end
        tags[key] = nil
      end
    end
  end
  return tags, faults
end

-- The members of the object in a comment, or the fault that keeps it from being one.
local function members_of(comment)
  if #comment > MAX_BYTES then
    return nil, fault("too_long", "", format("%d", #comment))
  end
  local printable = not find(comment, "[^\32-\126]")
  local bad = not printable and scan.not_utf8(comment)
  if bad then
    return nil, fault("not_utf8", "", format("0x%02x at byte %d", comment:byte(bad), bad))
  end
  if scan.opens_more(comment, MAX_DEPTH) and scan.depth(comment) > MAX_DEPTH then
    return nil, fault("too_deep")
  end
  local members, kind, reason, at = scan.object(comment, printable)
  if members then
    return members
  elseif kind then
    return nil, fault("not_object")
  end
  local place = format(" at character %d", scan.character(comment, at))
  -- a shell takes the double quotes away
  local code = find(comment, '"', 1, true) and "not_json" or "unquoted"
  return nil, fault(code, "", reason .. place)
end

-- {tags, faults, source, others}: `others` are keys that are no tags, of plain characters.
function claims.parse(policy, comment)
  if not comment or comment == "" then
    return { tags = {}, faults = {}, source = "none", others = {} }
  end
  local members, wrong = members_of(comment)
  if not members then
    return { tags = {}, faults = { wrong }, source = "comment", others = {} }
  end
  local tags, faults = of_members(policy, members)
  local others = {}
  for _, member in ipairs(members) do
    local key = member.key
    if not policy.canonical[key] and key ~= "" and not find(key, "[^A-Za-z0-9_-]") then
      others[#others + 1] = key
    end
  end
  return { tags = tags, faults = faults, source = "comment", others = others }
end

return claims
