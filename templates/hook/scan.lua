-- A strict scanner of one JSON object (RFC 8259): what is in a job's --comment.
-- Its twin is core/jsontext.py: both find the same faults at the same characters.

local find, sub, byte, char = string.find, string.sub, string.byte, string.char
local floor = math.floor
local scan = {}

local ESCAPES = {
  ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t",
}
local QUOTE, BACKSLASH, COMMA, COLON, OPEN, LIST = 34, 92, 44, 58, 123, 91
local WORDS = { { "true", "boolean" }, { "false", "boolean" }, { "null", "null" } }

-- Faults are thrown as tables, so that an error of ours is never taken for one.
local function fault(reason, at)
  error({ reason = reason, at = at }, 0)
end

-- A code point as UTF-8; halves of surrogate pairs too, which `verdict` refuses.
local function encode(point)
  if point < 0x80 then
    return char(point)
  elseif point < 0x800 then
    return char(0xC0 + floor(point / 0x40), 0x80 + point % 0x40)
  elseif point < 0x10000 then
    return char(0xE0 + floor(point / 0x1000), 0x80 + floor(point / 0x40) % 0x40,
      0x80 + point % 0x40)
  end
  return char(0xF0 + floor(point / 0x40000), 0x80 + floor(point / 0x1000) % 0x40,
    0x80 + floor(point / 0x40) % 0x40, 0x80 + point % 0x40)
end

local function space(text, at)
  local c = byte(text, at)
  if not c or c > 32 then
    return at
  end
  local _, stop = find(text, "^[ \t\n\r]*", at)
  return stop + 1
end

local function hex(text, at)
  local digits = sub(text, at, at + 3)
  return #digits == 4 and not find(digits, "[^%x]") and tonumber(digits, 16) or nil
end

-- The text behind \u at `at`, and where it ends; a pair of surrogates is one character.
local function unicode(text, at)
  local point = hex(text, at + 2)
  if not point then
    fault("\\u without four hexadecimal digits", at)
  end
  if point >= 0xD800 and point < 0xDC00 and sub(text, at + 6, at + 7) == "\\u" then
    local low = hex(text, at + 8)
    if low and low >= 0xDC00 and low < 0xE000 then
      return encode(0x10000 + (point - 0xD800) * 0x400 + low - 0xDC00), at + 12
    end
  end
  return encode(point), at + 6
end

-- Whether the text being scanned is printable ASCII without a backslash, as nearly all are: then
-- a text in it ends at the next quote.
local simple = false

local function text_at(text, at)
  if simple then
    local stop = find(text, '"', at + 1, true)
    if not stop then
      fault("a text without its closing quote", at)
    end
    return sub(text, at + 1, stop - 1), stop + 1
  end
  local began, parts = at, nil
  at = at + 1
  while true do
    local stop = find(text, '["\\%z\1-\31]', at)
    if not stop then
      fault("a text without its closing quote", began)
    end
    local plain, c = sub(text, at, stop - 1), byte(text, stop)
    at = stop
    if c == QUOTE then
      if not parts then
        return plain, at + 1
      end
      parts[#parts + 1] = plain
      return table.concat(parts), at + 1
    elseif c ~= BACKSLASH then
      fault(string.format("a control character (U+%04X) inside a text", c), at)
    end
    parts = parts or {}
    parts[#parts + 1] = plain
    local kind = sub(text, at + 1, at + 1)
    if kind == "u" then
      parts[#parts + 1], at = unicode(text, at)
    elseif ESCAPES[kind] then
      parts[#parts + 1] = ESCAPES[kind]
      at = at + 2
    else
      fault("a \\ that escapes nothing (for a \\ itself write \\\\)", at)
    end
  end
end

local function number_end(text, at)
  local stop = select(2, find(text, "^%-?0", at)) or select(2, find(text, "^%-?[1-9]%d*", at))
  if not stop then
    return nil
  end
  stop = select(2, find(text, "^%.%d+", stop + 1)) or stop
  return select(2, find(text, "^[eE][-+]?%d+", stop + 1)) or stop
end

local value_at

-- What stands between brackets; `keep` gathers an object's members, in order, and where each
-- and its value stand.
local function members(text, at, close, keep)
  at = space(text, at)
  local is_object, ending = close == "}", byte(close)
  if byte(text, at) == ending then
    return at + 1
  end
  while true do
    local key, whole = nil, at
    if is_object then
      if byte(text, at) ~= QUOTE then
        fault("expected a key in double quotes", at)
      end
      key, at = text_at(text, at)
      at = space(text, at)
      if byte(text, at) ~= COLON then
        fault('expected ":"', at)
      end
      at = space(text, at + 1)
    end
    local began, kind, value = at, nil, nil
    kind, at, value = value_at(text, at)
    if keep then
      keep[#keep + 1] =
        { key = key, kind = kind, value = value, from = whole, began = began, stop = at - 1 }
    end
    at = space(text, at)
    local c = byte(text, at)
    if c == ending then
      return at + 1
    elseif c ~= COMMA then
      fault('expected "," or "' .. close .. '"', at)
    end
    at = space(text, at + 1)
  end
end

-- The kind of the value at `at`, where it ends, and what it is if it is a text.
value_at = function(text, at, keep)
  local c = byte(text, at)
  if c == QUOTE then
    local value, stop = text_at(text, at)
    return "string", stop, value
  elseif c == OPEN then
    return "object", members(text, at + 1, "}", keep)
  elseif c == LIST then
    return "list", members(text, at + 1, "]")
  end
  local stop = number_end(text, at)
  if stop then
    return "number", stop + 1
  end
  for _, word in ipairs(WORDS) do
    if sub(text, at, at + #word[1] - 1) == word[1] then
      return word[2], at + #word[1]
    end
  end
  fault("expected a value", at)
end

-- Whether more than so many brackets open, inside texts or outside.
function scan.opens_more(text, most)
  for _, bracket in ipairs({ "{", "[" }) do
    local at = find(text, bracket, 1, true)
    while at do
      most = most - 1
      if most < 0 then
        return true
      end
      at = find(text, bracket, at + 1, true)
    end
  end
  return false
end

-- How deep brackets nest outside texts, in what need not be JSON.
function scan.depth(text)
  local depth, deepest, inside, at = 0, 0, false, 1
  while true do
    at = find(text, inside and '["\\]' or '["%[{%]}]', at)
    if not at then
      return deepest
    end
    local c = sub(text, at, at)
    if c == "\\" then
      at = at + 1
    elseif c == '"' then
      inside = not inside
    elseif c == "[" or c == "{" then
      depth = depth + 1
      deepest = depth > deepest and depth or deepest
    else
      depth = depth - 1
    end
    at = at + 1
  end
end

-- The members of the object in `text`, each {key, kind, value, from, began, stop}: the bytes at
-- which the key and the value begin, and at which both end.  Or nil and the kind it is instead;
-- or nil, nil, the reason and the byte it stands at.
-- `printable`: whether it is known to be printable ASCII.
function scan.object(text, printable)
  local kept = {}
  simple = printable and not find(text, "\\", 1, true)
  local ok, kind, stop = pcall(value_at, text, space(text, 1), kept)
  if ok then
    stop = space(text, stop)
    if stop <= #text then
      return nil, nil, "something follows it", stop
    elseif kind == "object" then
      return kept
    end
    return nil, kind
  end
  if type(kind) ~= "table" then
    error(kind, 0)
  end
  return nil, nil, kind.reason, kind.at
end

-- The byte at which `text` stops being UTF-8 (RFC 3629), or nil.
function scan.not_utf8(text)
  local at = find(text, "[\128-\255]")
  while at do
    local _, stop = find(text, "^[\194-\223][\128-\191]", at)
    if not stop then
      local a, b = byte(text, at, at + 1)
      b = b or 0
      local fits = (a == 0xE0 and b >= 0xA0) or (a == 0xED and b < 0xA0)
        or (a >= 0xE1 and a <= 0xEF and a ~= 0xED)
      if fits then
        _, stop = find(text, "^.[\128-\191][\128-\191]", at)
      elseif (a == 0xF0 and b >= 0x90) or (a == 0xF4 and b < 0x90) or (a >= 0xF1 and a <= 0xF3) then
        _, stop = find(text, "^.[\128-\191][\128-\191][\128-\191]", at)
      end
    end
    if not stop then
      return at
    end
    at = find(text, "[\128-\255]", stop + 1)
  end
end

-- Code points of valid UTF-8, one a call: `for point in scan.points(text)`.
function scan.points(text)
  local at = 1
  return function()
    local a, b, c, d = byte(text, at, at + 3)
    if not a then
      return nil
    elseif a < 0x80 then
      at = at + 1
      return a
    elseif a < 0xE0 then
      at = at + 2
      return (a - 0xC0) * 0x40 + b - 0x80
    elseif a < 0xF0 then
      at = at + 3
      return (a - 0xE0) * 0x1000 + (b - 0x80) * 0x40 + c - 0x80
    end
    at = at + 4
    return (a - 0xF0) * 0x40000 + (b - 0x80) * 0x1000 + (c - 0x80) * 0x40 + d - 0x80
  end
end

-- The number of the character (the first is 1) that begins at byte `at`.
function scan.character(text, at)
  local _, before = string.gsub(sub(text, 1, at - 1), "[^\128-\191]", "")
  return before + 1
end

return scan
