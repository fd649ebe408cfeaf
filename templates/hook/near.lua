-- Did you mean …?  Its twin is core/near.py: both find the same name.

local near = {}

-- slurmctld waits while this thinks: so many names are compared and no more.
local MAX_NAMES, MAX_LENGTH, SLIPS = 500, 64, 2

-- Characters of a valid UTF-8 text, upper and lower case of ASCII letters the same.
local function characters(text)
  text = text:gsub("[A-Z]", string.lower)
  if not text:find("[\128-\255]") then
    return { text:byte(1, MAX_LENGTH + 1) }
  end
  local found = {}
  for c in text:gmatch("[%z\1-\127\194-\244][\128-\191]*") do
    found[#found + 1] = #c == 1 and c:byte() or c
  end
  return found
end

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
  -- Only cells within `most` of the diagonal can be small enough; row[j] past them is not read.
  local far, skip = most + 1, first - 1
  local before, last = {}, {}
  for j = 0, b - skip do
    last[j] = j
  end
  for i = 1, a - skip do
    local row, least, c = {}, far, one[skip + i]
    local from, to = i - most, i + most
    if from < 1 then
      from, row[0], least = 1, i, i
    end
    for j = from, to < b - skip and to or b - skip do
      local d = two[skip + j]
      local cost = (last[j - 1] or far) + (c ~= d and 1 or 0)
      local other = (last[j] or far) + 1
      cost = other < cost and other or cost
      other = (row[j - 1] or far) + 1
      cost = other < cost and other or cost
      if i > 1 and j > 1 and c == two[skip + j - 1] and one[skip + i - 1] == d then
        other = (before[j - 2] or far) + 1
        cost = other < cost and other or cost
      end
      row[j] = cost
      least = cost < least and cost or least
    end
    if least > most then
      return nil
    end
    before, last = last, row
  end
  local found = last[b - skip]
  return found and found <= most and found or nil
end

-- The first of the nearest names: one slip for three characters, two at most.
function near.nearest(text, names)
  local wanted = characters(text)
  if #wanted > MAX_LENGTH then
    return nil
  end
  local allowed, best = math.min(SLIPS, math.floor(#wanted / 3)), nil
  -- The names are those of the policy: they are taken apart once.
  local apart = names.apart or {}
  names.apart = apart
  for i = 1, math.min(#names, MAX_NAMES) do
    apart[i] = apart[i] or characters(names[i])
    local found = slips(wanted, apart[i], allowed)
    if found == 0 then
      return names[i]
    elseif found then
      best, allowed = names[i], found - 1
    end
  end
  return best
end

return near
