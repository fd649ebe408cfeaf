-- The seal: what the gate accepted, in AdminComment, where a job's owner cannot write.
-- core/tags.py reads it.

local need = ...
local claims, scan, verdict = need("claims"), need("scan"), need("verdict")
local seal = {}

local KEY, VERSION, MAX_DEPTH = "slurm_finops", 1, 32

-- Any text as JSON; bytes that are not UTF-8 each as the character of that number.
local function as_json(text)
  local signs = scan.not_utf8(text) and '[%c"\\\127-\255]' or '[%c"\\\127]'
  return '"' .. text:gsub(signs, function(c)
    return ("\\u%04x"):format(c:byte())
  end) .. '"'
end

local function object_of(text)
  local is_deep = scan.opens_more(text, MAX_DEPTH) and scan.depth(text) > MAX_DEPTH
  if is_deep or scan.not_utf8(text) then
    return nil
  end
  return (scan.object(text))
end

-- What stood in AdminComment already: other keys as they are written, other text under "other".
local function kept(before)
  if not before or before == "" then
    return {}
  end
  local members = object_of(before)
  if not members then
    return { '"other":' .. as_json(before) }
  end
  local found = {}
  for _, member in ipairs(members) do
    if member.key ~= KEY then
      found[#found + 1] = before:sub(member.from, member.stop)
    end
  end
  return found
end

-- The new AdminComment for a job that was accepted.
function seal.make(data, answer, user, before)
  local inner = {
    '"v":' .. VERSION, '"policy":' .. as_json(data.digest), '"user":' .. as_json(user),
    '"tags":' .. verdict.comment(data, answer.claim.sealed),
  }
  local faults = {}
  for i, wrong in ipairs(answer.said) do
    local key = data.canonical[wrong.key] or wrong.key
    faults[i] = "[" .. as_json(wrong.code) .. "," .. as_json(key) .. "]"
  end
  if #faults > 0 then
    inner[#inner + 1] = '"faults":[' .. table.concat(faults, ",") .. "]"
  end
  local parts = { '"' .. KEY .. '":{' .. table.concat(inner, ",") .. "}" }
  for _, whole in ipairs(kept(before)) do
    parts[#parts + 1] = whole
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

-- AdminComment without a seal, for a job that is given none: nobody else may have written one.
function seal.without(before)
  if not before or not before:find(KEY, 1, true) then
    return before
  elseif not object_of(before) then
    return ""  -- it speaks of a seal, and cannot be read: nobody may take it for one
  end
  local parts = kept(before)
  return #parts > 0 and "{" .. table.concat(parts, ",") .. "}" or ""
end

-- The text of a member that is an object, or nil.
local function inner(text, key)
  for _, member in ipairs(object_of(text) or {}) do
    if member.key == key and member.kind == "object" then
      return text:sub(member.began, member.stop)
    end
  end
end

local function sealed(admin_comment)
  return admin_comment and admin_comment:find(KEY, 1, true) and inner(admin_comment, KEY)
end

-- A new AdminComment beside the seal that was there.
function seal.carry(old, new)
  local parts = { '"' .. KEY .. '":' .. sealed(old) }
  for _, whole in ipairs(kept(new)) do
    parts[#parts + 1] = whole
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

-- The comment that stands for a seal's tags, or nil where there is no seal.
function seal.comment(data, admin_comment)
  local text = sealed(admin_comment)
  local tags = text and inner(text, "tags")
  return tags and verdict.comment(data, claims.parse(data, tags).tags)
end

-- Who submitted a job that was sealed, or nil.
function seal.user(admin_comment)
  local text = sealed(admin_comment)
  for _, member in ipairs(text and object_of(text) or {}) do
    if member.key == "user" then
      return member.value
    end
  end
end

return seal
