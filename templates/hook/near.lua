-- Did you mean …?  Its twin is core/near.py: both find the same name.

local near = {}
local find, floor = string.find, math.floor

-- slurmctld waits while this thinks: so many names are compared and no more.
local MAX_NAMES, MAX_LENGTH, SLIPS = 500, 64, 2

local function folded(text)
  return (text:gsub("[A-Z]", string.lower))
end

-- Characters of a valid UTF-8 text that is folded.
local function characters(text)
  if not find(text, "[\128-\255]") then
    return { text:byte(1, MAX_LENGTH + 1) }
  end
  local found = {}
  for c in text:gmatch("[%z\1-\127\194-\244][\128-\191]*") do
    found[#found + 1] = #c == 1 and c:byte() or c
  end
  return found
end

-- A slip touches two neighbouring pieces at most, so one of 2 × slips + 1 stands in every name
-- that is near, and hardly moved: names without any need not be compared character by character.
local function pieces(text, size, slips)
  if find(text, "[\128-\255]") then
    return nil
  end
  local found, count = {}, 2 * slips + 1
  for i = 1, count do
    local from, to = floor((i - 1) * size / count) + 1, floor(i * size / count)
    found[i] = { text = text:sub(from, to), from = from }
  end
  return found
end

local function may_be_near(name, cut, most)
  for _, piece in ipairs(cut) do
    local from = piece.from - most
    local at = find(name, piece.text, from > 1 and from or 1, true)
    if at and at <= piece.from + most then
      return true
    end
  end
  return false
end

local before, last, row = {}, {}, {}

-- The slips from `one` to `two`; nil if there are more than `most`.
local function slips(one, two, most)
  local a, b, first = #one, #two, 1
  if a - b > most or b - a > most or b > MAX_LENGTH then
    return nil
  end
  while first <= a and one[first] == two[first] do
    first = first + 1
  end
  while a >= first and b >= first and one[a] == two[b] do
    a, b = a - 1, b - 1
  end
  -- Only cells within `most` of the diagonal can be small enough; those beside them are `far`.
  local far, skip = most + 1, first - 1
  local width = b - skip
  for j = 0, width do
    last[j] = j
  end
  for i = 1, a - skip do
    local least, c = far, one[skip + i]
    local from, to = i - most, i + most
    if from < 1 then
      from, row[0], least = 1, i, i
    else
      row[from - 1] = far
    end
    to = to < width and to or width
    for j = from, to do
      local d = two[skip + j]
      local cost = last[j - 1] + (c ~= d and 1 or 0)
      local other = (j < i + most and last[j] or far) + 1
      cost = other < cost and other or cost
      other = row[j - 1] + 1
      cost = other < cost and other or cost
      if i > 1 and j > 1 and c == two[skip + j - 1] and one[skip + i - 1] == d then
        other = before[j - 2] + 1
        cost = other < cost and other or cost
      end
      row[j] = cost
      least = cost < least and cost or least
    end
    if least > most then
      return nil
    end
    before, last, row = last, row, before
  end
  local found = last[width]
  return found <= most and found or nil
end

-- The first of the nearest names: one slip for three characters, two at most.
function near.nearest(text, names)
  text = folded(text)
  local wanted = characters(text)
  if #wanted > MAX_LENGTH then
    return nil
  end
  local allowed, best = math.min(SLIPS, floor(#wanted / 3)), nil
  local cut, most = pieces(text, #wanted, allowed), allowed
  -- The names are those of the policy: they are taken apart once.
  local kept = names.kept or {}
  names.kept = kept
  for i = 1, math.min(#names, MAX_NAMES) do
    local name = kept[i]
    if not name then
      local plain = folded(names[i])
      name = { text = plain, parts = characters(plain), wide = find(plain, "[\128-\255]") }
      kept[i] = name
    end
    -- beside other letters a byte is no character, and its place says nothing
    local found = (not cut or name.wide or may_be_near(name.text, cut, most))
      and slips(wanted, name.parts, allowed)
    if found == 0 then
      return names[i]
    elseif found then
      best, allowed = names[i], found - 1
    end
  end
  return best
end

return near
