-- Names and globs (* and ?), each matched whole.  Its twin is core/globs.py.

local find, sub, byte = string.find, string.sub, string.byte
local globs = {}

-- No glob fits a longer text: slurmctld waits while this compares.
local MAX_BYTES = 256

-- How many bytes the character at `at` has; a byte that begins none is one of its own.
local function width(text, at)
  local a = byte(text, at)
  local size = a < 0xC2 and 1 or a < 0xE0 and 2 or a < 0xF0 and 3 or a < 0xF5 and 4 or 1
  for i = at + 1, at + size - 1 do
    local b = byte(text, i)
    if not b or b < 0x80 or b > 0xBF then
      return 1
    end
  end
  return size
end

local function is_glob(text)
  return find(text, "[*?]") ~= nil
end

-- Whether a glob fits a whole text: at a mismatch only the last * takes one more.
local function fits(glob, text)
  local at, i, star, taken = 1, 1, nil, 1
  while i <= #text do
    local g = sub(glob, at, at)
    if g == "*" then
      star, taken, at = at, i, at + 1
    elseif g == "?" then
      at, i = at + 1, i + width(text, i)
    elseif g ~= "" and g == sub(text, i, i) then
      at, i = at + 1, i + 1
    elseif star then
      taken = taken + width(text, taken)
      at, i = star + 1, taken
    else
      return false
    end
  end
  return not find(sub(glob, at), "[^*]")
end

-- A list made ready for `match`; `plain` are its names, in order, `all` its globs, too.
function globs.ready(list)
  local found = { names = {}, plain = {}, globs = {}, all = list or {} }
  for _, text in ipairs(list or {}) do
    if is_glob(text) then
      found.globs[#found.globs + 1] = text
    else
      found.names[text] = true
      found.plain[#found.plain + 1] = text
    end
  end
  return found
end

-- Whether any of a ready list is, or fits, the whole text.
function globs.match(ready, text)
  if ready.names[text] then
    return true
  elseif #text > MAX_BYTES then
    return false
  end
  for _, glob in ipairs(ready.globs) do
    if fits(glob, text) then
      return true
    end
  end
  return false
end

return globs
