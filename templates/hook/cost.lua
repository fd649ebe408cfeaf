-- The most that a job can cost, said on acceptance.  Its twin is core/estimate.py.

local need = ...
local data = need("data")
local floor = math.floor
local cost = {}

local NO_VAL, NO_VAL16, INFINITE, EXCLUSIVE = 4294967294, 65534, 4294967295, 0
-- Larger whole numbers are not kept exactly by Lua's doubles: then nothing is said.
local MOST = 2 ^ 53
local GPU = "gres/gpu"
local MOST_DIGITS = 30

local function known(number)
  return type(number) == "number" and number > 0 and number < NO_VAL and number or nil
end

-- Devices of `gres:gpu:h100:2,gres/shard=1`, `times` over, into `found`: the largest of each.
local function add(found, text, times)
  local own = {}
  for item in (text or ""):gmatch("[^,]+") do
    local words = {}
    for word in item:gsub("^gres[:/]", ""):gmatch("[^:=]+") do
      words[#words + 1] = word
    end
    local count = tonumber(#words > 1 and words[#words]:match("^%d+$"))
    if count then
      words[#words] = nil
    end
    local sku = "gres/" .. table.concat(words, ":")
    own[sku] = (own[sku] or 0) + (count or 1) * times
  end
  for sku, count in pairs(own) do
    found[sku] = count > 0 and math.max(found[sku] or 0, count) or found[sku]
  end
end

local function known16(number)
  return type(number) == "number" and number > 0 and number < NO_VAL16 and number or nil
end

-- The devices of a job, or nil where they cannot be counted from here.
local function devices(job)
  if job.shared == EXCLUSIVE or (job.tres_per_socket or "") ~= "" or known16(job.ntasks_per_gpu)
    or known16(job.ntasks_per_tres) then
    return nil
  end
  -- Slurm may spread tasks over more nodes than it must
  local spreads = (known(job.num_tasks) or 1) > 1 and not known(job.min_nodes)
  if spreads and (job.tres_per_node or "") ~= "" then
    return nil
  end
  local nodes = math.max(known(job.min_nodes) or 1, known(job.max_nodes) or 1)
  local tasks = known(job.num_tasks) or nodes * (known16(job.ntasks_per_node) or 1)
  local found = {}
  add(found, job.tres_per_job, 1)
  add(found, job.tres_per_node, nodes)
  add(found, job.tres_per_task, tasks)
  local typed = 0
  for sku, count in pairs(found) do
    typed = typed + (sku:sub(1, #GPU + 1) == GPU .. ":" and count or 0)
  end
  if found[GPU] then
    found[GPU] = found[GPU] > typed and found[GPU] - typed or nil
  end
  return found
end

-- Minutes, or nil for no limit: of the partitions it may land in, the longest.
local function minutes(job, partitions, part_list)
  if job.time_limit and job.time_limit < NO_VAL then
    return job.time_limit
  elseif job.time_limit == INFINITE then
    return nil
  end
  local longest = 0
  for _, name in ipairs(partitions) do
    local part = (part_list or {})[name] or {}
    local limit = part.default_time
    limit = limit and limit ~= NO_VAL and limit or part.max_time
    if not limit or limit >= NO_VAL then
      return nil
    end
    longest = math.max(longest, limit)
  end
  return longest > 0 and longest or nil
end

-- How many tasks `0-15:4,20%2` has.
local function array_tasks(text)
  local tasks = 0
  for part in (text or ""):gsub("%%.*", ""):gmatch("[^,]+") do
    -- in steps, each anchored: one pattern of three numbers takes n^3 on a long row of digits
    local first, rest = part:match("^%[?(%d+)(.*)$")
    local last, after = (rest or ""):match("^%-(%d+)(.*)$")
    local step, ending = (after or rest or ""):match("^:(%d+)(.*)$")
    ending = ending or after or rest
    if not first or #part > MOST_DIGITS or (ending ~= "" and ending ~= "]") then
      return nil
    end
    first, last, step = tonumber(first), tonumber(last or first), tonumber(step or 1)
    if step < 1 or last < first then
      return nil
    end
    tasks = tasks + floor((last - first) / step) + 1
  end
  return tasks > 0 and tasks or 1
end

-- What of some steps, dated and in order, is in force now.
-- What of some steps, dated and in order, is in force now.
local function step_at(steps, now)
  local found
  for _, step in ipairs(steps) do
    found = step.from <= now and step or found
  end
  return found
end

local function fits(match, place)
  for key, value in pairs(match) do
    if place[key] ~= value then
      return false
    end
  end
  return true
end

-- Names behind commas; "" where there are none.
local function listed(text)
  local found = {}
  for name in (text or ""):gmatch("[^,]+") do
    found[#found + 1] = name
  end
  return #found > 0 and found or { "" }
end

-- Where and as whose a job may run: what rates and rules go by.
local function places(money, job, who, partitions, team, now)
  local steps = team and (money.classes or {})[team] or money.class or {}
  local class = (step_at(steps, now) or {}).name
  local found = {}
  for _, partition in ipairs(partitions) do
    for _, reservation in ipairs(listed(job.reservation)) do
      found[#found + 1] = { cluster = money.cluster, partition = partition, account = who.account,
        qos = who.qos, reservation = reservation, class = class }
    end
  end
  return found
end

-- Whether a rule of the charging policy is for such a run now.
local function applies(rule, place, now)
  return rule.from <= now and (not rule.until_ or now < rule.until_) and fits(rule.match, place)
end

local function is_typed(sku)
  return sku:sub(1, #GPU + 1) == GPU .. ":"
end

-- Whether a list of SKUs has one: gres/gpu stands for GPUs of any type.
local function covers(skus, sku)
  for _, name in ipairs(skus) do
    if name == sku or name == GPU and is_typed(sku) then
      return true
    end
  end
  return false
end

local function in_lowest_terms(above, below)
  local a, b = above, below
  while b > 0 do
    a, b = b, a % b
  end
  return above / a, below / a
end

-- A price times the factors that are for it.  One that a double does not hold is endless.
local function times(step, money, sku, place, now)
  -- as doubles, whatever this Lua has: its whole numbers might begin again from below
  local above, below, text = step.above * 1.0, step.below * 1.0, step.text
  for _, rule in ipairs(money.factors or {}) do
    if applies(rule, place, now) and (not rule.skus or covers(rule.skus, sku)) then
      above, below, text = above * rule.above, below * rule.below, text .. " × " .. rule.text
      if above > MOST or below > MOST then
        return { above = math.huge, below = 1, text = text }
      end
      above, below = in_lowest_terms(above, below)
    end
  end
  return { above = above, below = below, text = text }
end

-- The price of a SKU now: its own rates before those of gres/gpu.
local function price(money, sku, place, now)
  for _, name in ipairs(is_typed(sku) and { sku, GPU } or { sku }) do
    for _, series in ipairs(money.rates[name] or {}) do
      local step = fits(series.match, place) and step_at(series.steps, now)
      if step then
        return times(step, money, sku, place, now)
      end
    end
  end
end

-- The highest that may apply: a GPU of no type may be one of any.
local function dearest(money, sku, where, now)
  local best
  for _, name in ipairs(sku == GPU and money.gpus or { sku }) do
    for _, place in ipairs(where) do
      local found = price(money, name, place, now)
      if found and (not best or found.above / found.below > best.above / best.below) then
        best = found
      end
    end
  end
  return best
end

-- The most minutes that are paid for, a begun one whole, of a run of so many.
local function booked(money, where, limit, now)
  local most = limit * 60
  for _, place in ipairs(where) do
    for _, rule in ipairs(money.rounding or {}) do
      if applies(rule, place, now) then
        local seconds = math.max(rule.minimum, limit * 60)
        most = math.max(most, math.ceil(seconds / rule.step) * rule.step)
        break
      end
    end
  end
  return math.ceil(most / 60)
end

local function applies_everywhere(rule, where, now)
  for _, place in ipairs(where) do
    if not applies(rule, place, now) then
      return false
    end
  end
  return true
end

-- What is left of the parts where a group surely makes the dearest the only one.
local function combined(money, parts, where, now)
  for _, group in ipairs(money.groups or {}) do
    local best, kept = nil, {}
    for _, part in ipairs(applies_everywhere(group, where, now) and parts or {}) do
      local hourly = part.count * part.price.above / part.price.below
      if covers(group.skus, part.sku) and (not best or hourly > best.hourly) then
        best = { part = part, hourly = hourly }
      end
    end
    for _, part in ipairs(best and parts or {}) do
      if part == best.part or not covers(group.skus, part.sku) then
        kept[#kept + 1] = part
      end
    end
    parts = best and kept or parts
  end
  return parts
end

-- Minor units with thousands apart.
local function grouped(minor, digits)
  local text = ("%.0f"):format(minor)
  text = ("0"):rep(digits + 1 - #text) .. text
  local whole, rest = text:sub(1, #text - digits), text:sub(#text - digits + 1)
  local count
  repeat
    whole, count = whole:gsub("^(%d+)(%d%d%d)", "%1,%2")
  until count == 0
  return rest == "" and whole or whole .. "." .. rest
end
cost.grouped = grouped

local function clock(limit)
  local days, hours = floor(limit / 1440), floor(limit % 1440 / 60)
  if days == 1 then
    days, hours = 0, hours + 24
  end
  return (days > 0 and ("%d-"):format(days) or "") .. ("%02d:%02d:00"):format(hours, limit % 60)
end

local function sum_text(parts, tasks, limit)
  local times, each = {}, {}
  if tasks > 1 then
    times[1] = grouped(tasks, 0) .. " tasks"
  end
  for i, part in ipairs(parts) do
    each[i] = ("%d × %s at %s"):format(part.count, part.name, part.price.text)
  end
  if #parts == 1 then
    times[#times + 1] = ("%d × %s"):format(parts[1].count, parts[1].name)
    times[#times + 1] = limit and clock(limit)
    return table.concat(times, " × ") .. " at " .. parts[1].price.text
  end
  times[#times + 1] = limit and clock(limit)
  return table.concat(times, " × ") .. (#times > 0 and ": " or "") .. table.concat(each, ", ")
end

-- What the devices cost for so many minutes: minor units, a begun one whole; nil if inexact.
local function total(parts, limit)
  local sum = 0
  for _, part in ipairs(parts) do
    local above = part.count * limit * part.price.above
    if above > MOST or part.price.below > MOST then
      return nil
    end
    sum = sum + floor((above - above % part.price.below) / part.price.below)
      + (above % part.price.below > 0 and 1 or 0)
  end
  return sum
end

local function priced(money, found, where, now)
  local skus, parts, without = {}, {}, {}
  for sku in pairs(found) do
    skus[#skus + 1] = sku
  end
  table.sort(skus)
  for _, sku in ipairs(skus) do
    local each = dearest(money, sku, where, now)
    if each then
      local name = sku:gsub("^gres/", ""):gsub("^gpu:", "")
      parts[#parts + 1] = { sku = sku, count = found[sku], name = name, price = each }
    else
      without[#without + 1] = sku
    end
  end
  return combined(money, parts, where, now), without
end

-- What is left of a team's budget, from the file that nightly writes; nil where it says nothing.
local function left(money, team, now)
  if not money.budget_file or not team then
    return nil
  end
  money.watch = money.watch or data.watch(money.budget_file, function(found) return found end)
  local budgets = money.watch()
  local rest = budgets and budgets.from <= now and now < budgets.until_ and budgets.teams[team]
  if not rest then
    return nil
  end
  local tenths = budgets.tenths and budgets.tenths[team]
  local beside = tenths and (" and %s GPU-hours"):format(grouped(tenths, 1)) or ""
  if rest >= 0 then
    return ("team %s has %s%s left this month"):format(team, grouped(rest, money.digits), beside)
  end
  return ("team %s is %s over its budget this month%s"):format(
    team, grouped(-rest, money.digits), tenths and ("; it has" .. beside:sub(5) .. " left") or ""
  )
end

-- One line, or nil where nothing can be said for certain.
function cost.line(policy, job, who, team, part_list, now)
  local money = policy.money
  local found = money and devices(job)
  local tasks = array_tasks(job.array_inx)
  if not found or not tasks then
    return nil
  end
  local partitions = listed(who.partition)
  for _, name in ipairs(partitions) do
    -- OverSubscribe=EXCLUSIVE: whole nodes, whatever was asked for
    if ((part_list or {})[name] or {}).max_share == 0 then
      return nil
    end
  end
  local where = places(money, job, who, partitions, team, now)
  local parts, without = priced(money, found, where, now)
  local limit = minutes(job, partitions, part_list)
  limit = limit and booked(money, where, limit, now)
  local sum = #parts > 0 and total(parts, tasks * (limit or 60))
  if not sum then
    return nil
  end
  local figure = grouped(sum, money.digits) .. " " .. money.currency
  local words = {
    (money.others and "devices: " or "")
      .. (limit and "up to " .. figure or figure .. " an hour, without a limit of time")
      .. " (" .. sum_text(parts, tasks, limit) .. ")",
  }
  for _, sku in ipairs(without) do
    words[#words + 1] = sku .. " has no rate"
  end
  words[#words + 1] = left(money, team, now)
  return table.concat(words, "; ")
end

return cost
