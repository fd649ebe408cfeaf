-- A file of data beside the hook: read once, and again only when its first line changes.

local data = {}
local FORMAT = 1

-- A table constructor and nothing else can run: it sees no names, not even `print`.
local function compile(text, name)
  if text:find("^\27") then
    return nil, "it is compiled code"
  end
  if setfenv then
    local chunk, why = loadstring(text, name)
    return chunk and setfenv(chunk, {}), why
  end
  return load(text, name, "t", {})
end

local function read(path, seen)
  local file, why = io.open(path, "rb")
  if not file then
    return nil, why
  end
  local stamp = file:read("*l")
  if stamp and stamp == seen then
    file:close()
    return stamp
  end
  local text = file:read("*a")
  file:close()
  if not stamp or not text then
    return nil, path .. ": it is empty"
  end
  local chunk, bad = compile(text, "=" .. path)
  if not chunk then
    return nil, bad
  end
  local ok, found = pcall(chunk)
  if not ok or type(found) ~= "table" then
    return nil, path .. ": it holds no table"
  elseif found.format ~= FORMAT then
    return nil, path .. ": made by another release of slurm-finops"
  end
  return stamp, found
end

-- A reader of one file.  It answers the data, or nil where none was ever read; and
-- why the file cannot be read now, if so: the last that could be read still holds.
function data.watch(path, ready)
  local stamp, held
  return function()
    local seen, found = read(path, stamp)
    if not seen then
      return held, found
    elseif found then
      local ok, made = pcall(ready, found)
      if not ok then
        return held, path .. ": " .. tostring(made)
      end
      stamp, held = seen, made
    end
    return held
  end
end

return data
